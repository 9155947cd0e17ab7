import type { ScreenModel } from './model.ts'

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/**
 * Whether two pieces of a screen say the same. Arrays and plain objects are compared by what they hold; functions and
 * objects of a class only by being the same one. Where both have a `basis`, what they were made from decides, and what
 * is costly to put into words is not asked for.
 */
export function saysSame(before: unknown, now: unknown): boolean {
  if (Object.is(before, now)) return true
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return false
  if (Array.isArray(before))
    return Array.isArray(now) && before.length === now.length && before.every((part, i) => saysSame(part, now[i]))
  if (Array.isArray(now) || !isPlain(before) || !isPlain(now)) return false
  const a = before as Record<string, unknown>
  const b = now as Record<string, unknown>
  if (a.basis !== undefined && b.basis !== undefined) return a.id === b.id && saysSame(a.basis, b.basis)
  // How rows are filtered follows from what they were made from.
  if (a.rowsFrom !== undefined && a.rowsFrom !== b.rowsFrom) return false
  const keys = Object.keys(a).filter((key) => (key !== 'rowsFor' && key !== 'emptyFor') || a.rowsFrom === undefined)
  return Object.keys(a).length === Object.keys(b).length && keys.every((key) => key in b && saysSame(a[key], b[key]))
}

/**
 * The new screen, with every pane that says the same as before being the very object that it was: nothing below it is
 * drawn again. A screen of which nothing changed is the old one.
 */
export function reuseScreen(before: ScreenModel | null, now: ScreenModel): ScreenModel {
  if (before === null || before.id !== now.id) return now
  const panes = now.panes.map((pane) => {
    const known = before.panes.find((p) => p.id === pane.id)
    return known !== undefined && saysSame(known, pane) ? known : pane
  })
  const isSame =
    panes.length === before.panes.length &&
    panes.every((pane, i) => pane === before.panes[i]) &&
    saysSame({ ...before, panes: [] }, { ...now, panes: [] })
  return isSame ? before : { ...now, panes }
}
