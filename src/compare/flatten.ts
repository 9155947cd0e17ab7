/** A setting without parts: a scalar, a list of scalars, or something empty. */
export interface Leaf {
  readonly path: readonly string[]
  readonly value: unknown
}

const mostDepth = 32

const marks = /[\\.]/

const isScalar = (value: unknown) => typeof value !== 'object' || value === null

/** A name of a path in one text: a dot or a backslash inside of a part is escaped, so that no two paths read alike. */
export function keyOf(path: readonly string[]): string {
  // Most have neither; of a sweep there are tens of thousands.
  const [only] = path
  if (path.length === 1 && only !== undefined && !marks.test(only)) return only
  return path.map((part) => (marks.test(part) ? part.replaceAll(/[\\.]/g, (mark) => `\\${mark}`) : part)).join('.')
}

/** The way back from `keyOf`. */
export function pathOf(key: string): string[] {
  if (!marks.test(key)) return [key]
  const parts: string[] = ['']
  for (let at = 0; at < key.length; at++) {
    const mark = key[at] as string
    if (mark === '.') parts.push('')
    else parts[parts.length - 1] += mark === '\\' ? (key[++at] ?? '') : mark
  }
  return parts
}

/**
 * All settings by their keys, nothing left out: objects are taken apart, lists of objects by their places, lists of scalars
 * stay whole. Values keep their types.
 *
 * @param isTextOnly the tracker keeps every value as text (MLflow): what reads as a number, a word of truth or nothing is
 * taken for it
 */
export function flatten(
  settings: Iterable<{ readonly path: readonly string[]; readonly value: unknown }>,
  isTextOnly = false,
): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>()
  const walk = (path: readonly string[], value: unknown) => {
    if (Array.isArray(value) && !value.every(isScalar) && path.length < mostDepth) {
      for (const [at, each] of value.entries()) walk([...path, String(at)], each)
      return
    }
    if (!isScalar(value) && !Array.isArray(value) && path.length < mostDepth) {
      const entries = Object.entries(value as object)
      if (entries.length > 0) {
        for (const [name, each] of entries) walk([...path, name], each)
        return
      }
    }
    leaves.set(keyOf(path), { path, value: isTextOnly && typeof value === 'string' ? typedOf(value) : value })
  }
  for (const { path, value } of settings) walk(path, value)
  return leaves
}

/** What a text stands for where its tracker knows only texts. */
function typedOf(text: string): unknown {
  if (text === 'True' || text === 'true') return true
  if (text === 'False' || text === 'false') return false
  if (text === 'None' || text === 'null') return null
  if (text === 'nan' || text === 'NaN') return Number.NaN
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text)
  return text
}

/** Equal with its type: NaN equals NaN, lists by their items, objects (empty, or too deep) by their JSON. */
export function isSameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a === 'number' && typeof b === 'number') return a === b
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, at) => isSameValue(each, b[at]))
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return JSON.stringify(a) === JSON.stringify(b)
}

/** A value for one cell of a table; texts stand bare, and in quotes where they would read as another type. */
export function valueText(value: unknown): string {
  if (value === undefined) return '-'
  if (typeof value === 'number') return Object.is(value, -0) ? '0' : String(value)
  if (typeof value !== 'string')
    return Array.isArray(value) ? `[${value.map(valueText).join(', ')}]` : JSON.stringify(value)
  return value === '' || typeof typedOf(value) !== 'string' || value === '-' ? JSON.stringify(value) : value
}
