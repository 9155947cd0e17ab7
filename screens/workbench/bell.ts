import type { RunState } from '../../src/run/types.ts'

/** Says when the open run has an error that was not there before. What it had when it was opened is no news. */
export class NewErrors {
  #runId: string | null = null
  #known: ReadonlySet<string> = new Set()

  /** True once for each time that new errors came. */
  look(run: Pick<RunState, 'runId' | 'findings'> | null): boolean {
    const open = (run?.findings ?? []).filter((each) => each.severity === 'error' && each.closedAtMs === null)
    const isNews = run?.runId === this.#runId && open.some((each) => !this.#known.has(each.findingId))
    this.#runId = run?.runId ?? null
    this.#known = new Set(open.map((each) => each.findingId))
    return isNews
  }
}
