import type { DirectionSource, Facts, RunEvent, Sink } from './types.ts'

/** One metric of one run: three columns of the same length, in the order in which they were logged. */
export interface Column {
  readonly name: string
  /** Part of the run that logged it; empty where a run has no parts. */
  readonly unit: string
  /** NaN where no step was written. */
  readonly steps: Float64Array
  /** NaN and infinities stand as they were logged. */
  readonly values: Float64Array
  /** Seconds since 1970; NaN where no time was written. */
  readonly wallSeconds: Float64Array
}

/** A setting: its path, and its value with its type. */
export interface Setting {
  readonly path: readonly string[]
  readonly value: unknown
}

export interface Direction {
  readonly goal: 'lower' | 'higher'
  readonly source: DirectionSource
}

/** A column that grows by doubling. */
class Growing {
  readonly name: string
  readonly unit: string
  length = 0
  private steps = new Float64Array(64)
  private values = new Float64Array(64)
  private walls = new Float64Array(64)

  constructor(name: string, unit: string) {
    this.name = name
    this.unit = unit
  }

  push(step: number, value: number, wall: number): void {
    if (this.length === this.steps.length) {
      this.steps = doubled(this.steps)
      this.values = doubled(this.values)
      this.walls = doubled(this.walls)
    }
    this.steps[this.length] = step
    this.values[this.length] = value
    this.walls[this.length++] = wall
  }

  /** Takes away what stands at a step or after it. */
  dropFrom(step: number): void {
    let kept = 0
    for (let i = 0; i < this.length; i++) {
      if ((this.steps[i] as number) >= step) continue
      this.steps[kept] = this.steps[i] as number
      this.values[kept] = this.values[i] as number
      this.walls[kept++] = this.walls[i] as number
    }
    this.length = kept
  }

  /** Views, not copies: good until the column grows. */
  view(): Column {
    return {
      name: this.name,
      unit: this.unit,
      steps: this.steps.subarray(0, this.length),
      values: this.values.subarray(0, this.length),
      wallSeconds: this.walls.subarray(0, this.length),
    }
  }
}

function doubled(column: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(column.length * 2)
  larger.set(column)
  return larger
}

/** Keeps what a reader tells: the points of the wanted metrics, and of all of them everything else. */
export class Columns implements Sink {
  readonly settings = new Map<string, Setting>()
  readonly summaries = new Map<string, Setting>()
  /** What each unit says of itself. */
  readonly results = new Map<string, Map<string, Setting>>()
  readonly directions = new Map<string, Direction>()
  readonly events: RunEvent[] = []
  /** Names of all metrics that were met, wanted or not. */
  readonly names = new Set<string>()
  known: Facts = {}
  private readonly columns: Growing[] = []
  private readonly byName = new Map<string, number>()
  private readonly isWanted: (name: string) => boolean

  constructor(isWanted: (name: string) => boolean = () => true) {
    this.isWanted = isWanted
  }

  metric(name: string, unit = ''): number {
    const key = keyOf(name, unit)
    const known = this.byName.get(key)
    if (known !== undefined) return known
    this.names.add(name)
    const index = this.isWanted(name) ? this.columns.push(new Growing(name, unit)) - 1 : -1
    this.byName.set(key, index)
    return index
  }

  point(metric: number, step: number, value: number, wallSeconds: number): void {
    ;(this.columns[metric] as Growing).push(step, value, wallSeconds)
  }

  config(path: readonly string[], value: unknown): void {
    keep(this.settings, path, value)
  }

  summary(path: readonly string[], value: unknown, unit = ''): void {
    if (unit === '') return keep(this.summaries, path, value)
    const results = this.results.get(unit) ?? new Map<string, Setting>()
    keep(results, path, value)
    this.results.set(unit, results)
  }

  facts(facts: Facts): void {
    this.known = { ...this.known, ...facts }
  }

  direction(metric: string, goal: 'lower' | 'higher', source: DirectionSource): void {
    this.directions.set(metric, { goal, source })
  }

  event(event: RunEvent): void {
    this.events.push(event)
  }

  restart(metric: number, fromStep: number): void {
    this.columns[metric]?.dropFrom(fromStep)
  }

  reset(): void {
    for (const column of this.columns) column.length = 0
    this.settings.clear()
    this.summaries.clear()
    this.results.clear()
    this.directions.clear()
    this.events.length = 0
    this.known = {}
  }

  /** A metric's points; null where it has none or was not wanted. */
  column(name: string, unit = ''): Column | null {
    const index = this.byName.get(keyOf(name, unit))
    const column = index === undefined || index < 0 ? undefined : this.columns[index]
    return column === undefined || column.length === 0 ? null : column.view()
  }

  /** Columns that hold at least one point. */
  all(): readonly Column[] {
    return this.columns.filter(({ length }) => length > 0).map((column) => column.view())
  }
}

const keyOf = (name: string, unit: string) => (unit === '' ? name : `${unit}\u0000${name}`)

/** Paths are kept whole: a dot in a name is no border between names. */
function keep(into: Map<string, Setting>, path: readonly string[], value: unknown): void {
  const key = path.join('\u0000')
  if (value === undefined) into.delete(key)
  else into.set(key, { path, value })
}
