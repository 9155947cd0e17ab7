import { listFolders } from '../host/list-folders.ts'
import type { FileStat, Host } from '../host/types.ts'
import { formatCount } from '../text/format.ts'
import type { Manifest } from './manifest.ts'
import type { DeclaredArtifact } from './roster.ts'
import { expandRoster } from './roster.ts'
import type { Writers } from './writers.ts'
import { writersUnder } from './writers.ts'

export interface ChangedFile {
  readonly path: string
  readonly kind: 'appeared' | 'changed' | 'gone'
  readonly text: string
}

/** What moved on the box since the manifest. Empty lists and known writers: nothing. */
export interface NewerReport {
  /** Declared files that changed, appeared or went. */
  readonly changed: readonly ChangedFile[]
  /** Any other file written after the manifest. */
  readonly newer: readonly string[]
  readonly writers: Writers
  /** Logs of trackers that keep them on the machine alone, at most 1000 of them. */
  readonly trackerLogs: readonly string[]
  /** Why the look is not complete; null when it is. */
  readonly incomplete: string | null
}

const maxEntries = 200_000
/**
 * Written by runner, guard and kx until the very end; they hold no result. A guard acts and leaves when it is due, also
 * after a verification; work that goes on shows in the files of its units.
 */
const ownFiles = new Set(['events.jsonl', 'heartbeat', 'lease', 'runner.pid', 'stop'])
const isOwn = (path: string) => ownFiles.has(path) || path.startsWith('guard/')

/** W&B without a network, TensorBoard, and MLflow's own database. What W&B sends away is kept there. */
const trackerLog = /(^|\/)(offline-run-[^/]+\/run-[^/]+\.wandb|[^/]*events\.out\.tfevents\.[^/]+|mlflow\.db)$/

/** What lies below a folder, in numbers. */
export interface Survey {
  readonly files: number
  readonly bytes: number
  /** Newest modification time by the host's own clock; the runner's own marks left out. Null: no files. */
  readonly newestMs: number | null
  /** Files written after the asked moment, at most 100 of them. */
  readonly after: readonly string[]
  /** Logs of trackers that keep them on the machine alone, at most 1000 of them. */
  readonly trackerLogs: readonly string[]
  /** Why the look is not complete; null when it is. */
  readonly incomplete: string | null
}

/** Walks a folder of the host once, bounded. Throws what `host.list` throws. */
export async function surveyBelow(
  host: Host,
  folder: string,
  signal: AbortSignal,
  afterMs = Number.POSITIVE_INFINITY,
): Promise<Survey> {
  const after: string[] = []
  const trackerLogs: string[] = []
  let newestMs: number | null = null
  let seen = 0
  let files = 0
  let bytes = 0
  const answer = (incomplete: string | null): Survey => ({
    files,
    bytes,
    newestMs,
    after,
    trackerLogs,
    incomplete,
  })
  const open = ['']
  const pathOf = (relative: string) => (relative === '' ? folder : `${folder}/${relative}`)
  let listed: ReadonlyMap<string, readonly FileStat[]> = new Map()
  for (let relative = open.shift(); relative !== undefined; relative = open.shift()) {
    signal.throwIfAborted()
    const at = pathOf(relative)
    // All that is known to be open at once: each folder would cost a round trip.
    if (!listed.has(at)) listed = await listFolders(host, [at, ...open.slice(0, 499).map(pathOf)], signal)
    const entries = listed.get(at) ?? (await host.list(at))
    if (entries === null && relative === '') return answer('the box folder is not there')
    for (const entry of entries ?? []) {
      seen += 1
      if (seen > maxEntries) return answer(`more than ${maxEntries} entries`)
      const name = entry.path.startsWith(`${at}/`) ? entry.path.slice(at.length + 1) : entry.path
      const path = relative === '' ? name : `${relative}/${name}`
      if (entry.kind === 'folder') {
        if (!name.includes('/') && name !== '..' && name !== '.') open.push(path)
        continue
      }
      files += 1
      bytes += entry.bytes
      if (trackerLog.test(path) && trackerLogs.length < 1000) trackerLogs.push(path)
      if (isOwn(path)) continue
      if (newestMs === null || entry.mtimeMs > newestMs) newestMs = entry.mtimeMs
      if (entry.mtimeMs > afterMs && after.length < 100) after.push(path)
    }
  }
  return answer(null)
}

/**
 * Compares the box with the manifest: declared files by size, time and inode, every other file by time, and whether
 * somebody still has a file open for writing. Throws only what the host throws.
 */
export async function lookForNewer(
  host: Host,
  folder: string,
  manifest: Manifest,
  declared: readonly DeclaredArtifact[],
  signal: AbortSignal,
): Promise<NewerReport> {
  const roster = await expandRoster(host, folder, declared, signal)
  const known = new Map(manifest.files.map((file) => [file.path, file]))
  const changed: ChangedFile[] = []
  for (const file of roster.files) {
    const before = known.get(file.path)
    known.delete(file.path)
    if (before === undefined) changed.push({ path: file.path, kind: 'appeared', text: 'appeared after the manifest' })
    else if (before.bytes !== file.bytes)
      changed.push({
        path: file.path,
        kind: 'changed',
        text: `${formatCount(before.bytes)} bytes became ${formatCount(file.bytes)}`,
      })
    else if (before.mtimeMs !== file.mtimeMs || before.inode !== file.inode)
      changed.push({ path: file.path, kind: 'changed', text: 'was written again after the manifest' })
  }
  for (const path of known.keys()) changed.push({ path, kind: 'gone', text: 'is no longer there' })
  const { after, trackerLogs, incomplete } = await surveyBelow(host, folder, signal, manifest.newestOnBoxMs ?? 0)
  const declaredPaths = new Set(changed.map((c) => c.path))
  return {
    changed,
    newer: after.filter((path) => !declaredPaths.has(path)),
    writers: await writersUnder(host, folder, signal),
    trackerLogs,
    incomplete,
  }
}

/**
 * True when nothing moved. `mayBeGone`: an earlier removal with a permit was cut short, so files that are missing now
 * were already safe; what changed or appeared still counts.
 */
export function isQuiet(report: NewerReport, mayBeGone = false): boolean {
  return (
    report.changed.every((change) => mayBeGone && change.kind === 'gone') &&
    report.newer.length === 0 &&
    report.incomplete === null &&
    !(report.writers.kind === 'known' && report.writers.paths.length > 0)
  )
}
