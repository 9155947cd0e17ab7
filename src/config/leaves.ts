import { z } from 'zod'
import { configSchema } from './schema.ts'

/** One setting: the smallest thing that a layer can override. */
export interface Leaf {
  /** Dotted, such as `patrol.diskWarnPercent`. */
  readonly key: string
  readonly path: readonly string[]
  /** Without its default. */
  readonly schema: z.ZodType
  readonly initial: unknown
  readonly about: string
  /** `KX_PATROL_DISK_WARN_PERCENT`; null for what does not fit into one variable. */
  readonly variable: string | null
}

type Shape = Readonly<Record<string, z.ZodType>>
const shapeOf = (schema: z.ZodType): Shape | null => ('shape' in schema ? (schema.shape as Shape) : null)
const innerOf = (schema: z.ZodType): z.ZodType =>
  (schema.def as unknown as { innerType?: z.ZodType }).innerType ?? schema

function leavesOf(shape: Shape, above: readonly string[]): Leaf[] {
  return Object.entries(shape).flatMap(([name, schema]): Leaf[] => {
    const path = [...above, name]
    const inner = innerOf(schema)
    const nested = shapeOf(inner)
    if (nested !== null) return leavesOf(nested, path)
    const key = path.join('.')
    const words = path.map((part) => part.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase())
    return [
      {
        key,
        path,
        schema: inner,
        initial: schema.parse(undefined),
        about: schema.description ?? '',
        variable: key === 'keys' ? null : `KX_${words.join('_')}`,
      },
    ]
  })
}

/** All settings, in the order in which they are documented. */
export const leaves: readonly Leaf[] = leavesOf(configSchema.shape, [])

/** What one file may hold: every key, none required. Descriptions go along, for messages. */
export const layerSchema: z.ZodType = layerOf(configSchema.shape)

function layerOf(shape: Shape): z.ZodType {
  const layer: Record<string, z.ZodType> = {}
  for (const [name, schema] of Object.entries(shape)) {
    const inner = innerOf(schema)
    const nested = shapeOf(inner)
    const about = schema.description
    const part = nested === null ? inner : layerOf(nested)
    layer[name] = (about === undefined ? part : part.describe(about)).optional()
  }
  return z.strictObject(layer)
}

/** Value at a path of plain data; undefined when it is not there. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const part of path) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, part)) return undefined
    here = (here as Record<string, unknown>)[part]
  }
  return here
}
