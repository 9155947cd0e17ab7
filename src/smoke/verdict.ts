import type { Severity } from '../walk/item.ts'
import type { Verdict } from '../walk/verdict.ts'
import type { SmokeFacts, SmokeUnit, UnitRun } from './types.ts'

export type Row = readonly [
  id: string,
  title: string,
  severity: Severity,
  fix: string,
  rule: (f: SmokeFacts) => Verdict,
]

/** Left with 0, within its time. */
export const isFine = ({ run }: SmokeUnit): boolean =>
  run.ending.kind === 'exited' && run.ending.code === 0 && !run.timedOut

export function exitText(run: UnitRun): string {
  if (run.timedOut) return 'its time was over'
  if (run.ending.kind === 'exited') return `exit code ${run.ending.code}`
  return run.ending.kind === 'signalled' ? `ended by ${run.ending.signal}` : `end not seen: ${run.ending.reason}`
}
