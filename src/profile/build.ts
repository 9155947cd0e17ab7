import { dottedKey, type SourceProblem } from '../text/problem.ts'
import { validate } from '../text/validate.ts'
import type { YamlDocument } from '../text/yaml.ts'
import { mergeLayers, originKey } from './merge.ts'
import { type Profile, profileSchema } from './schema.ts'

/** Where a fact of a profile is written. */
export interface ProfilePlace {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
  readonly origin: 'built-in' | 'user'
}

export interface LoadedProfile {
  readonly profile: Profile
  /** File that it was read from, and those that it extends, nearest first. */
  readonly files: readonly string[]
  readonly origin: 'built-in' | 'user'
  /** Where a path of the profile was written last; of what is not there, its nearest parent. */
  readonly placeOf: (path: readonly PropertyKey[]) => ProfilePlace
}

/** One file, read. */
export interface Source {
  readonly file: string
  readonly origin: 'built-in' | 'user'
  readonly document: YamlDocument
}

/** Longest chain of `extends`. */
const maximumDepth = 8

/** A profile, or why there is none. */
export type Built =
  | { readonly ok: true; readonly loaded: LoadedProfile }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] }

/** Resolves `extends` and checks the whole. `sourcesOf` gives the files of a name, nearest first. */
export function buildProfile(platform: string, sourcesOf: (name: string) => readonly Source[]): Built {
  const chain: Source[] = []
  let next: { name: string; skip: number } | null = { name: platform, skip: 0 }
  while (next !== null) {
    const source: Source | undefined = sourcesOf(next.name)[next.skip]
    const from: Source | undefined = chain.at(-1)
    const fail = (message: string, hint: string): Built => {
      const at = from ?? source
      const place = at?.document.locate(['extends']) ?? { line: 1, column: 1 }
      return { ok: false, problems: [{ file: at?.file ?? platform, ...place, key: 'extends', message, hint }] }
    }
    if (source === undefined)
      return fail(`there is no profile ${next.name}`, 'Name a profile that exists, see `kx profiles`')
    if (chain.includes(source)) return fail('the profile extends itself in a circle', 'Take one `extends` out')
    if (chain.length >= maximumDepth)
      return fail(`more than ${maximumDepth} profiles extend one another`, 'Shorten the chain')
    chain.push(source)
    const parent: unknown = mapOf(source.document.value)?.extends
    if (parent === undefined) next = null
    else if (typeof parent !== 'string') return fail('found no name', 'Write the name of a profile')
    // A user's file may build on the built-in one of its own name.
    else next = { name: parent, skip: parent === next.name ? next.skip + 1 : 0 }
  }
  const own = chain[0]
  if (own === undefined) return { ok: false, problems: [] }
  const layers = chain.toReversed()
  const { value, origins } = mergeLayers(layers.map((source) => source.document.value))
  const placeOf = (path: readonly PropertyKey[]): ProfilePlace => {
    for (let length = path.length; length >= 0; length--) {
      const origin = origins.get(originKey(path.slice(0, length)))
      const source = origin === undefined ? undefined : layers[origin.layer]
      if (origin === undefined || source === undefined) continue
      // Of a key that is not there, the place says where it would belong.
      const rest = length === path.length ? [] : path.slice(length)
      return { file: source.file, origin: source.origin, ...source.document.locate([...origin.path, ...rest]) }
    }
    return { file: own.file, origin: own.origin, line: 1, column: 1 }
  }
  // The place names its file too, and so does each problem: it may lie in a profile below this one.
  const locate = (path: readonly PropertyKey[]) => {
    const { file, line, column } = placeOf(path)
    return { file, line, column }
  }
  const checked = validate(profileSchema, { file: own.file, value, locate })
  if (!checked.ok) return { ok: false, problems: checked.errors }
  if (checked.value.platform !== platform) {
    const message = `found "${checked.value.platform}" in the file of ${platform}`
    const hint = `Write platform: ${platform}, or rename the file`
    return { ok: false, problems: [{ ...locate(['platform']), key: 'platform', message, hint }] }
  }
  const broken = brokenTextAt(checked.value, [])
  if (broken !== null) {
    const hint = 'Remove the NUL or the half character'
    const place = { ...locate(broken), key: dottedKey(broken) }
    return { ok: false, problems: [{ ...place, message: 'is no usable text', hint }] }
  }
  const files = chain.map((s) => s.file)
  return { ok: true, loaded: { profile: checked.value, files, origin: own.origin, placeOf } }
}

/** Path of the first text that could not be a path or an argument: NUL inside, or half a surrogate pair. */
function brokenTextAt(value: unknown, path: readonly (string | number)[]): readonly (string | number)[] | null {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? path : null
  if (value === null || typeof value !== 'object') return null
  for (const [key, inner] of Object.entries(value)) {
    const found = brokenTextAt(inner, [...path, Array.isArray(value) ? Number(key) : key])
    if (found !== null) return found
  }
  return null
}

function mapOf(value: unknown): Record<string, unknown> | null {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null
}
