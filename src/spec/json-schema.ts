import { z } from 'zod'
import { planSchema } from './schema.ts'

/** JSON Schema (2020-12) of the plan file, for editors: names, types, defaults and descriptions of every key. */
export function planJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(planSchema, { io: 'input', unrepresentable: 'any' }),
    title: 'kx plan',
    description: 'What is to be run: kx.yaml',
  }
}
