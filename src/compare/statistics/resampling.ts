import { seededRandom } from './random.ts'
import { type Interval, mean, quantile } from './samples.ts'
import { normalCdf, normalQuantile } from './special.ts'

/** Draws of a bootstrap on screen; publications take more (rliable: 50,000). */
export const usualDraws = 2000

/** One seed for everything: the same runs give the same report. */
const seed = 0x6b78_2026

/**
 * Interval of a difference of means by bootstrap, bias-corrected and accelerated (Efron, 1987). Each side is drawn anew by
 * itself. At least two values a side.
 */
export function bootstrapDifference(
  a: readonly number[],
  b: readonly number[],
  confidence = 0.95,
  draws = usualDraws,
): Interval {
  const random = seededRandom(seed)
  const drawn = new Float64Array(draws)
  const drawMean = (values: readonly number[]) => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += values[Math.floor(random() * values.length)] as number
    return sum / values.length
  }
  for (let i = 0; i < draws; i++) drawn[i] = drawMean(b) - drawMean(a)
  return corrected(drawn, mean(b) - mean(a), jackknife(a, b), confidence)
}

/** The same for pairs: the interval of the mean of their differences. */
export function bootstrapMean(values: readonly number[], confidence = 0.95, draws = usualDraws): Interval {
  const random = seededRandom(seed)
  const drawn = new Float64Array(draws)
  for (let i = 0; i < draws; i++) {
    let sum = 0
    for (let j = 0; j < values.length; j++) sum += values[Math.floor(random() * values.length)] as number
    drawn[i] = sum / values.length
  }
  const all = mean(values)
  const without = values.map((value) => (all * values.length - value) / (values.length - 1))
  return corrected(drawn, all, without, confidence)
}

/** Differences of means with one value left out, over both sides. */
function jackknife(a: readonly number[], b: readonly number[]): number[] {
  const [ma, mb] = [mean(a), mean(b)]
  const less = (values: readonly number[], middle: number) =>
    values.map((value) => (middle * values.length - value) / (values.length - 1))
  return [...less(a, ma).map((each) => mb - each), ...less(b, mb).map((each) => each - ma)]
}

function corrected(drawn: Float64Array, estimate: number, without: readonly number[], confidence: number): Interval {
  drawn.sort()
  const tail = (1 - confidence) / 2
  let below = 0
  while (below < drawn.length && (drawn[below] as number) < estimate) below++
  const share = below / drawn.length
  const plain = { low: quantile(drawn, tail), high: quantile(drawn, 1 - tail) }
  if (share === 0 || share === 1) return plain
  const bias = normalQuantile(share)
  const middle = mean(without)
  let [squares, cubes] = [0, 0]
  for (const each of without) {
    squares += (middle - each) ** 2
    cubes += (middle - each) ** 3
  }
  if (squares === 0) return plain
  const acceleration = cubes / (6 * squares ** 1.5)
  const place = (p: number) => {
    const z = bias + normalQuantile(p)
    return normalCdf(bias + z / (1 - acceleration * z))
  }
  return { low: quantile(drawn, place(tail)), high: quantile(drawn, place(1 - tail)) }
}

/** Most pairs whose signs are all tried: 2^16 ways. */
const mostExact = 16

/**
 * Two-sided p of a sign-flip permutation test: how often the mean of the pairs' differences would be as far from zero if
 * each had come with either sign. Exact up to 16 pairs.
 */
export function signFlip(differences: readonly number[], draws = 20_000): number {
  const n = differences.length
  if (n === 0) return 1
  const seen = Math.abs(differences.reduce((sum, each) => sum + each, 0))
  // Sums of the same figures in another order differ in their last digits.
  const enough = seen - 1e-12 * differences.reduce((sum, each) => sum + Math.abs(each), 0)
  if (n <= mostExact) {
    const half = n >> 1
    const [left, right] = [signedSums(differences.slice(0, half)), signedSums(differences.slice(half))]
    let hits = 0
    for (const one of left) for (const other of right) if (Math.abs(one + other) >= enough) hits++
    return hits / (left.length * right.length)
  }
  const random = seededRandom(seed)
  let hits = 1
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += random() < 0.5 ? (differences[i] as number) : -(differences[i] as number)
    if (Math.abs(sum) >= enough) hits++
  }
  return hits / (draws + 1)
}

/** Sums of the values under every choice of their signs. */
function signedSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(2 ** values.length)
  for (let way = 0; way < sums.length; way++) {
    let sum = 0
    for (const [i, value] of values.entries()) sum += way & (1 << i) ? value : -value
    sums[way] = sum
  }
  return sums
}
