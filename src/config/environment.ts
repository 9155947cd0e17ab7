import type { z } from 'zod'
import type { SourceProblem } from '../text/problem.ts'
import { unwrap } from '../text/schema-words.ts'
import { validate } from '../text/validate.ts'
import { leaves } from './leaves.ts'
import type { Layer, Origin } from './load.ts'

/**
 * Settings from `KX_*`: words for enums, 1/0/true/false for switches, numbers, comma-separated lists (commands: blanks).
 * `NO_COLOR` means `color: never` unless KX_COLOR says otherwise. Other KX_ variables belong to others and are not looked at.
 */
export function readVariables(env: Readonly<Record<string, string | undefined>>): Layer {
  const values = new Map<string, { value: unknown; origin: Origin }>()
  const problems: SourceProblem[] = []
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '')
    values.set('color', { value: 'never', origin: { source: 'environment', name: 'NO_COLOR' } })
  for (const leaf of leaves) {
    const name = leaf.variable
    const text = name === null ? undefined : env[name]
    if (name === null || text === undefined || text === '') continue
    const document = { file: name, value: parse(leaf.schema, leaf.key, text), locate: () => ({ line: 1, column: 1 }) }
    const parsed = validate(leaf.schema, document)
    if (parsed.ok) values.set(leaf.key, { value: parsed.value, origin: { source: 'environment', name } })
    else problems.push(...parsed.errors.map((error) => ({ ...error, key: leaf.key })))
  }
  return { values, problems }
}

function parse(schema: z.ZodType, key: string, text: string): unknown {
  const type = unwrap(schema).def.type
  if (type === 'boolean') {
    if (/^(?:1|true|yes|on)$/i.test(text)) return true
    return /^(?:0|false|no|off)$/i.test(text) ? false : text
  }
  if (type === 'number') return /^-?\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : text
  if (type === 'array')
    return (key === 'checklists' ? text.split(',') : text.split(/\s+/)).map((s) => s.trim()).filter((s) => s !== '')
  return text
}
