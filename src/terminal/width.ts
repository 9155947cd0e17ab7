import stringWidth from 'string-width'

export { isSimpleNarrow, isSimpleWide } from './simple-width.ts'

const MOST_CACHED = 8192
const cache = new Map<string, number>()

/** Cells one grapheme takes, by the rules of `string-width`, which Ink lays out with. */
export function clusterWidth(cluster: string): number {
  const known = cache.get(cluster)
  if (known !== undefined) return known
  const width = stringWidth(cluster)
  if (cache.size >= MOST_CACHED) cache.clear()
  cache.set(cluster, width)
  return width
}
