/** A run at every stage of its walk, as screens see it: the same for ever, so that what is drawn can be compared. */
export const stages = [
  'loading',
  'no-plan',
  'bad-plan',
  'fresh',
  'planned',
  'plan-changed',
  'smoked',
  'approved',
  'launched',
  'running',
  'stale',
  'unknown',
  'failed',
  'gpu',
  'finished',
  'verified',
  'torn-down',
] as const
export type Stage = (typeof stages)[number]

export const nowMs = Date.UTC(2026, 10, 22, 12, 0, 0)
export const minute = 60_000
export const startMs = nowMs - 30 * minute
