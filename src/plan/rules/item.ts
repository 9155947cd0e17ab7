import type { CheckedItem, Evidence, Result, Severity } from '../../walk/item.ts'
import type { RuleInput } from '../types.ts'
import { type PlanItemId, planItems } from './specs.ts'

/** What a rule found, before it is put together with the item's fixed part. */
export interface Verdict {
  readonly result: Result
  readonly summary: string
  readonly reason?: string
  readonly severity?: Severity
  readonly fix?: string
  readonly detail?: readonly string[]
  readonly value?: Evidence['value']
  readonly command?: string
}

export const pass = (summary: string, more: Partial<Verdict> = {}): Verdict => ({ ...more, result: 'pass', summary })
export const fail = (summary: string, more: Partial<Verdict> = {}): Verdict => ({ ...more, result: 'fail', summary })
export const unknown = (reason: string, more: Partial<Verdict> = {}): Verdict => ({
  summary: reason,
  ...more,
  result: 'unknown',
  reason,
})
export const notApplicable = (reason: string, more: Partial<Verdict> = {}): Verdict => ({
  summary: reason,
  ...more,
  result: 'not-applicable',
  reason,
})

/** The item of the plan gate with this id and verdict. */
export function item(input: RuleInput, id: PlanItemId, verdict: Verdict): CheckedItem {
  const { title, severity, how, fix } = planItems[id]
  return itemOf(input, { id, title, severity, how, fix }, verdict)
}

/** The same for items that a plan brings itself. */
export function itemOf(
  input: RuleInput,
  spec: Pick<CheckedItem, 'id' | 'title' | 'severity' | 'how'> & { readonly fix?: string },
  verdict: Verdict,
): CheckedItem {
  const fix = verdict.fix ?? spec.fix
  return {
    id: spec.id,
    title: spec.title,
    gate: 'plan',
    severity: verdict.severity ?? spec.severity,
    how: spec.how,
    ...(fix === undefined ? {} : { fix }),
    result: verdict.result,
    ...(verdict.reason === undefined ? {} : { reason: verdict.reason }),
    evidence: {
      summary: verdict.summary,
      atMs: input.facts.nowMs,
      host: 'local',
      ...(verdict.command === undefined ? {} : { command: verdict.command }),
      ...(verdict.detail === undefined || verdict.detail.length === 0 ? {} : { detail: verdict.detail.slice(0, 50) }),
      ...(verdict.value === undefined ? {} : { value: verdict.value }),
    },
  }
}

/** `3 files`, `1 file`. */
export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
