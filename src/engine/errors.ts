/** Why a run could not be started, found or stopped: what happened, why, what to do next. */
export class EngineError extends Error {
  override readonly name = 'EngineError'
  /** `nothing-started`: it is certain that no runner was started. `unknown`: one may be there; ask `find` first. */
  readonly outcome: 'nothing-started' | 'unknown'
  constructor(message: string, outcome: 'nothing-started' | 'unknown') {
    super(message)
    this.outcome = outcome
  }
}
