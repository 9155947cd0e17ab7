/** What the screens may ask of curves while they draw: pure, and cheap enough for every key. */

/**
 * Place of the point that is nearest to `x`, finite or not; -1 where no point has a place. Points need no order: a run that
 * was restarted goes back in time.
 */
export function nearestIndex(xs: ArrayLike<number>, x: number): number {
  let found = -1
  let least = Number.POSITIVE_INFINITY
  for (let at = 0; at < xs.length; at++) {
    const distance = Math.abs((xs[at] as number) - x)
    // Of several at one place the last holds, as in every figure.
    if (distance <= least && Number.isFinite(distance)) {
      least = distance
      found = at
    }
  }
  return found
}

/**
 * Where the cursor on the x axis goes to: about one column of the picture on, always to a place where some curve has a
 * point. Without a cursor it begins at the end that it comes from. Null: no curve has a point.
 *
 * @param by columns to go, negative to the left
 * @param columns of the picture
 */
export function stepCursor(
  curves: readonly ArrayLike<number>[],
  now: number | null,
  by: number,
  columns: number,
): number | null {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const xs of curves)
    for (let at = 0; at < xs.length; at++) {
      const x = xs[at] as number
      if (x < from) from = x
      if (x > to) to = x
    }
  if (from > to) return null
  if (now === null) return by > 0 ? from : to
  const width = (to - from) / Math.max(1, columns)
  const wanted = now + by * width
  // The least step that is at least half of a column, or where there is none the next point of all.
  let next: number | null = null
  for (const xs of curves)
    for (let at = 0; at < xs.length; at++) {
      const x = xs[at] as number
      if (by > 0 ? !(x > now) : !(x < now)) continue
      if (next === null || Math.abs(x - wanted) < Math.abs(next - wanted)) next = x
    }
  return next ?? (by > 0 ? to : from)
}
