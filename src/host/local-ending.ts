import type { Ending } from './types.ts'

/** How a child of this process ended, as the system tells it. */
export function endingOf(code: number | null, signal: NodeJS.Signals | null): Ending {
  if (code !== null) return { kind: 'exited', code }
  if (signal !== null) return { kind: 'signalled', signal }
  return { kind: 'unknown', reason: 'the system gave neither exit code nor signal' }
}
