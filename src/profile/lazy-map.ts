/**
 * A map whose values are made when they are asked for; what `make` answers with undefined is not in it. `get` and `has` make
 * one value, everything else makes all.
 */
export function lazyMap<V>(names: readonly string[], make: (name: string) => V | undefined): ReadonlyMap<string, V> {
  const known = new Set(names)
  const get = (name: string): V | undefined => (known.has(name) ? make(name) : undefined)
  const entries = function* (): Generator<[string, V], undefined> {
    for (const name of names) {
      const value = get(name)
      if (value !== undefined) yield [name, value]
    }
    return undefined
  }
  const whole = () => new Map(entries())
  const map: ReadonlyMap<string, V> = {
    get,
    has: (name) => get(name) !== undefined,
    get size() {
      return whole().size
    },
    forEach: (call) => {
      for (const [name, value] of entries()) call(value, name, map)
    },
    keys: () => whole().keys(),
    values: () => whole().values(),
    entries: () => whole().entries(),
    [Symbol.iterator]: () => whole().entries(),
  }
  return map
}
