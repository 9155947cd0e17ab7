import type { CompareModel } from './model.ts'
import { groupName } from './table.ts'

/** What JSON has: a figure that is not finite is one of the texts `NaN`, `Infinity` and `-Infinity`. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/**
 * Any value as JSON holds it, whole: maps become objects, columns lists, figures that are not finite texts. `undefined` is
 * null in a list and left out of an object, as in JSON itself.
 */
export function jsonOf(value: unknown): Json {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return String(value)
  if (value instanceof Map) return objectOf(value)
  if (value instanceof Set || ArrayBuffer.isView(value))
    return Array.from(value as unknown as Iterable<unknown>, jsonOf)
  if (Array.isArray(value)) return value.map(jsonOf)
  if (typeof value === 'object') return objectOf(Object.entries(value))
  return null
}

/** `__proto__` is a name like any other: a foreign setting may be called so. */
function objectOf(entries: Iterable<readonly [unknown, unknown]>): { readonly [name: string]: Json } {
  return Object.fromEntries(
    [...entries].filter(([, value]) => value !== undefined).map(([name, value]) => [String(name), jsonOf(value)]),
  )
}

/**
 * The whole comparison for a script. Lists of values (`config.*.values`, `bands[].rows[].values`, `metrics[].cells`) stand
 * in the order of `runs`, `metrics[].groups` in that of `groups`; a run without such a setting has null there, and `false` in `isThere` of the row, so that it is
 * told from one whose setting is null. `units` of a cell is an object: value by unit.
 */
export function compareJson(model: CompareModel): Json {
  const settings = (rows: CompareModel['config']['same']) =>
    rows.map((row) => ({ ...row, isThere: row.values.map((value) => value !== undefined) }))
  const { config, groups } = model
  return jsonOf({
    ...model,
    groups: groups.map((group, at) => ({ ...group, name: groupName(model, at) })),
    config: { changed: settings(config.changed), same: settings(config.same), ignored: settings(config.ignored) },
  })
}
