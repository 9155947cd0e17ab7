import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dottedKey, type SourceProblem } from '../text/problem.ts'
import { validate } from '../text/validate.ts'
import { readYaml, type YamlDocument } from '../text/yaml.ts'
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

export interface LoadedProfiles {
  readonly profiles: ReadonlyMap<string, LoadedProfile>
  /** What is wrong in files that could not be used; the others are there all the same. */
  readonly problems: readonly SourceProblem[]
  /** The same by the profile that they keep from being used, or from being used as its file says. */
  readonly problemsOf: ReadonlyMap<string, readonly SourceProblem[]>
}

export interface ProfileFolders {
  /** Folder that ships with kx. */
  readonly builtIn: string
  /** `$XDG_CONFIG_HOME/kx/profiles`; null: none. Its files replace built-in ones of the same name. */
  readonly user: string | null
}

interface Source {
  readonly file: string
  readonly origin: 'built-in' | 'user'
  readonly document: YamlDocument
}

/** Longest chain of `extends`. */
const maximumDepth = 8

/**
 * Reads every profile: `<platform>.yaml` of the user's folder over the built-in ones, `extends` resolved by the rules of
 * `mergeLayers`. One bad file spoils itself only.
 */
export async function loadProfiles(folders: ProfileFolders): Promise<LoadedProfiles> {
  const problems: SourceProblem[] = []
  const problemsOf = new Map<string, readonly SourceProblem[]>()
  const complain = (platform: string, found: readonly SourceProblem[]) => {
    problems.push(...found)
    problemsOf.set(platform, [...(problemsOf.get(platform) ?? []), ...found])
  }
  const sources = new Map<string, Source[]>()
  for (const [folder, origin] of [
    [folders.builtIn, 'built-in'],
    [folders.user, 'user'],
  ] as const) {
    if (folder === null) continue
    for (const name of (await readdir(folder).catch(() => [])).sort()) {
      const match = /^([^.].*)\.ya?ml$/.exec(name)
      if (match?.[1] === undefined) continue
      const file = join(folder, name)
      const bytes = await readFile(file).catch((error: Error) => error)
      if (bytes instanceof Error) {
        complain(match[1], [fileProblem(file, `cannot be read: ${bytes.message}`, 'Check its permissions')])
        continue
      }
      const document = readYaml(bytes, file)
      if (!document.ok) complain(match[1], document.errors)
      else sources.set(match[1], [{ file, origin, document }, ...(sources.get(match[1]) ?? [])])
    }
  }
  const profiles = new Map<string, LoadedProfile>()
  for (const platform of [...sources.keys()].sort(localFirst)) {
    const made = buildProfile(platform, sources)
    if (made.ok) profiles.set(platform, made.loaded)
    else complain(platform, made.problems)
  }
  return { profiles, problems, problemsOf }
}

/** This machine before all others, those by name. */
const localFirst = (a: string, b: string): number => (a === b ? 0 : a === 'local' || (b !== 'local' && a < b) ? -1 : 1)

type Built =
  | { readonly ok: true; readonly loaded: LoadedProfile }
  | { readonly ok: false; readonly problems: readonly SourceProblem[] }

function buildProfile(platform: string, sources: ReadonlyMap<string, readonly Source[]>): Built {
  const chain: Source[] = []
  let next: { name: string; skip: number } | null = { name: platform, skip: 0 }
  while (next !== null) {
    const source: Source | undefined = sources.get(next.name)?.[next.skip]
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

const fileProblem = (file: string, message: string, hint: string): SourceProblem => ({
  file,
  line: 1,
  column: 1,
  key: '',
  message,
  hint,
})
