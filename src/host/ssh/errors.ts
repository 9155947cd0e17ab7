import { HostError } from '../errors.ts'
import type { SshProblem } from './types.ts'

/** A link that could not be made or held. `problem` says whether another try can help by itself. */
export class SshError extends HostError {
  readonly problem: SshProblem

  constructor(message: string, problem: SshProblem, cause?: unknown) {
    super(message, problem === 'unreachable' ? 'ENOLINK' : null, cause)
    this.name = 'SshError'
    this.problem = problem
  }
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
