import type { Profile } from './schema.ts'

export interface ProfileDifference {
  /** Dotted key; entries of lists by their name, such as `billing.verbs[terminate].dies`. */
  readonly key: string
  /** Null: it is not there (or is null there). */
  readonly a: string | null
  readonly b: string | null
}

/** Every field in which two profiles differ, in the order of the first, then what only the second has. */
export function diffProfiles(a: Profile, b: Profile): ProfileDifference[] {
  const left = fields(a)
  const right = fields(b)
  const keys = [...left.keys(), ...[...right.keys()].filter((key) => !left.has(key))]
  return keys
    .map((key) => ({ key, a: left.get(key) ?? null, b: right.get(key) ?? null }))
    .filter((field) => field.a !== field.b)
}

/** One block a field: its key, then both values below one another, aligned. */
export function diffLines(names: readonly [string, string], differences: readonly ProfileDifference[]): string[] {
  const width = Math.max(names[0].length, names[1].length)
  return differences.flatMap(({ key, a, b }) => [
    key,
    `  ${names[0].padEnd(width)}  ${a ?? '-'}`,
    `  ${names[1].padEnd(width)}  ${b ?? '-'}`,
  ])
}

function fields(profile: Profile): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (value: unknown, key: string): void => {
    if (value === null || value === undefined) return
    if (typeof value !== 'object') {
      found.set(key, String(value))
      return
    }
    if (!Array.isArray(value)) {
      for (const [name, inner] of Object.entries(value)) visit(inner, key === '' ? name : `${key}.${name}`)
      return
    }
    const names = value.map(nameOf)
    if (names.includes(null)) found.set(key, value.map(String).join('; '))
    else
      value.forEach((entry, i) => {
        visit(entry, `${key}[${names[i]}]`)
      })
  }
  visit(profile, '')
  return found
}

function nameOf(entry: unknown): string | null {
  if (entry === null || typeof entry !== 'object') return null
  const { id, verb } = entry as { readonly id?: unknown; readonly verb?: unknown }
  return typeof id === 'string' ? id : typeof verb === 'string' ? verb : null
}
