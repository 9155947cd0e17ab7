import { Rig } from './rig.ts'
import type { FaultCase, FaultRow, Pace } from './types.ts'

export interface CaseResult {
  readonly seed: number
  readonly seconds: number
  /** Null: passed. */
  readonly error: string | null
  readonly figures: Readonly<Record<string, number>>
  readonly counts: Readonly<Record<string, number>>
  readonly said: readonly string[]
}

/** Small and seeded: what a case does comes from its number. */
function randomOf(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Runs one case of one row, ends whatever it started, and never throws. */
export async function runCase(row: FaultRow, seed: number, pace: Pace): Promise<CaseResult> {
  const rig = new Rig()
  const random = randomOf(seed)
  const figures: Record<string, number> = {}
  const counts: Record<string, number> = {}
  const said: string[] = []
  const given: FaultCase = {
    ...{ seed, pace, random, rig },
    between: (low, high) => low + Math.floor(random() * (high - low + 1)),
    turn: (list) => list[seed % list.length] as (typeof list)[number],
    figure: (name, value) => {
      figures[name] = Math.max(figures[name] ?? Number.NEGATIVE_INFINITY, value)
    },
    count: (name, times) => {
      counts[name] = (counts[name] ?? 0) + times
    },
    say: (words) => said.push(words),
  }
  const began = performance.now()
  const limit = pace === 'whole' ? 3600 : (row.limitSeconds ?? 120)
  let timer: NodeJS.Timeout | undefined
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`hangs: not done after ${limit} s`)), limit * 1000)
  })
  let error: string | null = null
  try {
    await Promise.race([row.run(given), hang])
  } catch (caught) {
    error = caught instanceof Error ? (caught.stack ?? caught.message) : String(caught)
  }
  clearTimeout(timer)
  const seconds = (performance.now() - began) / 1000
  try {
    await rig.end()
  } catch (caught) {
    error ??= `what the case started did not end: ${String(caught)}`
  }
  return { seed, seconds, error, figures, counts, said }
}

/** Cases from `seed` on, as many at once as the row allows. */
export async function runCases(
  row: FaultRow,
  options: {
    readonly seed: number
    readonly count: number
    readonly pace: Pace
    readonly failfast?: boolean
    readonly onDone?: (result: CaseResult) => void
  },
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  let next = 0
  let isOver = false
  const worker = async () => {
    while (!isOver && next < options.count) {
      const seed = options.seed + next
      next += 1
      const result = await runCase(row, seed, options.pace)
      results.push(result)
      options.onDone?.(result)
      if (result.error !== null && options.failfast === true) isOver = true
    }
  }
  await Promise.all(Array.from({ length: row.atOnce ?? 1 }, worker))
  return results.sort((a, b) => a.seed - b.seed)
}
