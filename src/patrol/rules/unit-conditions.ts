import { summarise } from '../../estimate/quantile.ts'
import type { Plan } from '../../spec/schema.ts'
import { formatCount, formatDuration, formatNumber, formatPercent } from '../../text/format.ts'
import type { Condition, UnitRow } from '../types.ts'
import { diagnoseExit, mostTelling } from './classify.ts'
import type { Rule } from './condition-input.ts'
import { primaryMetric } from './rows.ts'
import type { Thresholds } from './thresholds.ts'

/** What the units themselves show: values, ends, durations, marks in their logs. */
export const unitRule: Rule = ({ units, plan, marks, signals, expectedUnitSeconds, smokeUnitSeconds, thresholds }) => {
  const found: Condition[] = [slowerThanSmoke(expectedUnitSeconds, smokeUnitSeconds, thresholds)]
  const beside = besideSeconds(units)
  for (const row of units) {
    if (row.state === 'queued') continue
    const about = { unit: row.unit }
    found.push({
      ...about,
      rule: 'unit-nan',
      isActive: row.nanCount > 0,
      severity: 'error',
      class: 'bug',
      text: `${row.unit} has ${formatCount(row.nanCount)} values that are no numbers`,
      evidence: `step ${formatCount(row.step)}`,
      remedy: 'Stop the run. The same step each time points to the data, varying steps to rate or precision.',
      recipe: 'inspect-batch',
    })
    if (row.state === 'failed') {
      const mark = mostTelling(marks.filter((each) => each.unit === row.unit))
      const diagnosis = diagnoseExit(row.exitCode)
      found.push({
        ...about,
        rule: 'unit-failed',
        isActive: true,
        severity: 'error',
        class: mark?.class ?? diagnosis.class,
        text: `${row.unit} failed with ${row.exitCode === null ? 'an unknown code' : `code ${row.exitCode}`}`,
        evidence: mark?.line ?? diagnosis.word,
        remedy: mark?.remedy ?? diagnosis.remedy,
        recipe: mark?.recipe ?? diagnosis.recipe,
      })
    } else if (row.state === 'done' || row.state === 'running') found.push(clear('unit-failed', row.unit, 'bug'))
    found.push(...slow(row, expectedUnitSeconds, thresholds))
    found.push(...fast(row, beside.get(row.unit) ?? expectedUnitSeconds, thresholds))
    found.push({
      ...about,
      rule: 'unit-stalled',
      isActive: row.state === 'unknown' ? null : row.isStalled === true,
      severity: 'warn',
      class: 'observation',
      text: `${row.unit} runs and writes nothing`,
      evidence: `silent for more than ${formatDuration(signals.stalledAfterSeconds)}${row.step === null ? '' : `, at step ${formatCount(row.step)}`}`,
      remedy: 'Look whether its output is buffered or it waits for data, before it is called hung.',
      recipe: 'why-silent',
    })
    const mark = mostTelling(marks.filter((each) => each.unit === row.unit))
    if (row.state === 'running' && mark !== null)
      found.push({
        ...about,
        rule: 'crash-mark',
        isActive: true,
        severity: 'error',
        class: mark.class,
        text: `${row.unit}: ${mark.word} in its log`,
        evidence: mark.line,
        remedy: mark.remedy,
        recipe: mark.recipe,
      })
    else if (row.state !== 'running') found.push(clear('crash-mark', row.unit, 'bug'))
  }
  found.push(...belowChance(units, plan, thresholds))
  return found
}

const clear = (rule: string, unit: string, kind: Condition['class']): Condition => ({
  rule,
  unit,
  isActive: false,
  severity: 'error',
  class: kind,
  text: '',
  evidence: '',
  remedy: '',
  recipe: '',
})

