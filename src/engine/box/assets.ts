import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The shell scripts of the box engine, as they are shipped beside the program. */
export interface BoxScripts {
  readonly runner: string
  readonly start: string
  readonly status: string
  readonly sweep: string
}

let loaded: Promise<BoxScripts> | null = null

/** Reads the scripts once. Throws when the installation is incomplete. The addresses stand here whole: the build goes by them. */
export function boxScripts(): Promise<BoxScripts> {
  const read = (address: URL) => readFile(address, 'utf8')
  loaded ??= Promise.all([
    read(new URL('./alive.sh', import.meta.url)),
    read(new URL('./runner.sh', import.meta.url)),
    read(new URL('./start.sh', import.meta.url)),
    read(new URL('./status.sh', import.meta.url)),
    read(new URL('./sweep.sh', import.meta.url)),
  ]).then(([alive, runner, start, status, sweep]) => ({
    runner,
    start,
    status: `${alive}${status}`,
    sweep: `${alive}${sweep}`,
  }))
  return loaded
}

/** Name that carries the runner's own digest: another version is another file, and a live one is never edited. */
export function runnerName(source: string): string {
  return `runner-${createHash('sha256').update(source).digest('hex').slice(0, 12)}.sh`
}
