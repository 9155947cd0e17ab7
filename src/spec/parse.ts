import { dottedKey, type SourceProblem } from '../text/problem.ts'
import { validate } from '../text/validate.ts'
import { readYaml, type SourcePosition } from '../text/yaml.ts'
import { inconsistencies } from './consistency.ts'
import { type Plan, planSchema } from './schema.ts'

export type ParsedPlan =
  | {
      readonly ok: true
      readonly plan: Plan
      /** Where a key stands in the source; of a path that is not there, its nearest parent. */
      readonly locate: (path: readonly PropertyKey[]) => SourcePosition
    }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] }

/** At most this many problems are told at once: the first ones usually explain the rest. */
const maximumProblems = 20

/**
 * Reads a plan: safe YAML, then the schema, then what the schema cannot say. Never throws for any input; every problem
 * names file, line, key, what was expected and what to write. `file` is the name to show.
 */
export function parsePlan(source: string | Uint8Array, file: string): ParsedPlan {
  const document = readYaml(source, file)
  if (!document.ok) return { ok: false, problems: document.errors }
  const checked = validate(planSchema, document)
  if (!checked.ok) return { ok: false, problems: checked.errors }
  const found = inconsistencies(checked.value).slice(0, maximumProblems)
  if (found.length === 0) return { ok: true, plan: checked.value, locate: document.locate }
  const problems = found.map(({ path, message, hint }) => ({
    file,
    ...document.locate(path),
    key: dottedKey(path),
    message,
    hint,
  }))
  return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) }
}
