import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** A file that was written this short a time ago may change again within one tick of the file system's clock. */
const racyMs = 2000
const maximumEntries = 50_000

interface Entry {
  /** Size, modification and change time in nanoseconds, inode: the file is the same while these are. */
  readonly key: string
  readonly sha256: string
}

/** Remembers file hashes by (path, size, times, inode), so that large inputs are read once. A lost cache costs time only. */
export interface HashCache {
  /** SHA-256 of the file's bytes, lower-case hex. Throws what reading throws. */
  sha256(path: string): Promise<string>
  /** Hash if it is known without reading, else null. */
  known(path: string): Promise<string | null>
  /** Writes what is new to the cache file, if there is one. Never throws: the cache is a convenience. */
  save(): Promise<void>
}

/** Opens a cache; `file` null keeps it in memory only. An unreadable cache file counts as empty. */
export async function openHashCache(file: string | null): Promise<HashCache> {
  const entries = await readEntries(file)
  let isChanged = false

  const look = async (path: string) => {
    const stat = await lstat(path, { bigint: true })
    const key = `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`
    const entry = entries.get(path)
    return { key, mtimeMs: Number(stat.mtimeMs), hit: entry?.key === key ? entry.sha256 : null }
  }
  return {
    async known(path) {
      return look(path).then(
        (l) => l.hit,
        () => null,
      )
    },
    async sha256(path) {
      const before = await look(path)
      if (before.hit !== null) return before.hit
      const startedAtMs = Date.now()
      const sha256 = await hashFile(path)
      const after = await look(path)
      if (after.key === before.key && startedAtMs - before.mtimeMs > racyMs) {
        entries.delete(path)
        entries.set(path, { key: before.key, sha256 })
        isChanged = true
      }
      return sha256
    },
    async save() {
      if (file === null || !isChanged) return
      const kept = [...entries].slice(-maximumEntries)
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        const temporary = `${file}.${process.pid}.tmp`
        await writeFile(temporary, JSON.stringify({ v: 1, entries: kept }), { mode: 0o600 })
        await rename(temporary, file)
        isChanged = false
      } catch {
        // A cache that cannot be written costs time the next time, nothing else.
      }
    },
  }
}

async function readEntries(file: string | null): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  if (file === null) return entries
  try {
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'))
    const rows = (parsed as { entries?: unknown }).entries
    if (!Array.isArray(rows)) return entries
    for (const row of rows as unknown[]) {
      if (!Array.isArray(row)) continue
      const [path, entry] = row as [unknown, Partial<Entry> | null]
      if (typeof path === 'string' && typeof entry?.key === 'string' && /^[0-9a-f]{64}$/.test(entry.sha256 ?? ''))
        entries.set(path, { key: entry.key, sha256: entry.sha256 ?? '' })
    }
  } catch {
    // Missing or damaged: start empty.
  }
  return entries
}

/** SHA-256 of a file by streaming it; memory does not grow with the file. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
