import { spawn } from 'node:child_process'

/** Words of a command: those of the settings, else those of a variable, which may carry flags. */
export function wordsOf(
  setting: readonly string[] | null | undefined,
  variable: string | undefined,
  fallback: string,
): readonly string[] {
  return (
    setting ??
    (variable ?? '')
      .split(/\s+/)
      .filter((w) => w !== '')
      .concat(variable === undefined || variable.trim() === '' ? fallback.split(' ') : [])
  )
}

/**
 * Runs a program on the terminal and waits for it. It is the person's own editor or pager, at the person's terminal, and
 * has the person's whole environment; everything else that kx starts goes without secrets (host/child-environment.ts).
 */
export function runOnTerminal(words: readonly string[], args: readonly string[], input?: string): Promise<void> {
  const [program = '', ...flags] = words
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...flags, ...args], {
      stdio: [input === undefined ? 'inherit' : 'pipe', 'inherit', 'inherit'],
    })
    child.once('error', (error) =>
      reject(new Error(`${program} could not be started: ${error.message}. Set editor or pager in .kxrc.`)),
    )
    child.once('exit', () => resolve())
    // A pager that is left early closes its input; that is no failure.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
