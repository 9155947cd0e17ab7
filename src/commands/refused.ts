import type { ActResult } from '../run/act.ts'

/** An act that could not begin, with the result that says why. Thrown through code that knows nothing of results. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly result: ActResult

  constructor(result: ActResult) {
    super(result.summary)
    this.result = result
  }
}
