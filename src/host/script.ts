import type { ScriptOptions } from './types.ts'

/**
 * What goes to `sh -s` for a script. The braces make the shell read all of it before it runs any of it, so a link that
 * breaks half-way runs nothing; and standard input is then /dev/null, so a command inside cannot eat the script.
 */
export function scriptInput(source: string): string {
  return `{\nexec </dev/null\n${source}\n}\n`
}

/** Whether a script may run in a kept shell: that stands in one folder with one environment, and shows nothing as it comes. */
export const canBeKept = (given: ScriptOptions): boolean =>
  given.isRepeated === true &&
  given.cwd === undefined &&
  given.env === undefined &&
  given.onStdout === undefined &&
  given.onStderr === undefined &&
  given.signal?.aborted !== true
