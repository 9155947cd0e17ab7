import { scriptInput } from '../host/script.ts'
import type { Ending, ExecResult, Host, ScriptOptions } from '../host/types.ts'

/** A shell line at the prompt has an end, like every call to a host. */
export const shellSeconds = 3600

const inBash = 'if command -v bash >/dev/null 2>&1; then exec bash -s; else exec sh -s; fi'

/**
 * Runs a line as somebody typed it, in bash where the host has that. It travels on standard input: among the arguments
 * every user of the machine could read it.
 */
export const runShellLine = (host: Host, line: string, options: ScriptOptions): Promise<ExecResult> =>
  host.exec(['sh', '-c', inBash], { timeoutSeconds: shellSeconds, ...options, stdin: scriptInput(line) })

/** How a line ended, in words. */
export function endingWords(ending: Ending, timedOut = false): string {
  if (ending.kind === 'exited') return `exit ${ending.code}`
  if (ending.kind === 'signalled') return `ended by ${ending.signal}${timedOut ? `, after ${shellSeconds} s` : ''}`
  return `how it ended is unknown: ${ending.reason}`
}
