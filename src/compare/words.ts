import type { Change } from './significance.ts'
import type { Interval } from './statistics/samples.ts'

const digits = 5

/** A figure for one cell: five significant digits, long ones in powers of ten. */
export function figureText(value: number | null | undefined): string {
  if (value === null || value === undefined) return '-'
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? 'inf' : '-inf'
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value)
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3)
  return String(Number(value.toPrecision(digits)))
}

const signed = (text: string, value: number) => (value > 0 ? `+${text}` : text)

/** `+0.012 (+1.7 %)`; no percentage of nothing, and none where the signs differ. */
export function changeText({ delta, share }: Change): string {
  const text = signed(figureText(delta), delta)
  if (share === null) return text
  return `${text} (${signed((share * 100).toFixed(Math.abs(share) < 0.1 ? 2 : 1), share)} %)`
}

/** The change of a metric between 0 and 1 in percentage points; empty for others. */
export const pointsText = ({ points }: Change): string =>
  points === null ? '' : `${signed(figureText(points), points)} points`

export const intervalText = ({ low, high }: Interval): string => `${figureText(low)} to ${figureText(high)}`

/** A probability: never 0, which no number of draws can show. */
export const pText = (p: number | null): string => (p === null ? '-' : p < 0.001 ? '< 0.001' : p.toFixed(3))

/** Which way is better, in a word and with who says so. */
export function directionText({
  goal,
  source,
  isGuessed,
}: {
  goal: 'lower' | 'higher' | null
  source: string
  isGuessed: boolean
}): string {
  if (goal === null) return source === 'never ranked' ? 'no direction' : 'direction unknown'
  return `${goal} is better (${isGuessed ? '~ guessed from its name' : source})`
}
