import type { Plan, Unit } from './schema.ts'

/** Why a command template cannot be filled, with the index of the word to blame. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly wordIndex: number
  constructor(message: string, wordIndex: number) {
    super(message)
    this.wordIndex = wordIndex
  }
}

const placeholder = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g

/** Names of the placeholders in a command template, in order of appearance, each once. */
export function placeholdersOf(template: readonly string[]): string[] {
  const names = new Set<string>()
  for (const word of template) for (const match of word.matchAll(placeholder)) if (match[1]) names.add(match[1])
  return [...names]
}

/**
 * The argument vector of one unit: `{unit}`, `{index}`, `{seed}` and the unit's parameters are replaced inside words;
 * a list is written with commas. `{{` and `}}` stand for braces. A word stays one word whatever is put into it, and no
 * shell sees it. Throws CommandError on a name that the unit does not have.
 */
export function unitCommand(plan: Pick<Plan, 'command'>, unit: Unit): string[] {
  const values = new Map<string, string>([
    ...Object.entries(unit.parameters).map(([k, v]): [string, string] => [
      k,
      Array.isArray(v) ? v.join(',') : String(v),
    ]),
    ['unit', unit.id],
    ['index', String(unit.index)],
    ['seed', String(unit.seed)],
  ])
  return plan.command.map((word, wordIndex) => {
    const filled = word.replace(placeholder, (whole, name: string | undefined) => {
      if (whole === '{{') return '{'
      if (whole === '}}') return '}'
      const value = name === undefined ? undefined : values.get(name)
      if (value === undefined)
        throw new CommandError(
          `{${name}} is not known: this plan has ${[...values.keys()].map((k) => `{${k}}`).join(', ')}; for a literal brace write {{ and }}`,
          wordIndex,
        )
      return value
    })
    if (filled.includes('\0')) throw new CommandError('a word of a command cannot hold a NUL character', wordIndex)
    return filled
  })
}
