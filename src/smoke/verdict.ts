import type { Result, Severity } from '../walk/item.ts'
import type { SmokeFacts, SmokeUnit, UnitRun } from './types.ts'

/** What a rule of the smoke gate found. */
export interface Verdict {
  readonly result: Result
  readonly summary: string
  readonly reason?: string
  /** Where it differs from the item's own. */
  readonly severity?: Severity
  readonly value?: Readonly<Record<string, unknown>>
  readonly detail?: readonly string[]
}

export type Row = readonly [
  id: string,
  title: string,
  severity: Severity,
  fix: string,
  rule: (f: SmokeFacts) => Verdict,
]

export const pass = (summary: string, value?: Verdict['value']): Verdict => ({
  result: 'pass',
  summary,
  ...(value === undefined ? {} : { value }),
})
export const fail = (summary: string, more: Partial<Verdict> = {}): Verdict => ({ ...more, result: 'fail', summary })
export const unknown = (reason: string): Verdict => ({ result: 'unknown', summary: reason, reason })
export const notApplicable = (reason: string): Verdict => ({ result: 'not-applicable', summary: reason, reason })

/** Left with 0, within its time. */
export const isFine = ({ run }: SmokeUnit): boolean =>
  run.ending.kind === 'exited' && run.ending.code === 0 && !run.timedOut

export function exitText(run: UnitRun): string {
  if (run.timedOut) return 'its time was over'
  if (run.ending.kind === 'exited') return `exit code ${run.ending.code}`
  return run.ending.kind === 'signalled' ? `ended by ${run.ending.signal}` : `end not seen: ${run.ending.reason}`
}
