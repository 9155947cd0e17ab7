import { formatHours } from '../../text/format.ts'
import type { CheckedItem } from '../../walk/item.ts'
import { fail, notApplicable, pass, unknown, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

const directionWords =
  /\b(?:rais|increas|improv|lift|grow|rise|above|over|exceed|at least|more|higher|better|faster|gain|beat|reduc|decreas|lower|cut|drop|below|under|at most|less|fewer|shrink|within|reach)\w*|[<>≤≥↑↓]/i

/** Goal, target, deadline, budget, specification, abort rules and the ladder of scales. */
export function goalRules(input: RuleInput): CheckedItem[] {
  return [
    item(input, 'plan.goal', goal(input)),
    item(input, 'plan.performance-target', target(input)),
    item(input, 'plan.service-level', deadline(input)),
    item(input, 'plan.budget', budget(input)),
    item(input, 'plan.spec', specification(input)),
    item(input, 'plan.abort-criteria', abortCriteria(input)),
    item(input, 'plan.scale-ladder', scaleLadder(input)),
  ]
}

const primaryOf = ({ plan }: RuleInput) => plan.metrics.filter((m) => m.primary || plan.metrics.length === 1)

function goal({ plan }: RuleInput): Verdict {
  const lacks = [
    ...(directionWords.test(plan.goal) ? [] : ['a direction']),
    ...(/\d/.test(plan.goal) ? [] : ['a number']),
  ]
  return lacks.length === 0 ? pass(plan.goal) : fail(`the goal has not ${lacks.join(' and not ')}: ${plan.goal}`)
}

function target(input: RuleInput): Verdict {
  const primary = primaryOf(input)
  if (primary.length === 0) return fail('no metric is primary')
  const without = primary.filter((m) => m.target === undefined)
  if (without.length > 0) return fail(`${without.map((m) => m.name).join(', ')}: no target`)
  const backwards = primary.filter(
    (m) =>
      m.chance !== undefined &&
      m.target !== undefined &&
      (m.direction === 'higher' ? m.target <= m.chance : m.target >= m.chance),
  )
  if (backwards.length > 0)
    return fail(
      `${backwards.map((m) => `${m.name}: target ${m.target} is no better than chance ${m.chance}`).join('; ')}`,
    )
  return pass(primary.map((m) => `${m.name} ${m.direction === 'higher' ? '≥' : '≤'} ${m.target}`).join(', '))
}

function deadline({ plan, facts }: RuleInput): Verdict {
  if (plan.deadline === undefined) return notApplicable('no deadline is set; only a spot policy would need one')
  const hours = (Date.parse(plan.deadline) - facts.nowMs) / 3_600_000
  if (hours < 0) return fail(`the deadline ${plan.deadline} has passed`)
  return hours < plan.budget.hours
    ? fail(`${formatHours(hours)} are left until ${plan.deadline}, the budget allows ${formatHours(plan.budget.hours)}`)
    : pass(`${formatHours(hours)} are left until ${plan.deadline}`)
}

function budget({ plan, facts }: RuleInput): Verdict {
  const { usd, hours, gpuHours } = plan.budget
  const price = facts.profile.billing.usdPerHour
  const said = `$${usd}, ${hours} h${gpuHours === undefined ? '' : `, ${gpuHours} GPU-h`}`
  if (price === null && usd === 0) return fail(`${said}: the price is not known, so a cap of $0 allows nothing`)
  if (price !== null && price > 0 && usd === 0) return fail(`${said}: this platform bills $${price}/h`)
  if (plan.resources.compute === 'gpu' && gpuHours === 0) return fail(`${said}: a GPU run needs GPU-hours`)
  return pass(price === 0 ? `${said}; no meter runs on ${facts.profile.platform}` : said)
}

function specification(input: RuleInput): Verdict {
  const { plan } = input
  const primary = primaryOf(input)
  const missing = [
    ...(primary.length === 0 ? ['a primary metric'] : primary.length > 2 ? ['at most two primary metrics'] : []),
    ...(primary.length > 0 && primary.every((m) => m.chance === undefined)
      ? ['a baseline (chance) of the primary metric']
      : []),
    ...(primary.length > 0 && primary.every((m) => m.target === undefined) ? ['a success criterion (target)'] : []),
    ...(plan.abort.wallHours === undefined ? ['a time limit (abort.wallHours)'] : []),
  ]
  if (missing.length > 0) return fail(`missing: ${missing.join(', ')}`)
  return pass('goal, primary metric, baseline, success, resources, budget and limits are there')
}

function abortCriteria({ plan }: RuleInput): Verdict {
  const rules = [
    ...(plan.abort.nan ? ['NaN'] : []),
    ...(plan.abort.belowChanceAfterUnits === undefined
      ? []
      : [`below chance after ${counted(plan.abort.belowChanceAfterUnits, 'unit')}`]),
    ...(plan.abort.idleMinutes === undefined ? [] : [`idle ${plan.abort.idleMinutes} min`]),
    ...(plan.abort.costPercent === undefined ? [] : [`cost ${plan.abort.costPercent} %`]),
  ]
  const limit = plan.abort.wallHours
  if (limit === undefined) return fail('no wall-clock limit')
  if (rules.length === 0) return fail(`only a limit of ${limit} h; no rule that stops a broken run earlier`)
  const chance = plan.abort.belowChanceAfterUnits !== undefined && plan.metrics.every((m) => m.chance === undefined)
  if (chance)
    return fail('"below chance" is on, and no metric says what chance is', { fix: 'Give the metric a chance value.' })
  return pass(`${rules.join(', ')}; at most ${limit} h`)
}

function scaleLadder({ units, facts }: RuleInput): Verdict {
  if (units.length <= 2) return notApplicable(`${counted(units.length, 'unit')}: this is the small step`)
  const smaller = facts.earlierRuns.filter((r) => r.unitCount < units.length)
  const best = smaller.sort((a, b) => b.unitCount - a.unitCount)[0]
  if (best === undefined) return unknown('no earlier run with fewer units is in .kx/runs')
  return pass(`run ${best.runId} had ${counted(best.unitCount, 'unit')}`, { value: { units: best.unitCount } })
}
