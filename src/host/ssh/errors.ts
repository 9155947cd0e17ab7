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

/** What the network itself answers: nobody listens, no such name, no way there. */
const answers = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL']

/** A plain no, and not a silence: who asks for a host that was never reached learns nothing more by waiting. */
export const isPlainNo = (error: SshError): boolean => {
  const { cause } = error
  if (error.problem !== 'unreachable' || typeof cause !== 'object' || cause === null) return false
  // Of a jump host that could not connect: SSH_OPEN_CONNECT_FAILED (RFC 4254, 5.1).
  return ('code' in cause && answers.includes(String(cause.code))) || ('reason' in cause && cause.reason === 2)
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
