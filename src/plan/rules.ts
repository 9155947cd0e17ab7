import type { CheckedItem } from '../walk/item.ts'
import { codeRules } from './rules/code.ts'
import { computeRules } from './rules/compute.ts'
import { configRules } from './rules/config.ts'
import { dataRules } from './rules/data.ts'
import { environmentRules } from './rules/environment.ts'
import { goalRules } from './rules/goal.ts'
import { unitRules } from './rules/units.ts'
import type { RuleInput } from './types.ts'

/** Every item of the plan gate, in reading order. */
export function planRules(input: RuleInput): readonly CheckedItem[] {
  return [
    ...goalRules(input),
    ...unitRules(input),
    ...computeRules(input),
    ...environmentRules(input),
    ...codeRules(input),
    ...dataRules(input),
    ...configRules(input),
  ]
}
