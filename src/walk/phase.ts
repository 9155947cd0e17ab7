/** The seven phases, in the order in which the rail reads them. */
export const phases = ['plan', 'audit', 'smoke', 'cost', 'launch', 'patrol', 'teardown'] as const

export type Phase = (typeof phases)[number]

/**
 * How a phase stands on the rail.
 * `blocked`: an error item of its gate failed or is unknown and was not overridden.
 * `stale`: a proof exists, but something that it spoke about has changed since.
 */
export type PhaseState = 'todo' | 'running' | 'passed' | 'blocked' | 'stale' | 'unknown'

/** The five states of a run. Unknown is never drawn green and never means gone. */
export type RunLiveness = 'running' | 'stalled' | 'finished' | 'dead' | 'unknown'

export function isPhase(value: string): value is Phase {
  return (phases as readonly string[]).includes(value)
}
