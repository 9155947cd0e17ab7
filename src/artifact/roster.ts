import { listFolders } from '../host/list-folders.ts'
import type { FileStat, Host } from '../host/types.ts'
import { expandChoices } from '../spec/glob.ts'
import type { ArtifactKind, Plan } from '../spec/schema.ts'
import { formatCount } from '../text/format.ts'
import { hasWildcard, matchesName } from './glob.ts'
import { collisions, nameProblem, pathProblem } from './names.ts'

export type DeclaredArtifact = Plan['artifacts'][number]

/** A declared file that lies on the box. */
export interface RosterFile {
  /** Relative to the box folder. */
  readonly path: string
  readonly kind: ArtifactKind
  readonly bytes: number
  readonly mtimeMs: number
  readonly inode: number
}

export interface RosterEntry {
  readonly glob: string
  readonly kind: ArtifactKind
  readonly minimumCount: number
  readonly minimumBytes: number
  readonly found: number
  readonly bytes: number
}

export interface RosterProblem {
  readonly kind: 'missing' | 'too-small' | 'unsafe-name' | 'collision' | 'symlink' | 'not-a-file' | 'too-many'
  /** Path or glob it speaks of. Foreign: sanitise before it is shown. */
  readonly path: string
  readonly text: string
}

export interface Roster {
  readonly folder: string
  readonly declared: readonly RosterEntry[]
  readonly files: readonly RosterFile[]
  readonly problems: readonly RosterProblem[]
}

const maxFiles = 100_000
const maxFolders = 20_000
const maxDepth = 16
/** Reserved beside the pulled files. */
const ownNames = ['manifest.json', 'pulled.json']

/** What `list` calls an entry may hide a separator; only a plain child of the folder has a name. */
function childName(folder: string, entry: FileStat): string {
  return entry.path.startsWith(`${folder}/`) ? entry.path.slice(folder.length + 1) : entry.path
}

/** A folder below the root, and what of the pattern is still to be matched in it. */
interface Step {
  readonly at: string
  readonly parts: readonly string[]
}

class Expansion {
  readonly problems: RosterProblem[] = []
  private readonly host: Host
  private readonly root: string
  private readonly signal: AbortSignal
  private readonly listed = new Map<string, readonly FileStat[] | null>()

  constructor(host: Host, root: string, signal: AbortSignal) {
    this.host = host
    this.root = root
    this.signal = signal
  }

  /** Files under the root that match; symlinks are never followed. */
  async expand(glob: string): Promise<readonly FileStat[]> {
    const found = new Map<string, FileStat>()
    for (const choice of expandChoices(glob)) {
      let level: readonly Step[] = [{ at: '', parts: choice.split('/').filter((part) => part !== '' && part !== '.') }]
      for (let depth = 0; level.length > 0; depth += 1) {
        if (depth > maxDepth) throw new RosterTooLarge(`folders deeper than ${maxDepth}`)
        // All folders of a level at once: each would cost a round trip.
        await this.look(level.map((step) => step.at))
        const next: Step[] = []
        for (const step of level) await this.walk(step, found, next)
        level = next
      }
    }
    return [...found.values()]
  }

  private folderOf(relative: string): string {
    return relative === '' ? this.root : `${this.root}/${relative}`
  }

  private async look(relatives: readonly string[]): Promise<void> {
    this.signal.throwIfAborted()
    const folders = [...new Set(relatives.map((each) => this.folderOf(each)))]
    const unknown = folders.filter((folder) => !this.listed.has(folder)).slice(0, maxFolders - this.listed.size)
    for (const [folder, entries] of await listFolders(this.host, unknown, this.signal)) this.listed.set(folder, entries)
  }

  private async children(relative: string): Promise<readonly FileStat[]> {
    this.signal.throwIfAborted()
    const folder = this.folderOf(relative)
    let entries = this.listed.get(folder)
    if (entries === undefined) {
      if (this.listed.size >= maxFolders) throw new RosterTooLarge(`more than ${maxFolders} folders`)
      entries = await this.host.list(folder)
      this.listed.set(folder, entries)
    }
    return entries ?? []
  }

  private async walk({ at, parts }: Step, found: Map<string, FileStat>, next: Step[]): Promise<void> {
    const [pattern, ...rest] = parts
    if (pattern === undefined) return
    if (pattern === '**') await this.walk({ at, parts: rest.length > 0 ? rest : ['*'] }, found, next)
    for (const entry of await this.children(at)) {
      const name = childName(this.folderOf(at), entry)
      const isDeep = pattern === '**'
      if (isDeep ? entry.kind !== 'folder' || name.startsWith('.') : !matchesName(pattern, name)) continue
      const path = at === '' ? name : `${at}/${name}`
      const isLast = !isDeep && rest.length === 0
      if (!isLast && entry.kind === 'file') continue
      if (!this.accepts(path, name, entry, isLast)) continue
      if (isLast) {
        found.set(path, { ...entry, path })
        if (found.size > maxFiles) throw new RosterTooLarge(`more than ${maxFiles} files`)
      } else next.push({ at: path, parts: isDeep ? parts : rest })
    }
  }

