import type { CheckedItem } from '../../walk/item.ts'
import { judged, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { type PlanItemId, planItems } from './specs.ts'

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
  return judged({ ...spec, gate: 'plan' }, verdict, { atMs: input.facts.nowMs, host: 'local' })
}

/** `3 files`, `1 file`. */
export const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`
