import { lstat, readdir } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { digestOf } from '../spec/digest.ts'
import type { Plan } from '../spec/schema.ts'
import type { HashCache } from './hash-cache.ts'

/** Data above this size is not read to open a plan: its hash is checked in the audit, and its times stand in for it. */
export const hashAtLoadBytes = 256 * 1024 * 1024

/** What lies on this machine for one data entry of the plan. */
export interface DataFact {
  /** Path or address as the plan writes it. */
  readonly name: string
  readonly kind: 'file' | 'folder' | 'remote' | 'missing' | 'refused'
  readonly bytes: number | null
  readonly files: number | null
  /** Of a file: its hash. Of a folder: digest over (path, bytes, hash) of its files. Null: not read (yet), or remote. */
  readonly sha256: string | null
  /** Newest modification, for data too large to be hashed at load. */
  readonly mtimeMs: number | null
  readonly reason?: string
}

/** Looks at every data entry of the plan. With `isFull`, also large data are hashed (slow the first time, then cached). */
export async function dataFacts(
  projectFolder: string,
  data: Plan['data'],
  cache: HashCache,
  isFull = false,
): Promise<DataFact[]> {
  const facts: DataFact[] = []
  for (const entry of data) {
    if (entry.path === undefined)
      facts.push(missing(entry.uri ?? '', 'remote', 'not on this machine: looked at when a host is audited'))
    else facts.push(await localFact(projectFolder, entry.path, cache, isFull))
  }
  return facts
}

/** Digest that the `data` binding of proofs uses: what is declared and what lies there. */
export function dataDigest(data: Plan['data'], facts: readonly DataFact[]): string {
  return digestOf(
    data.map((entry, i) => {
      const fact = facts[i]
      const isLarge = (fact?.bytes ?? 0) > hashAtLoadBytes
      return {
        name: entry.path ?? entry.uri ?? '',
        declared: { bytes: entry.bytes ?? null, rows: entry.rows ?? null, sha256: entry.sha256 ?? null },
        bytes: fact?.bytes ?? null,
        // The same rule whether or not the cache knows the hash, or the digest would change by being looked at.
        content: isLarge ? { mtimeMs: fact?.mtimeMs ?? null } : { sha256: fact?.sha256 ?? null },
      }
    }),
  )
}

async function localFact(projectFolder: string, path: string, cache: HashCache, isFull: boolean): Promise<DataFact> {
  const absolute = join(projectFolder, path)
  const stat = await lstat(absolute).catch(() => null)
  if (stat === null) return missing(path, 'missing', 'no such file')
  if (stat.isSymbolicLink()) return missing(path, 'refused', 'a symbolic link: it would not travel with the run')
  if (stat.isFile()) {
    const isRead = isFull || stat.size <= hashAtLoadBytes
    const sha256 = isRead ? await cache.sha256(absolute).catch(() => null) : await cache.known(absolute)
    if (isRead && sha256 === null) return missing(path, 'refused', 'cannot be read by this user')
    return { name: path, kind: 'file', bytes: stat.size, files: 1, sha256, mtimeMs: stat.mtimeMs }
  }
  if (!stat.isDirectory()) return missing(path, 'refused', 'neither a file nor a folder')
  return folderFact(path, absolute, cache, isFull)
}

async function folderFact(path: string, absolute: string, cache: HashCache, isFull: boolean): Promise<DataFact> {
  const found: { path: string; bytes: number; mtimeMs: number }[] = []
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(absolute, folder), { withFileTypes: true })) {
      const inner = posix.join(folder, entry.name)
      if (entry.isDirectory()) await visit(inner)
      else if (entry.isFile()) {
        const stat = await lstat(join(absolute, inner))
        found.push({ path: inner, bytes: stat.size, mtimeMs: stat.mtimeMs })
      }
    }
  }
  try {
    await visit('')
  } catch (error) {
    return missing(path, 'refused', `cannot be listed: ${error instanceof Error ? error.message : String(error)}`)
  }
  found.sort((a, b) => (a.path < b.path ? -1 : 1))
  const bytes = found.reduce((sum, f) => sum + f.bytes, 0)
  const mtimeMs = found.reduce((newest, f) => Math.max(newest, f.mtimeMs), 0)
  let sha256: string | null = null
  if (isFull || bytes <= hashAtLoadBytes) {
    const rows: [string, number, string][] = []
    for (const f of found) {
      const hash = await cache.sha256(join(absolute, f.path)).catch(() => null)
      if (hash === null) return missing(path, 'refused', `${f.path} cannot be read by this user`)
      rows.push([f.path, f.bytes, hash])
    }
    sha256 = digestOf(rows)
  }
  return { name: path, kind: 'folder', bytes, files: found.length, sha256, mtimeMs }
}

const missing = (name: string, kind: DataFact['kind'], reason: string): DataFact => ({
  name,
  kind,
  bytes: null,
  files: null,
  sha256: null,
  mtimeMs: null,
  reason,
})
