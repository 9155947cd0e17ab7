import { readFile, realpath } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { SourceProblem } from '../text/problem.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { validate } from '../text/validate.ts'
import { readYaml, yamlLimits } from '../text/yaml.ts'
import { readVariables } from './environment.ts'
import { layerSchema, leaves, valueAt } from './leaves.ts'
import { type Config, configSchema, orderedKeys, personalKeys } from './schema.ts'

/** Layers, weakest first. */
export type ConfigSource = 'built-in' | 'user' | 'project' | 'environment' | 'flag'

export interface Origin {
  readonly source: ConfigSource
  readonly file?: string
  readonly line?: number
  /** Environment variable or flag. */
  readonly name?: string
}

export interface EffectiveConfig {
  readonly config: Config
  /** By dotted key; single key bindings as `keys.<command id>`. */
  readonly origin: Readonly<Record<string, Origin>>
  /** What was wrong. Each faulty value is left out and the next weaker one holds. */
  readonly problems: readonly SourceProblem[]
}

export interface ConfigInput {
  readonly projectFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** By dotted key; also `noColor`. Null and undefined say nothing, and so do names that are no setting. */
  readonly flags?: Readonly<Record<string, unknown>>
  readonly home: string
}

/** One layer: values by dotted key, with where each came from. */
export interface Layer {
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly origin: Origin }>
  readonly problems: readonly SourceProblem[]
}

/**
 * Effective settings: built-in, then the user's file (`$XDG_CONFIG_HOME/kx/kxrc`, else `~/.kxrc`), then the project's
 * `.kxrc`, then `KX_*`, then flags. Never throws: what is wrong is named and left out.
 */
export async function loadConfig(input: ConfigInput): Promise<EffectiveConfig> {
  const [user, project] = await Promise.all([findUserFile(input), findFile(join(input.projectFolder, '.kxrc'))])
  const isSame = user !== null && project !== null && user.real === project.real
  const layers: Layer[] = []
  if (user !== null) layers.push(readLayer(user, 'user'))
  if (project !== null && !isSame) layers.push(readLayer(project, 'project'))
  layers.push(readVariables(input.env), readFlags(input.flags ?? {}))
  return merge(layers)
}

interface FoundFile {
  readonly path: string
  readonly real: string
  readonly content: Uint8Array | null
  readonly reason: string
}

async function findUserFile({ env, home }: ConfigInput): Promise<FoundFile | null> {
  const given = env.XDG_CONFIG_HOME
  const folder = given !== undefined && isAbsolute(given) ? given : join(home, '.config')
  return (await findFile(join(folder, 'kx', 'kxrc'))) ?? (await findFile(join(home, '.kxrc')))
}

async function findFile(path: string): Promise<FoundFile | null> {
  try {
    const content = await readFile(path)
    return { path, real: await realpath(path), content, reason: '' }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : { path, real: path, content: null, reason: code }
  }
}

function readLayer(found: FoundFile, source: 'user' | 'project'): Layer {
  const file = found.path
  const fault = (problems: readonly SourceProblem[]): Layer => ({ values: new Map(), problems })
  if (found.content === null)
    return fault([
      {
        file,
        line: 1,
        column: 1,
        key: '',
        message: `cannot be read (${found.reason})`,
        hint: 'Make it a readable file, or remove it',
      },
    ])
  const document = readYaml(found.content, file)
  if (!document.ok) return fault(document.errors)
  if (document.value === null) return fault([])
  const checked = validate(layerSchema, document)
  const problems = checked.ok ? [] : [...checked.errors]
  const values = new Map<string, { value: unknown; origin: Origin }>()
  for (const leaf of leaves) {
    const value = valueAt(document.value, leaf.path)
    if (value === undefined) continue
    const at = document.locate(leaf.path)
    if (source === 'project' && personalKeys.has(leaf.key)) {
      problems.push({
        file,
        ...at,
        key: leaf.key,
        message: 'may not stand in a project',
        expected: 'this key in your own file only',
        hint: 'Move it to ~/.config/kx/kxrc',
      })
      continue
    }
    const parsed = leaf.schema.safeParse(value)
    if (!parsed.success) continue
    if (leaf.key !== 'keys') values.set(leaf.key, { value: parsed.data, origin: { source, file, line: at.line } })
    else
      for (const [id, chords] of Object.entries(parsed.data as Config['keys']))
        values.set(`keys.${id}`, { value: chords, origin: { source, file, line: document.locate(['keys', id]).line } })
  }
  return { values, problems: problems.slice(0, yamlLimits.problems) }
}

