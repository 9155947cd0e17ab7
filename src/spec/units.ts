import type { Plan, Unit } from './schema.ts'
import { slugPattern } from './schema.ts'

/** More units than this are refused: every unit is a folder, a queue file and a row on screen. */
export const maximumUnits = 100_000

/** Why a plan's units cannot be made, with the path of the plan's key that is to blame. */
export class UnitsError extends Error {
  override readonly name = 'UnitsError'
  readonly path: readonly (string | number)[]
  constructor(message: string, path: readonly (string | number)[]) {
    super(message)
    this.path = path
  }
}

type UnitsSpec = Plan['units']
type Parameters = Unit['parameters']

/**
 * Number of units that a plan asks for, without making them. Infinity when it passes the safe range.
 * Cheap for any input, so that a plan of 10^40 grid points is refused at once.
 */
export function countUnits(units: UnitsSpec): number {
  if (units.list) return units.list.length
  if (units.seeds) return units.seeds.length
  if (units.range) return Math.max(0, Math.floor((units.range.to - units.range.from) / units.range.step) + 1)
  if (units.grid) return Object.values(units.grid).reduce((product, values) => product * values.length, 1)
  if (units.cpcv) return choose(units.cpcv.groups, units.cpcv.choose)
  return 0
}

/** Binomial coefficient n over k; 0 when k is outside 0..n. */
export function choose(n: number, k: number): number {
  if (k < 0 || k > n) return 0
  let result = 1
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * (n - Math.min(k, n - k) + i)) / i
  return Math.round(result)
}

/**
 * Expands a plan into its units, in a fixed order: list as written, range upwards, grid with keys sorted and the last
 * key turning fastest, splits in lexicographic order. A unit's seed is the plan's seed plus its index (handbook
 * lifecycle `plan.seeds`), or the seed that stands in `units.seeds`. Throws UnitsError.
 */
export function expandUnits(plan: Pick<Plan, 'units' | 'seed'>): Unit[] {
  const spec = plan.units
  const total = countUnits(spec)
  const form = (['list', 'range', 'grid', 'seeds', 'cpcv'] as const).find((k) => spec[k] !== undefined)
  if (form === undefined)
    throw new UnitsError('the plan names no units: write one of list, range, grid, seeds, cpcv', ['units'])
  const path = ['units', form]
  if (total > maximumUnits)
    throw new UnitsError(
      `${total.toLocaleString('en-US')} units are more than the ${maximumUnits.toLocaleString('en-US')} that one run may have: split the plan`,
      path,
    )
  if (total < 1) {
    if (spec.range) throw new UnitsError('the range is empty: from must not be above to', path)
    if (spec.cpcv) throw new UnitsError('choose must not be above groups', path)
    throw new UnitsError('the plan expands to no unit', path)
  }
  if (spec.cpcv && spec.cpcv.choose >= spec.cpcv.groups)
    throw new UnitsError('choose must be below groups, or nothing is left to train on', path)

  const drafts = draftsOf(spec)
  const seen = new Map<string, string>()
  return drafts.map(({ id, parameters, seed }, index) => {
    // Folder names differ in case only on some file systems, and are one folder on others.
    const folded = id.toLowerCase()
    const twin = seen.get(folded)
    if (twin !== undefined)
      throw new UnitsError(
        twin === id
          ? `unit ${id} stands twice`
          : `units ${twin} and ${id} differ in case only: on some disks that is one folder`,
        [...path, index],
      )
    seen.set(folded, id)
    return { id, index, seed: seed ?? (plan.seed + index) % 4_294_967_296, parameters }
  })
}

interface Draft {
  readonly id: string
  readonly parameters: Parameters
  readonly seed?: number
}

function draftsOf(spec: UnitsSpec): Draft[] {
  if (spec.list) return spec.list.map((id) => ({ id, parameters: {} }))
  if (spec.seeds) return spec.seeds.map((seed) => ({ id: `seed-${seed}`, parameters: {}, seed }))
  if (spec.range) return rangeDrafts(spec.range)
  if (spec.grid) return gridDrafts(spec.grid)
  if (spec.cpcv) return splitDrafts(spec.cpcv.groups, spec.cpcv.choose)
  return []
}

function rangeDrafts({ from, to, step }: { from: number; to: number; step: number }): Draft[] {
  const width = Math.max(String(Math.abs(from)).length, String(Math.abs(to)).length)
  const drafts: Draft[] = []
  for (let value = from; value <= to; value += step) {
    const digits = String(Math.abs(value)).padStart(width, '0')
    drafts.push({ id: `value-${value < 0 ? 'minus-' : ''}${digits}`, parameters: { value } })
  }
  return drafts
}

function gridDrafts(grid: Readonly<Record<string, readonly (string | number | boolean)[]>>): Draft[] {
  const keys = Object.keys(grid).sort()
  let points: Record<string, string | number | boolean>[] = [{}]
  for (const key of keys) points = points.flatMap((p) => (grid[key] ?? []).map((value) => ({ ...p, [key]: value })))
  // Ids that say what they are stay the same when the grid grows; where that cannot be, all get a number.
  const named = points.map((p) => keys.map((key) => `${key}-${String(p[key])}`).join('_'))
  const isUsable =
    named.every((id) => slugPattern.test(id)) && new Set(named.map((id) => id.toLowerCase())).size === named.length
  const width = String(points.length - 1).length
  return points.map((parameters, i) => ({
    id: isUsable ? (named[i] ?? '') : `point-${String(i).padStart(width, '0')}`,
    parameters,
  }))
}

function splitDrafts(groups: number, size: number): Draft[] {
  const drafts: Draft[] = []
  const width = Math.max(2, String(groups - 1).length)
  const chosen = Array.from({ length: size }, (_, i) => i)
  const total = choose(groups, size)
  const hasLongIds = 5 + size * (width + 1) > 64
  for (;;) {
    const id = hasLongIds
      ? `split-${String(drafts.length).padStart(String(total - 1).length, '0')}`
      : `split-${chosen.map((g) => String(g).padStart(width, '0')).join('-')}`
    drafts.push({ id, parameters: { groups: [...chosen] } })
    let at = size - 1
    while (at >= 0 && chosen[at] === groups - size + at) at--
    if (at < 0) return drafts
    chosen[at] = (chosen[at] ?? 0) + 1
    for (let i = at + 1; i < size; i++) chosen[i] = (chosen[i - 1] ?? 0) + 1
  }
}

/** Workers that may run at once: never more than there are units, and one when unit n needs unit n-1. */
export function effectiveWorkers(plan: Pick<Plan, 'units' | 'resources'>): number {
  return plan.units.sequential ? 1 : Math.max(1, Math.min(plan.resources.workers, countUnits(plan.units)))
}
