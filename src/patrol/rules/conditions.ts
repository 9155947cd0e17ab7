import type { Condition } from '../types.ts'
import type { ConditionsInput, Rule } from './condition-input.ts'
import { guardRule } from './guard-conditions.ts'
import { machineRules } from './machine-conditions.ts'
import { moneyRule } from './money-conditions.ts'
import { runRule } from './run-conditions.ts'
import { trainingRule } from './training-conditions.ts'
import { unitRule } from './unit-conditions.ts'

const rules: readonly Rule[] = [runRule, guardRule, ...machineRules, unitRule, moneyRule, trainingRule]

/** All conditions of a tick. Pure: the same figures give the same conditions. */
export function conditionsOf(input: ConditionsInput): readonly Condition[] {
  return rules.flatMap((rule) => rule(input))
}
