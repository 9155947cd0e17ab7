import { sanitiseLine } from '../../text/sanitise.ts'
import type { MetricRow } from '../metrics.ts'
import type { CompareModel } from '../model.ts'
import { compareGroups } from '../significance.ts'
import { meanInterval } from '../statistics/tests.ts'
import { pText } from '../words.ts'
import type { SplitRow, SplitsScene, SplitTable } from './types.ts'

const safe = (text: string) => sanitiseLine(text, 400)
/** Fewest pairs that an interval is given for (handbook compare 6: of two, both values and the range). */
const fewest = 3

/** Units of the baseline and of one other run, metric by metric, the same unit against the same unit. */
export function splitsOf(model: CompareModel, other: number | null): SplitsScene {
  const a = safe(model.runs[model.baseline]?.name ?? '?')
  const b = other === null ? '' : safe(model.runs[other]?.name ?? '?')
  if (other === null) return { kind: 'splits', a, b, tables: [], why: 'there is one run: nothing to hold it against' }
  const tables = model.metrics.flatMap((row) => {
    const table = tableOf(row, model.baseline, other)
    return table === null ? [] : [table]
  })
  return {
    kind: 'splits',
    a,
    b,
    tables,
    why: tables.length > 0 ? '' : `neither ${a} nor ${b} has units, splits or folds on record`,
  }
}

function tableOf(row: MetricRow, first: number, second: number): SplitTable | null {
  const [left, right] = [row.cells[first]?.units ?? new Map(), row.cells[second]?.units ?? new Map()]
  const units = [...new Set([...left.keys(), ...right.keys()])] as string[]
  if (units.length === 0) return null
  units.sort((x, y) => x.localeCompare(y, 'en', { numeric: true }))
  const { goal } = row.direction
  const rows = units.map((unit): SplitRow => {
    const [a, b] = [left.get(unit) ?? null, right.get(unit) ?? null]
    const delta = a === null || b === null ? null : b - a
    return { unit: safe(unit), a, b, delta, word: wordOf(delta, goal) }
  })
  const deltas = rows.flatMap(({ delta }) => (delta === null || Number.isNaN(delta) ? [] : [delta]))
  const count = (is: (delta: number) => boolean) => deltas.filter(is).length
  return {
    metric: safe(row.name),
    goal,
    rows,
    pairs: deltas.length,
    up: count((delta) => delta > 0),
    down: count((delta) => delta < 0),
    equal: count((delta) => delta === 0),
    ...intervalOf(rows, deltas),
  }
}

const wordOf = (delta: number | null, goal: 'lower' | 'higher' | null): SplitRow['word'] => {
  if (delta === null || Number.isNaN(delta)) return ''
  if (delta === 0) return 'same'
  return goal === null ? '' : delta > 0 === (goal === 'higher') ? 'better' : 'worse'
}

/** Interval of the mean difference: by bootstrap from six pairs on, with a test of signs; by Student's t below. */
function intervalOf(
  rows: readonly SplitRow[],
  deltas: readonly number[],
): Pick<SplitTable, 'delta' | 'interval' | 'how'> {
  if (deltas.length === 0) return { delta: null, interval: null, how: 'no unit has a partner' }
  const delta = deltas.reduce((sum, each) => sum + each, 0) / deltas.length
  if (deltas.length < fewest) return { delta, interval: null, how: 'too few pairs for an interval' }
  const paired = rows.filter((each) => each.delta !== null && !Number.isNaN(each.delta))
  const side = (of: 'a' | 'b') => paired.map((each) => each[of] as number)
  const found = compareGroups(
    side('a'),
    side('b'),
    paired.map((_, at) => [at, at] as const),
  )
  if (found.isPaired && found.bootstrap !== null)
    return {
      delta,
      interval: found.bootstrap,
      how: `95 % of the pairs by bootstrap; sign flip p ${pText(found.p)}, not corrected`,
    }
  return { delta, interval: meanInterval(deltas), how: "95 % of the pairs by Student's t: too few to decide, a hint" }
}