  private accepts(path: string, name: string, entry: FileStat, isLast: boolean): boolean {
    const problem = nameProblem(name) ?? pathProblem(path)
    if (problem !== null) {
      this.problems.push({ kind: 'unsafe-name', path, text: `the name is not accepted: ${problem}` })
      return false
    }
    if (isLast && ownNames.includes(path)) {
      this.problems.push({ kind: 'unsafe-name', path, text: 'the name is reserved: rename the artifact' })
      return false
    }
    if (entry.kind === 'symlink') {
      this.problems.push({ kind: 'symlink', path, text: 'a symlink is not followed: declare the file it points to' })
      return false
    }
    if (entry.kind === (isLast ? 'file' : 'folder')) return true
    // A folder below the last component is no artifact; `units/*` may well match some.
    if (entry.kind === 'other') this.problems.push({ kind: 'not-a-file', path, text: 'neither a file nor a folder' })
    return false
  }
}

class RosterTooLarge extends Error {}

/**
 * What of the plan's declared artifacts lies in the run's box folder (handbook ssh 9.2, step 1): only names asked for,
 * every component validated, no symlinks, no twins by case or Unicode form. Throws only what `host.list` throws.
 */
export async function expandRoster(
  host: Host,
  folder: string,
  declared: readonly DeclaredArtifact[],
  signal: AbortSignal,
): Promise<Roster> {
  const expansion = new Expansion(host, folder, signal)
  const files = new Map<string, RosterFile>()
  const entries: RosterEntry[] = []
  const problems: RosterProblem[] = []
  for (const artifact of declared) {
    let matches: readonly FileStat[] = []
    try {
      matches = await expansion.expand(artifact.glob)
    } catch (error) {
      if (!(error instanceof RosterTooLarge)) throw error
      problems.push({ kind: 'too-many', path: artifact.glob, text: `${error.message}: narrow the glob` })
    }
    for (const match of matches) {
      const known = files.get(match.path)
      if (known === undefined || (known.kind === 'other' && artifact.kind !== 'other'))
        files.set(match.path, {
          path: match.path,
          kind: artifact.kind,
          bytes: match.bytes,
          mtimeMs: match.mtimeMs,
          inode: match.inode,
        })
      if (match.bytes < artifact.minimumBytes)
        problems.push({
          kind: 'too-small',
          path: match.path,
          text: `${formatCount(match.bytes)} bytes, the plan asks for at least ${formatCount(artifact.minimumBytes)}`,
        })
    }
    if (matches.length < artifact.minimumCount)
      problems.push({
        kind: 'missing',
        path: artifact.glob,
        text: `${matches.length} found, the plan asks for at least ${artifact.minimumCount}`,
      })
    const bytes = matches.reduce((sum, match) => sum + match.bytes, 0)
    entries.push({
      glob: artifact.glob,
      kind: artifact.kind,
      minimumCount: artifact.minimumCount,
      minimumBytes: artifact.minimumBytes,
      found: matches.length,
      bytes,
    })
  }
  const list = [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  for (const [a, b] of collisions(list.map((file) => file.path)))
    problems.push({
      kind: 'collision',
      path: b,
      text: `is the same name as ${a} where case or Unicode form is ignored`,
    })
  return { folder, declared: entries, files: list, problems: dedupe([...problems, ...expansion.problems]) }
}

function dedupe(problems: readonly RosterProblem[]): readonly RosterProblem[] {
  return [...new Map(problems.map((p) => [`${p.kind}\0${p.path}\0${p.text}`, p])).values()]
}

/** Files that the globs with a unit folder ask for by name and that are not there, for units that the plan knows. */
export function missingOfUnits(roster: Roster, units: readonly string[]): readonly string[] {
  const found = new Set(roster.files.map((file) => file.path))
  return roster.declared.flatMap(({ glob }) => {
    const parts = glob.split('/')
    const rest = parts.slice(2)
    if (parts[0] !== 'units' || parts[1] !== '*' || rest.length === 0 || rest.some(hasWildcard)) return []
    return units.map((unit) => ['units', unit, ...rest].join('/')).filter((path) => !found.has(path))
  })
}
