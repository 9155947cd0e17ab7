/**
 * Why bytes did not come: `gone`, there is no such file any more; `changed`, it is another one than was asked for;
 * `lost`, the link went or was silent for too long, and another try may go on; `failed`, the host said no.
 */
export type TransferProblem = 'gone' | 'changed' | 'lost' | 'failed'

export class TransferError extends Error {
  readonly problem: TransferProblem

  constructor(problem: TransferProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'TransferError'
    this.problem = problem
  }
}

export const gone = (what = 'the file is gone') => new TransferError('gone', what)
export const changed = (what: string) => new TransferError('changed', what)
export const lost = (why: string, cause?: unknown) => new TransferError('lost', why, cause)
export const failed = (why: string, cause?: unknown) => new TransferError('failed', why, cause)
