/** Something wrong in a file that a person wrote: where it is, what was found, what to write instead. */
export interface SourceProblem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  /** Dotted path of the key, such as `metrics[0].direction`; empty for the file as a whole. */
  readonly key: string
  /** What is wrong, with what was found. */
  readonly message: string
  readonly expected?: string
  /** What to write: one imperative sentence. */
  readonly hint?: string
}

/** One line: `kx.yaml:12:3 metrics[0].direction: found "up", expected "higher" or "lower". Write …` */
export function formatProblem(problem: SourceProblem): string {
  const key = problem.key === '' ? '' : ` ${problem.key}:`
  const expected = problem.expected === undefined ? '' : `, expected ${problem.expected}`
  const hint = problem.hint === undefined ? '' : `. ${problem.hint}`
  return `${problem.file}:${problem.line}:${problem.column}${key} ${problem.message}${expected}${hint}`
}

/** `['metrics', 0, 'direction']` as `metrics[0].direction`. */
export function dottedKey(path: readonly PropertyKey[]): string {
  let key = ''
  for (const part of path) {
    if (typeof part === 'number') key += `[${part}]`
    else key += key === '' ? String(part) : `.${String(part)}`
  }
  return key
}
