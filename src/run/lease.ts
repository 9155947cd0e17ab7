import type { RunState } from './types.ts'

/** Until when an approval lets a run's meters run, and how that came about. */
export interface Lease {
  readonly approvalId: string
  /** When the first launch under this approval fixed it. */
  readonly fromMs: number
  readonly untilMs: number
  /** 1 as the approval made it, one more for each extension: a box takes only a higher one. */
  readonly number: number
  readonly extensions: RunState['leaseExtensions']
}

/**
 * The lease of the approval that holds. The first launch under it fixes the end; a relaunch does not move it, an extension
 * does, and only that. Null: no approval, or nothing was launched under it yet.
 */
export function leaseIn(state: RunState): Lease | null {
  const approvalId = state.latest.Approval?.id
  if (approvalId === undefined) return null
  const ends = state.intents.flatMap((intent) => {
    if (intent.act !== 'launch' || intent.closed?.outcome === 'failed') return []
    const { approvalId: of, leaseUntilMs } = (intent.payload ?? {}) as Readonly<Record<string, unknown>>
    return of === approvalId && typeof leaseUntilMs === 'number' ? [{ fromMs: intent.atMs, untilMs: leaseUntilMs }] : []
  })
  const first = ends[0]
  if (first === undefined) return null
  const extensions = state.leaseExtensions.filter((each) => each.approvalId === approvalId)
  return {
    approvalId,
    fromMs: first.fromMs,
    untilMs: extensions.at(-1)?.untilMs ?? first.untilMs,
    number: 1 + extensions.length,
    extensions,
  }
}
