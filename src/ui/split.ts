/** One part of a divided line of cells: a fixed size, or a share of what is left (`flex`, 1 when nothing is said). */
export interface Part {
  readonly size?: number
  readonly flex?: number
  /** The share is never smaller than this while there is room. */
  readonly min?: number
}

/**
 * Divides `total` cells among parts with `gap` cells between them. The sizes are whole, never negative, and never sum
 * to more than there is; the last flexible part gets what rounding leaves over.
 */
export function split(total: number, parts: readonly Part[], gap = 0): number[] {
  let left = Math.max(0, Math.floor(total) - gap * Math.max(0, parts.length - 1))
  const sizes = parts.map(() => 0)
  const give = (index: number, wanted: number) => {
    const size = Math.max(0, Math.min(left, Math.floor(wanted)))
    sizes[index] = (sizes[index] ?? 0) + size
    left -= size
  }
  parts.forEach((part, index) => {
    if (part.size !== undefined) give(index, part.size)
  })
  const flexible = parts.flatMap((part, index) => (part.size === undefined ? [{ part, index }] : []))
  for (const { part, index } of flexible) give(index, part.min ?? 0)
  const shares = flexible.map(({ part }) => Math.max(0, part.flex ?? 1))
  const sum = shares.reduce((a, b) => a + b, 0)
  if (sum === 0) return sizes
  const pool = left
  flexible.forEach(({ index }, i) => {
    give(index, i === flexible.length - 1 ? left : (pool * (shares[i] ?? 0)) / sum)
  })
  return sizes
}

/** How much a screen can show, by its size. `small` can show nothing useful. */
export type SizeClass = 'small' | 'single' | 'compact' | 'full'

/** Smallest terminal in which the workbench is drawn at all; 80x24 is fully usable. */
export const smallestScreen = { columns: 60, rows: 16 } as const

/** Class of a terminal size, in cells. */
export function sizeClass(columns: number, rows: number): SizeClass {
  if (columns < smallestScreen.columns || rows < smallestScreen.rows) return 'small'
  if (columns < 80 || rows < 22) return 'single'
  if (columns < 120 || rows < 30) return 'compact'
  return 'full'
}
