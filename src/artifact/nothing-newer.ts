import type { Host } from '../host/types.ts'
import type { Manifest } from './manifest.ts'
import type { DeclaredArtifact } from './roster.ts'
import { expandRoster } from './roster.ts'
import type { Writers } from './writers.ts'
import { writersUnder } from './writers.ts'

/** What moved on the box since the manifest. Empty lists and known writers: nothing. */
export interface NewerReport {
  /** Declared files that changed, appeared or went. */
  readonly changed: readonly { readonly path: string; readonly text: string }[]
  /** Any other file written after the manifest. */
  readonly newer: readonly string[]
  readonly writers: Writers
  /** Why the look is not complete; null when it is. */
  readonly incomplete: string | null
}

const maxEntries = 200_000
/** Written by the runner until the very end; they hold no result. */
const ownFiles = new Set(['heartbeat', 'lease', 'runner.pid', 'stop'])

/** Newest modification time of any file below the folder; null with a reason when it cannot be told. */
export async function newestBelow(
  host: Host,
  folder: string,
  signal: AbortSignal,
  afterMs = Number.POSITIVE_INFINITY,
): Promise<{
  readonly newestMs: number | null
  readonly after: readonly string[]
  readonly incomplete: string | null
}> {
  const after: string[] = []
  let newestMs: number | null = null
  let seen = 0
  const open = ['']
  for (let relative = open.pop(); relative !== undefined; relative = open.pop()) {
    signal.throwIfAborted()
    const at = relative === '' ? folder : `${folder}/${relative}`
    const entries = await host.list(at)
    if (entries === null)
      if (relative === '') return { newestMs: null, after, incomplete: 'the box folder is not there' }
      else continue
    for (const entry of entries) {
      seen += 1
      if (seen > maxEntries) return { newestMs, after, incomplete: `more than ${maxEntries} entries` }
      const name = entry.path.startsWith(`${at}/`) ? entry.path.slice(at.length + 1) : entry.path
      const path = relative === '' ? name : `${relative}/${name}`
      if (entry.kind === 'folder') {
        if (!name.includes('/') && name !== '..' && name !== '.') open.push(path)
        continue
      }
      if (ownFiles.has(path)) continue
      if (newestMs === null || entry.mtimeMs > newestMs) newestMs = entry.mtimeMs
      if (entry.mtimeMs > afterMs && after.length < 100) after.push(path)
    }
  }
  return { newestMs, after, incomplete: null }
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
  const changed: { path: string; text: string }[] = []
  for (const file of roster.files) {
    const before = known.get(file.path)
    known.delete(file.path)
    if (before === undefined) changed.push({ path: file.path, text: 'appeared after the manifest' })
    else if (before.bytes !== file.bytes)
      changed.push({ path: file.path, text: `${before.bytes} bytes became ${file.bytes}` })
    else if (before.mtimeMs !== file.mtimeMs || before.inode !== file.inode)
      changed.push({ path: file.path, text: 'was written again after the manifest' })
  }
  for (const path of known.keys()) changed.push({ path, text: 'is no longer there' })
  const { after, incomplete } = await newestBelow(host, folder, signal, manifest.newestOnBoxMs ?? 0)
  const declaredPaths = new Set(changed.map((c) => c.path))
  return {
    changed,
    newer: after.filter((path) => !declaredPaths.has(path)),
    writers: await writersUnder(host, folder, signal),
    incomplete,
  }
}

export function isQuiet(report: NewerReport): boolean {
  return (
    report.changed.length === 0 &&
    report.newer.length === 0 &&
    report.incomplete === null &&
    !(report.writers.kind === 'known' && report.writers.paths.length > 0)
  )
}
