import type { z } from 'zod'

type Definition = {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly items?: readonly z.ZodType[]
  readonly getter?: () => z.ZodType
  readonly entries?: Readonly<Record<string, string | number>>
  readonly values?: readonly unknown[]
  readonly discriminator?: string
}

const definition = (schema: z.ZodType) => schema.def as unknown as Definition
const shapeOf = (schema: z.ZodType) =>
  'shape' in schema ? (schema.shape as Readonly<Record<string, z.ZodType>>) : undefined

const innerOf = (schema: z.ZodType): z.ZodType | undefined => {
  const def = definition(schema)
  return def.innerType ?? (def.type === 'pipe' ? def.in : undefined) ?? def.getter?.()
}

/** The schema inside wrappers such as optional, default, nullable, pipe and lazy. */
export function unwrap(schema: z.ZodType): z.ZodType {
  let here = schema
  for (let depth = 0; depth < 16; depth++) {
    const inner = innerOf(here)
    if (inner === undefined) return here
    here = inner
  }
  return here
}

/** What `.describe()` says of a schema, wherever among its wrappers it was called. */
export function descriptionOf(schema: z.ZodType | null): string | undefined {
  let here = schema ?? undefined
  for (let depth = 0; depth < 16 && here !== undefined; depth++) {
    if (here.description !== undefined) return here.description
    here = innerOf(here)
  }
  return undefined
}

/** The part of a schema that speaks about a path; of a union, the option that fits the value that was found there. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodType | null {
  let here: z.ZodType | undefined = schema
  let found = value
  for (const part of path) {
    if (here === undefined) return null
    here = step(unwrap(here), part, found)
    found = found !== null && typeof found === 'object' ? (found as Record<PropertyKey, unknown>)[part] : undefined
  }
  if (here === undefined) return null
  const plain = unwrap(here)
  const def = definition(plain)
  if (def.discriminator !== undefined) return pick(plain, found) ?? here
  return here
}

function step(schema: z.ZodType, part: PropertyKey, value: unknown): z.ZodType | undefined {
  const def = definition(schema)
  const shape = shapeOf(schema)
  if (shape !== undefined) return Object.hasOwn(shape, part) ? shape[String(part)] : undefined
  if (def.type === 'array') return def.element
  if (def.type === 'record') return def.valueType
  if (def.type === 'tuple') return typeof part === 'number' ? def.items?.[part] : undefined
  if (def.type === 'union') {
    const chosen = pick(schema, value)
    if (chosen !== null) return step(unwrap(chosen), part, value)
    for (const option of def.options ?? []) {
      const next = step(unwrap(option), part, value)
      if (next !== undefined) return next
    }
  }
  return undefined
}

/** The option of a discriminated union that the value names. */
function pick(schema: z.ZodType, value: unknown): z.ZodType | null {
  const def = definition(schema)
  if (def.discriminator === undefined || value === null || typeof value !== 'object') return null
  const wanted = (value as Record<string, unknown>)[def.discriminator]
  for (const option of def.options ?? []) {
    const tag = shapeOf(unwrap(option))?.[def.discriminator]
    if (tag !== undefined && (definition(tag).values ?? []).includes(wanted)) return option
  }
  return null
}

/** Names that a map may hold; empty when it may hold any. */
export function keysOf(schema: z.ZodType | null): readonly string[] {
  if (schema === null) return []
  const plain = unwrap(schema)
  const shape = shapeOf(plain)
  if (shape !== undefined) return Object.keys(shape)
  return [...new Set((definition(plain).options ?? []).flatMap((option) => keysOf(option)))]
}

/** What a schema wants, in words: `one of higher, lower`, `a whole number`, `a list of text`. */
export function describeSchema(schema: z.ZodType, depth = 0): string {
  const plain = unwrap(schema)
  const def = definition(plain)
  switch (def.type) {
    case 'string':
      return 'text'
    case 'number':
      return (plain as z.ZodNumber).isInt ? 'a whole number' : 'a number'
    case 'int':
      return 'a whole number'
    case 'boolean':
      return 'true or false'
    case 'null':
      return 'nothing (null)'
    case 'array':
      return depth > 1 || def.element === undefined ? 'a list' : `a list of ${describeSchema(def.element, depth + 1)}`
    case 'tuple':
      return `a list of ${def.items?.length ?? 0}`
    case 'object':
    case 'record':
      return 'a map of keys'
    case 'enum':
      return `one of ${Object.values(def.entries ?? {}).join(', ')}`
    case 'literal':
      return (def.values ?? []).map(String).join(' or ')
    case 'union':
      return [...new Set((def.options ?? []).map((option) => describeSchema(option, depth + 1)))].join(', or ')
    default:
      return 'another value'
  }
}
