import { z } from 'zod'
import type { Recipe, RecipeRisk } from './contract.ts'

/** One parameter as a form, a flag or a page of help needs it. */
export interface ParameterDescription {
  readonly name: string
  readonly type: 'text' | 'number' | 'boolean' | 'choice' | 'list'
  readonly description: string
  readonly choices: readonly string[]
  readonly isRequired: boolean
  readonly initial: unknown
  /** Name of the variable that may hold it. */
  readonly environment: string | null
}

export interface CellDescription {
  readonly name: string
  readonly title: string
  readonly risk: RecipeRisk
  readonly timeoutSeconds: number
  readonly on: 'each' | 'first' | 'here'
  readonly needs: readonly string[]
  readonly parts: readonly ('plan' | 'when' | 'waitUntil' | 'probe' | 'undo')[]
  readonly everySeconds: number | null
  readonly retry: { readonly times: number; readonly delaySeconds: number } | null
}

/** A recipe as plain data: what kx knows of it without running any code of it. */
export interface RecipeDescription {
  readonly id: string
  readonly title: string
  readonly runbook: { readonly when: string; readonly touches: string; readonly back: string }
  readonly parameters: readonly ParameterDescription[]
  readonly serves: readonly string[]
  readonly fanOut: { readonly cap: number; readonly stopAfterFailures: number }
  readonly cells: readonly CellDescription[]
  /** A script or a Markdown file: nothing is declared in it, each block is one cell of risk `change`. */
  readonly isPlain: boolean
}

export class NotARecipe extends Error {
  override readonly name = 'NotARecipe'
}

/** Flags of `kx recipe run` and of every command; `host` may be a parameter as well, and then means the same. */
const taken = new Set([
  ...['recipe', 'hosts', 'dryRun', 'yes', 'frozen', 'resume', 'retryFailed', 'parameters', 'finding'],
  ...['project', 'run', 'plan', 'json', 'plain', 'ascii', 'theme', 'screen', 'help', 'version'],
])

/** Reads off what a recipe declares. Throws NotARecipe with everything that is wrong with it. */
export function describeRecipe(recipe: Recipe, isPlain = false): RecipeDescription {
  const wrong: string[] = []
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(String(recipe.id)))
    wrong.push(`id "${recipe.id}" is not lower-case letters, digits and dashes`)
  for (const part of ['when', 'touches', 'back'] as const)
    if (typeof recipe.runbook?.[part] !== 'string' || recipe.runbook[part].trim() === '')
      wrong.push(`runbook.${part} is missing`)
  if (!Array.isArray(recipe.cells) || recipe.cells.length === 0) wrong.push('it has no cells')
  for (const name of Object.keys(recipe.parameters?.shape ?? {}))
    if (taken.has(name)) wrong.push(`the parameter ${name} has the name of a flag of kx`)
  const names = new Set<string>()
  for (const [at, cell] of (recipe.cells ?? []).entries()) {
    const called = cell.name ?? `number ${at + 1}`
    if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(String(cell.name)))
      wrong.push(`cell ${called}: its name is not lower-case letters, digits and dashes`)
    if (names.has(cell.name)) wrong.push(`two cells are called ${called}`)
    for (const need of cell.needs ?? [])
      if (!names.has(need)) wrong.push(`cell ${called} needs ${need}, which is no cell before it`)
    names.add(cell.name)
    if (!['read', 'change', 'spend', 'destroy'].includes(cell.risk)) wrong.push(`cell ${called} has no risk`)
    if (!(cell.timeoutSeconds > 0)) wrong.push(`cell ${called} has no timeout`)
    if (typeof cell.run !== 'function') wrong.push(`cell ${called} has no run`)
    if (cell.retry !== undefined && cell.retry.isIdempotent !== true)
      wrong.push(`cell ${called} is tried again without saying that it is idempotent`)
  }
  if (wrong.length > 0) throw new NotARecipe(wrong.join('; '))
  return {
    id: recipe.id,
    title: recipe.title,
    runbook: { when: recipe.runbook.when, touches: recipe.runbook.touches, back: recipe.runbook.back },
    parameters: parametersOf(recipe.parameters),
    serves: (recipe.serves ?? []).map((each) => each.rule),
    fanOut: {
      cap: Math.max(1, recipe.fanOut?.cap ?? 4),
      stopAfterFailures: Math.max(1, recipe.fanOut?.stopAfterFailures ?? 1),
    },
    cells: recipe.cells.map((cell, at) => ({
      name: cell.name,
      title: cell.title,
      risk: cell.risk,
      timeoutSeconds: cell.timeoutSeconds,
      on: cell.on ?? 'each',
      needs: [...(cell.needs ?? recipe.cells.slice(Math.max(0, at - 1), at).map((each) => each.name))],
      parts: (['plan', 'when', 'waitUntil', 'probe', 'undo'] as const).filter((part) => cell[part] !== undefined),
      everySeconds: cell.waitUntil?.everySeconds ?? null,
      retry: cell.retry === undefined ? null : { times: cell.retry.times, delaySeconds: cell.retry.delaySeconds },
    })),
    isPlain,
  }
}

interface JsonProperty {
  readonly type?: string
  readonly enum?: readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly environment?: string
}

function parametersOf(schema: z.ZodObject): readonly ParameterDescription[] {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as {
    readonly properties?: Readonly<Record<string, JsonProperty>>
    readonly required?: readonly string[]
  }
  return Object.entries(json.properties ?? {}).map(([name, property]) => ({
    name,
    type: typeOf(property),
    description: property.description ?? '',
    choices: property.enum ?? [],
    isRequired: json.required?.includes(name) === true,
    initial: property.default ?? null,
    environment: property.environment ?? null,
  }))
}

function typeOf({ type, enum: choices }: JsonProperty): ParameterDescription['type'] {
  if (choices !== undefined) return 'choice'
  if (type === 'number' || type === 'integer') return 'number'
  if (type === 'boolean') return 'boolean'
  return type === 'array' ? 'list' : 'text'
}
