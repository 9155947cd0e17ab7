import type { CellContext, CellPlan, KxAnswer } from '../../src/recipe/contract.ts'
import { redactText } from '../../src/text/redact.ts'
import { sanitise } from '../../src/text/sanitise.ts'

/** A cell's context, whatever the parameters of its recipe are. */
export type AnyContext = CellContext<unknown>

const decoder = new TextDecoder()

/** Longest answer of one look that is taken; a look that says more has its end cut off, and says so. */
const longestAnswerBytes = 4 * 1024 * 1024

/** The same cause that a lost command of `$` has: the runner ends such a cell as unknown, never as failed. */
export class NotSeen extends Error {
  override readonly name = 'NotSeen'

  constructor(what: string) {
    super(what, { cause: Object.assign(new Error(what), { code: 'ECHANNELLOST' }) })
  }
}

/** What stands first in scripts that look at processes: `alive <pid> <start> <boot>`, `has <program>`, `short <program> …`. */
export const shellKit = `set -u
LC_ALL=C; export LC_ALL
boot=none
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
ticks_of() {
  ticks=0
  IFS= read -r stat_line 2>/dev/null <"/proc/$1/stat" || return 1
  rest=\${stat_line##*) }
  set -- $rest
  state=$1
  ticks=\${20:-0}
  [ "$state" != Z ] && [ "$state" != X ]
}
alive() { [ "$3" = "$boot" ] && ticks_of "$1" && [ "$ticks" = "$2" ]; }
has() { command -v "$1" >/dev/null 2>&1; }
short() { if has timeout; then timeout 10 "$@"; else "$@"; fi; }
runner_alive() { [ -f runner.pid ] && read -r p t b _ <runner.pid && alive "$p" "$t" "$b"; }
`

export interface AskOptions {
  readonly timeoutSeconds?: number
  /** Exit codes that are answers; everything else ends the cell as failed. */
  readonly codes?: readonly number[]
}

export interface Asked {
  readonly text: string
  readonly code: number
  readonly isCut: boolean
}

/** Runs a constant script with data as its words, and gives what it printed. A look whose end was not seen is unknown. */
export async function ask(
  context: AnyContext,
  source: string,
  words: readonly string[] = [],
  { timeoutSeconds = 30, codes = [0] }: AskOptions = {},
): Promise<Asked> {
  const result = await context.host.script(source, words, {
    timeoutSeconds,
    maxBytes: longestAnswerBytes,
    signal: context.signal,
  })
  const { ending } = result
  if (result.timedOut) return context.fail(`${context.host.name} did not answer within ${timeoutSeconds} s.`)
  if (ending.kind === 'unknown') throw new NotSeen(`${context.host.name}: the end was not seen (${ending.reason}).`)
  if (ending.kind === 'signalled')
    return context.fail(`The look at ${context.host.name} was ended by ${ending.signal}.`)
  if (!codes.includes(ending.code)) {
    const why = clean(decoder.decode(result.stderr)).trim().split('\n').at(-1) ?? ''
    return context.fail(`${context.host.name} answered with code ${ending.code}${why === '' ? '' : `: ${why}`}.`)
  }
  return {
    text: decoder.decode(result.stdout),
    code: ending.code,
    isCut: result.stdoutBytes > result.stdout.length,
  }
}

/** Foreign text made fit for a screen and a file: no control characters, no colours, nothing that looks like a secret. */
export function clean(text: string): string {
  return redactText(sanitise(text, { allowSgr: false }), null).text
}

/** `name=value` lines of a look. A name that is not there reads as null, and so does an empty value. */
export function readFacts(text: string): (name: string) => string | null {
  const facts = new Map<string, string>()
  for (const line of text.split('\n')) {
    const at = line.indexOf('=')
    if (at > 0) facts.set(line.slice(0, at), line.slice(at + 1))
  }
  return (name) => {
    const value = facts.get(name)
    return value === undefined || value === '' ? null : value
  }
}

/** A number that was asked for, or null: nothing but a plain decimal number is one. */
export function numberOf(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^-?\d+(\.\d+)?$/.test(text.trim())) return null
  return Number(text)
}

/** The plan of a cell that reads. */
export const looksOnly = (...lines: readonly string[]): (() => Promise<CellPlan>) => {
  const plan: CellPlan = { change: 'no', lines: ['It only looks.', ...lines], foundBy: 'declared' }
  return async () => plan
}

/** Folder of the run on the host; without one the cell ends with the words for it. */
export function folderOf(context: AnyContext): string {
  return (
    context.host.folder ??
    context.fail(`Nothing of a run is known on ${context.host.name}.`, 'Open a run that was launched there (kx open).')
  )
}

/** Ids of units stand in paths: what is no such id is refused before it gets there. */
export function checkedUnit(context: AnyContext, unit: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(unit))
    return context.fail(
      unit === '' ? 'No unit is named.' : `${JSON.stringify(unit)} is no id of a unit.`,
      'Name one of the run: --unit <id>.',
    )
  return unit
}

/** Does what a command of kx does. What it refuses ends the cell as failed; what it does not know stays unknown. */
export async function byKx(
  context: AnyContext,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<KxAnswer> {
  const answer = await context.kx(command, args)
  if (answer.exitCode === 4) throw new NotSeen(`${command}: ${answer.summary}`)
  if (answer.exitCode === 3) return context.fail(answer.summary, 'A person has to decide; nothing was done.')
  if (answer.exitCode !== 0) return context.fail(answer.summary)
  return answer
}
