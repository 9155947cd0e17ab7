/**
 * One round of several, `KX_CRASH_ROUND=3/20`, counted from 0: a round takes a share of the points, so that it is short,
 * and all rounds together take every point several times. Null: everything that a single run takes.
 */
export const round = roundOf(process.env.KX_CRASH_ROUND)

interface Round {
  readonly index: number
  readonly of: number
}

function roundOf(text: string | undefined): Round | null {
  const [index, of] = (text ?? '').split('/').map(Number)
  if (index === undefined || of === undefined || !(of >= 1)) return null
  return { index: index % of, of }
}

/** Passes of a point of local state that are deadly: the first hits an empty project, the later ones one in mid-life. */
const passes = [1, 2, 3, 5, 8]

/** Of points that can be died at alone: each in as many rounds as there are passes, at another pass in each. */
export function localShare({ index, of }: Round, names: readonly string[]): { names: string[]; nth: number } {
  const shares = Math.max(1, Math.floor(of / passes.length))
  const nth = passes[Math.floor(index / shares) % passes.length] as number
  return { names: names.filter((_, i) => i % shares === index % shares), nth }
}

/** Of points that a walk meets in its own order: each in three of twenty rounds, in other company each time. */
export function walkShare({ index, of }: Round, names: readonly string[]): string[] {
  const offsets = [0, Math.round(of * 0.35), Math.round(of * 0.65)]
  return names.filter((_, i) => offsets.some((offset) => (i + offset) % of === index))
}