/** The whole run is slower than its smoke: one finding, with what it means for the estimate. */
function slowerThanSmoke(usual: number | null, smoke: number | null, thresholds: Thresholds): Condition {
  const times = usual === null || smoke === null || smoke <= 0 ? null : usual / smoke
  return {
    rule: 'units-slow',
    isActive:
      times === null
        ? null
        : times > thresholds.slowUnitTimes && (usual ?? 0) - (smoke ?? 0) >= thresholds.slowUnitLossSeconds,
    severity: 'warn',
    class: 'observation',
    text: `units take ${formatNumber(times, 2)} times as long as in the smoke`,
    evidence: `${formatDuration(usual)} each, the smoke took ${formatDuration(smoke)}`,
    remedy: 'Look at load and clocks; hours and money will be exceeded by as much.',
    recipe: 'why-silent',
  }
}

/** Finished units before and after one, by index: they ran at about the same time and under the same load. */
const neighbours = 3

/** Median seconds of the finished units beside each finished one; none where there are too few to say what is usual. */
function besideSeconds(units: readonly UnitRow[]): ReadonlyMap<string, number> {
  const done = units
    .flatMap(({ unit, index, state, seconds }) =>
      state === 'done' && seconds !== null && seconds > 0 ? [{ unit, index, seconds }] : [],
    )
    .sort((a, b) => a.index - b.index)
  const found = new Map<string, number>()
  for (const [at, { unit }] of done.entries()) {
    const others = [...done.slice(Math.max(0, at - neighbours), at), ...done.slice(at + 1, at + 1 + neighbours)]
    const median = summarise(others.map((each) => each.seconds)).p50
    if (others.length >= neighbours && median !== null) found.set(unit, median)
  }
  return found
}

function slow(row: UnitRow, expected: number | null, thresholds: Thresholds): readonly Condition[] {
  if (expected === null || expected <= 0 || row.seconds === null) return []
  const times = row.seconds / expected
  const isWorthALook = row.seconds - expected >= thresholds.slowUnitLossSeconds
  const isSlow = times > thresholds.slowUnitTimes && isWorthALook && row.state !== 'failed'
  return [
    {
      rule: 'unit-slow',
      unit: row.unit,
      isActive: isSlow,
      severity: times > thresholds.tooSlowUnitTimes ? 'error' : 'warn',
      class: 'observation',
      text: `${row.unit} takes ${formatNumber(times, 2)} times as long as expected`,
      evidence: `${formatDuration(row.seconds)}, expected ${formatDuration(expected)}`,
      remedy: 'Look whether it advances; a noisy neighbour or a slower clock shows beside it.',
      recipe: 'why-silent',
    },
  ]
}

/** Under half of what the units beside it took, or of the smoke while there are none (handbook monitoring 5). */
function fast(row: UnitRow, expected: number | null, thresholds: Thresholds): readonly Condition[] {
  if (expected === null || expected <= 0 || row.seconds === null) return []
  const times = row.seconds / expected
  return [
    {
      rule: 'unit-fast',
      unit: row.unit,
      isActive: row.state === 'done' && times < thresholds.fastFinishFraction,
      severity: 'warn',
      class: 'invalid',
      text: `${row.unit} ended in ${formatPercent(times)} of the expected time`,
      evidence: `${formatDuration(row.seconds)}, expected ${formatDuration(expected)}`,
      remedy: 'Look at its last lines, steps and results before believing it.',
      recipe: 'collect-evidence',
    },
  ]
}

/** The first units that finished are no better than guessing (handbook monitoring 5). */
function belowChance(units: readonly UnitRow[], plan: Plan, thresholds: Thresholds): readonly Condition[] {
  const metric = primaryMetric(plan)
  if (metric?.chance === undefined) return []
  const { chance } = metric
  const wanted = plan.abort.belowChanceAfterUnits ?? thresholds.chanceUnits
  const values = units.flatMap((unit) => (unit.state === 'done' && unit.metric !== null ? [unit.metric] : []))
  if (values.length < wanted) return []
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return [
    {
      rule: 'below-chance',
      isActive: metric.direction === 'lower' ? mean >= chance : mean <= chance,
      severity: 'error',
      class: 'bug',
      text: `${metric.name} is no better than guessing`,
      evidence: `mean ${formatNumber(mean)} over ${values.length} units, chance ${formatNumber(chance)}`,
      remedy: 'Stop the run, and read code and labels.',
      recipe: 'collect-evidence',
    },
  ]
}
