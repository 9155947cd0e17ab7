import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SourceProblem } from '../text/problem.ts'
import { readYaml } from '../text/yaml.ts'
import { type Built, buildProfile, type LoadedProfile, type Source } from './build.ts'
import { lazyMap } from './lazy-map.ts'

export type { LoadedProfile, ProfilePlace } from './build.ts'

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

/**
 * Every profile: `<platform>.yaml` of the user's folder over the built-in ones, `extends` resolved by the rules of
 * `mergeLayers`. One bad file spoils itself only. A file is read when its profile is first asked for: one act needs one, and
 * reading all of them takes longer than most acts.
 */
export function openProfiles(folders: ProfileFolders): LoadedProfiles {
  const files = filesOf(folders)
  const names = [...files.keys()].sort(localFirst)
  const read = memo((name: string) => readSources(files.get(name) ?? []))
  const built = memo((name: string): Built => {
    const { sources } = read(name)
    return sources.length === 0 ? { ok: false, problems: [] } : buildProfile(name, (each) => read(each).sources)
  })
  const wrongIn = (name: string): readonly SourceProblem[] => {
    const made = built(name)
    return [...read(name).problems, ...(made.ok ? [] : made.problems)]
  }
  return {
    profiles: lazyMap(names, (name) => {
      const made = built(name)
      return made.ok ? made.loaded : undefined
    }),
    problemsOf: lazyMap(names, (name) => {
      const found = wrongIn(name)
      return found.length === 0 ? undefined : found
    }),
    get problems() {
      return names.flatMap(wrongIn)
    },
  }
}

/** The same, all of it read. */
export async function loadProfiles(folders: ProfileFolders): Promise<LoadedProfiles> {
  const { profiles, problems, problemsOf } = openProfiles(folders)
  return { profiles, problems, problemsOf }
}

type Place = Pick<Source, 'file' | 'origin'>

/** Files of each name, nearest first. */
function filesOf(folders: ProfileFolders): ReadonlyMap<string, readonly Place[]> {
  const found = new Map<string, Place[]>()
  for (const [folder, origin] of [
    [folders.builtIn, 'built-in'],
    [folders.user, 'user'],
  ] as const) {
    if (folder === null) continue
    for (const name of listed(folder)) {
      const id = /^([^.].*)\.ya?ml$/.exec(name)?.[1]
      if (id !== undefined) found.set(id, [{ file: join(folder, name), origin }, ...(found.get(id) ?? [])])
    }
  }
  return found
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

function readSources(places: readonly Place[]): {
  readonly sources: readonly Source[]
  readonly problems: readonly SourceProblem[]
} {
  const sources: Source[] = []
  const problems: SourceProblem[] = []
  for (const { file, origin } of places) {
    try {
      const document = readYaml(readFileSync(file), file)
      if (document.ok) sources.push({ file, origin, document })
      else problems.push(...document.errors)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      problems.push(fileProblem(file, `cannot be read: ${why}`, 'Check its permissions'))
    }
  }
  return { sources, problems }
}

function memo<V>(make: (name: string) => V): (name: string) => V {
  const made = new Map<string, V>()
  return (name) => {
    const before = made.get(name)
    if (before !== undefined) return before
    const value = make(name)
    made.set(name, value)
    return value
  }
}

/** This machine before all others, those by name. */
const localFirst = (a: string, b: string): number => (a === b ? 0 : a === 'local' || (b !== 'local' && a < b) ? -1 : 1)

const fileProblem = (file: string, message: string, hint: string): SourceProblem => ({
  file,
  line: 1,
  column: 1,
  key: '',
  message,
  hint,
})
