import { types } from 'node:util'

/** Looks at values without running code of theirs: no getter is called, no trap of a proxy. */

/** Name of the class of an object, as far as it can be read off without calling anything; null for plain ones. */
export function className(value: object): string | null {
  let at: object | null = value
  for (let i = 0; at !== null && i < 8; i += 1) {
    if (types.isProxy(at)) return null
    const own: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(at, 'constructor')
    if (typeof own?.value === 'function' && !types.isProxy(own.value)) {
      const name: unknown = Object.getOwnPropertyDescriptor(own.value, 'name')?.value
      return typeof name === 'string' && name !== '' ? name : null
    }
    at = Object.getPrototypeOf(at)
  }
  return null
}

/** An own or inherited data property; undefined where a getter or a proxy would have to be asked. */
export function dataProperty(value: object, key: PropertyKey): unknown {
  let at: object | null = value
  for (let i = 0; at !== null && i < 16; i += 1) {
    if (types.isProxy(at)) return undefined
    const own: PropertyDescriptor | undefined = Object.getOwnPropertyDescriptor(at, key)
    if (own !== undefined) return own.value
    at = Object.getPrototypeOf(at)
  }
  return undefined
}

export interface OwnEntry {
  readonly key: string | symbol
  readonly descriptor: PropertyDescriptor
}

/** Own enumerable properties, at most `limit`, and how many more there are. */
export function ownEntries(
  value: object,
  limit: number,
  isIndexSkipped: boolean,
): { readonly entries: readonly OwnEntry[]; readonly more: number } {
  const entries: OwnEntry[] = []
  let more = 0
  for (const key of Reflect.ownKeys(value)) {
    if (isIndexSkipped && typeof key === 'string' && /^(?:0|[1-9]\d*)$/.test(key)) continue
    if (entries.length >= limit) {
      more += 1
      continue
    }
    const descriptor = Object.getOwnPropertyDescriptor(value, key)
    if (descriptor?.enumerable === true) entries.push({ key, descriptor })
  }
  return { entries, more }
}
