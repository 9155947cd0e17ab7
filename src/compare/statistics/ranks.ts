import { mean } from './samples.ts'
import { studentTwoSided } from './special.ts'

/** Rank of each value from 1; those that are equal share the mean of their ranks. */
export function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, at) => at).sort((a, b) => (values[a] as number) - (values[b] as number))
  const ranks = new Array<number>(values.length).fill(0)
  for (let from = 0; from < order.length; ) {
    let to = from
    while (to + 1 < order.length && values[order[to + 1] as number] === values[order[from] as number]) to++
    for (let at = from; at <= to; at++) ranks[order[at] as number] = (from + to) / 2 + 1
    from = to + 1
  }
  return ranks
}

export interface RankCorrelation {
  /** Between -1 and 1. */
  readonly rho: number
  readonly n: number
  /** Two-sided, by Student's t; rough for few values. */
  readonly p: number
}

/** Spearman's rank correlation of pairs. Null: fewer than three, or one side never changes. */
export function spearman(xs: readonly number[], ys: readonly number[]): RankCorrelation | null {
  const n = xs.length
  if (n < 3 || ys.length !== n) return null
  const [a, b] = [ranksOf(xs), ranksOf(ys)]
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (let i = 0; i < n; i++) {
    const [x, y] = [(a[i] as number) - ma, (b[i] as number) - mb]
    ab += x * y
    aa += x * x
    bb += y * y
  }
  if (aa === 0 || bb === 0) return null
  const rho = Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)))
  const rest = (1 - rho) * (1 + rho)
  return { rho, n, p: rest <= 0 ? 0 : studentTwoSided(rho * Math.sqrt((n - 2) / rest), n - 2) }
}
