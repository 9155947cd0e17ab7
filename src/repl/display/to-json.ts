import { types } from 'node:util'
import { className, dataProperty, ownEntries } from './shapes.ts'

const maxDepth = 32
const maxValues = 50_000

/** A value as JSON can carry it, bounded; what JSON has no form for becomes a string that says so. No getter is called. */
export function toJson(value: unknown): unknown {
  const path: object[] = []
  let left = maxValues
  const walk = (each: unknown): unknown => {
    left -= 1
    if (each === null || typeof each === 'string' || typeof each === 'boolean') return each
    if (typeof each === 'number') return Number.isFinite(each) ? each : String(each)
    if (typeof each === 'bigint') return String(each)
    if (typeof each !== 'object') return each === undefined ? null : `[${typeof each}]`
    if (types.isProxy(each)) return '[proxy]'
    if (path.includes(each)) return '[circular]'
    if (path.length >= maxDepth || left <= 0) return '[too much]'
    if (types.isDate(each)) {
      const ms = Date.prototype.getTime.call(each)
      return Number.isNaN(ms) ? null : new Date(ms).toISOString()
    }
    path.push(each)
    try {
      return inside(each)
    } finally {
      path.pop()
    }
  }
  const inside = (each: object): unknown => {
    if (types.isNativeError(each))
      return { name: className(each) ?? 'Error', message: String(dataProperty(each, 'message') ?? '') }
    if (types.isMap(each))
      return [...Map.prototype.entries.call(each)].slice(0, left).map(([key, item]) => [walk(key), walk(item)])
    if (types.isSet(each)) return [...Set.prototype.values.call(each)].slice(0, left).map(walk)
    if (types.isTypedArray(each))
      return Array.from(each as Uint8Array)
        .slice(0, left)
        .map(walk)
    if (Array.isArray(each)) {
      const out: unknown[] = []
      for (let at = 0; at < each.length && left > 0; at += 1)
        out.push(walk(Object.getOwnPropertyDescriptor(each, at)?.value ?? null))
      return out
    }
    if (types.isPromise(each)) return '[promise]'
    const { entries } = ownEntries(each, Math.max(0, left), false)
    return Object.fromEntries(
      entries.flatMap(({ key, descriptor }) =>
        typeof key === 'string' && key !== '__proto__'
          ? [[key, descriptor.get === undefined ? walk(descriptor.value) : '[getter]']]
          : [],
      ),
    )
  }
  return walk(value)
}
