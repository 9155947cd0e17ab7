import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The shell scripts of the box engine, as they are shipped beside the program. */
export interface BoxScripts {
  readonly runner: string
  readonly guard: string
  readonly start: string
  readonly status: string
  readonly sweep: string
  readonly dismiss: string
  readonly giveUp: string
  readonly extend: string
}

/** Parts of the runner, in the order in which they make one script: each has one reason to change. */
const runnerParts = [
  'head',
  'settings',
  'tools',
  'events',
  'results',
  'log-metrics',
  'spawn',
  'unit',
  'workers',
  'queue',
  'stopping',
  'checkpoint',
  'abort',
  'progress',
  'look',
  'steps',
  'artifacts',
  'identity',
  'finish',
  'main',
] as const

/** The same of the guard; what stands without a folder is shared with the runner. */
const guardParts = [
  'guard/head',
  'settings',
  'tools',
  'spawn',
  'progress',
  'guard/time',
  'guard/look',
  'guard/act',
  'guard/main',
] as const

let loaded: Promise<BoxScripts> | null = null

/** Reads the scripts once. Throws when the installation is incomplete. The addresses stand here whole: the build goes by them. */
export function boxScripts(): Promise<BoxScripts> {
  const read = (address: URL) => readFile(address, 'utf8')
  const parts = new URL('./runner/', import.meta.url)
  const own = new URL('./guard/', import.meta.url)
  loaded ??= Promise.all([
    read(new URL('./alive.sh', import.meta.url)),
    Promise.all(runnerParts.map((name) => read(new URL(`${name}.sh`, parts)))),
    Promise.all(
      guardParts.map((name) =>
        read(new URL(`${name.replace('guard/', '')}.sh`, name.startsWith('guard/') ? own : parts)),
      ),
    ),
    read(new URL('./start.sh', import.meta.url)),
    read(new URL('./status.sh', import.meta.url)),
    read(new URL('./sweep.sh', import.meta.url)),
    read(new URL('./dismiss.sh', import.meta.url)),
    read(new URL('./extend.sh', import.meta.url)),
    read(new URL('./give-up.sh', import.meta.url)),
  ]).then(([alive, runner, guard, start, status, sweep, dismiss, extend, giveUp]) => ({
    runner: runner.join('\n'),
    guard: guard.join('\n'),
    start: `${alive}${start}`,
    status: `${alive}${status}`,
    sweep: `${alive}${sweep}`,
    dismiss: `${alive}${dismiss}`,
    giveUp: `${alive}${giveUp}`,
    extend,
  }))
  return loaded
}

/** As the runner's, for the guard. */
export function guardName(source: string): string {
  return `guard-${digestOf(source)}.sh`
}

const digestOf = (source: string) => createHash('sha256').update(source).digest('hex').slice(0, 12)

/** Name that carries the runner's own digest: another version is another file, and a live one is never edited. */
export function runnerName(source: string): string {
  return `runner-${digestOf(source)}.sh`
}