function readFlags(flags: Readonly<Record<string, unknown>>): Layer {
  const values = new Map<string, { value: unknown; origin: Origin }>()
  const problems: SourceProblem[] = []
  const given: Record<string, unknown> = { ...flags }
  if (flags.noColor === true) given.color = 'never'
  for (const leaf of leaves) {
    const value = given[leaf.key]
    if (value === undefined || value === null || value === false) continue
    const name = leaf.key === 'color' && flags.noColor === true ? '--no-color' : `--${leaf.key}`
    const document = { file: name, value, locate: () => ({ line: 1, column: 1 }) }
    const parsed = validate(leaf.schema, document)
    if (parsed.ok) values.set(leaf.key, { value: parsed.value, origin: { source: 'flag', name } })
    else problems.push(...parsed.errors.map((error) => ({ ...error, key: leaf.key })))
  }
  return { values, problems }
}

function merge(layers: readonly Layer[]): EffectiveConfig {
  const origin: Record<string, Origin> = {}
  const flat = new Map<string, unknown>()
  const problems = layers.flatMap((layer) => layer.problems)
  const keys: Record<string, Config['keys'][string]> = Object.create(null)
  for (const leaf of leaves) {
    flat.set(leaf.key, leaf.initial)
    origin[leaf.key] = { source: 'built-in' }
  }
  for (const layer of layers)
    for (const [key, { value, origin: from }] of layer.values) {
      origin[key] = from
      if (key.startsWith('keys.')) keys[key.slice(5)] = value as Config['keys'][string]
      else flat.set(key, value)
    }
  flat.set('keys', keys)
  for (const [small, large] of orderedKeys) {
    if ((flat.get(small) as number) <= (flat.get(large) as number)) continue
    problems.push(outOfOrder(small, large, flat, origin))
    for (const key of [small, large]) {
      flat.set(key, leaves.find((leaf) => leaf.key === key)?.initial)
      origin[key] = { source: 'built-in' }
    }
  }
  return { config: configSchema.parse(nest(flat)), origin, problems }
}

function outOfOrder(
  small: string,
  large: string,
  flat: ReadonlyMap<string, unknown>,
  origin: Readonly<Record<string, Origin>>,
): SourceProblem {
  const culprit = origin[small]?.source === 'built-in' ? large : small
  const from = origin[culprit] ?? { source: 'built-in' }
  const message = `${small} is ${String(flat.get(small))} and ${large} is ${String(flat.get(large))}`
  const file = from.file ?? from.name ?? 'settings'
  return {
    file,
    line: from.line ?? 1,
    column: 1,
    key: culprit,
    message,
    expected: `${small} at most ${large}`,
    hint: 'Change one of the two; until then the built-in values hold',
  }
}

function nest(flat: ReadonlyMap<string, unknown>): unknown {
  const root: Record<string, unknown> = {}
  for (const { key, path } of leaves) {
    let here = root
    for (const part of path.slice(0, -1)) {
      const next = (here[part] ?? {}) as Record<string, unknown>
      here[part] = next
      here = next
    }
    here[path.at(-1) ?? ''] = flat.get(key)
  }
  return root
}

/** `built-in`, `KX_THEME`, `--theme`, or file and line. */
export function originWords(origin: Origin | undefined): string {
  if (origin === undefined) return 'unknown'
  if (origin.name !== undefined) return origin.name
  if (origin.file !== undefined) return sanitiseLine(`${origin.file}:${origin.line ?? 1}`, 300)
  return origin.source
}
