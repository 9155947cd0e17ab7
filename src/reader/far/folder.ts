import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import { Replaced } from '../growing.ts'
import type { ByteSource, Folder, FolderEntry } from '../types.ts'
import { PrivateCopies } from './copies.ts'
import { SmallFiles } from './small-files.ts'
import type { FarEntry, FarFiles, FarLook } from './types.ts'

/** A look is taken for now for so long; one that took longer for ten times its own time, so that looks stay a small part. */
const freshMs = 1000
const shareOfLooks = 10
/** Before the end of what was read: a file that only grew has the same bytes there. */
const overlapBytes = 4096

/** A folder somewhere else. */
export interface FarFolder extends Folder {
  /** Name of the one file that was asked for; null: a folder was. */
  readonly only: string | null
  /** What was not looked at, one sentence each. */
  readonly notes: readonly string[]
  /** Removes what was copied here, and gives the place up. */
  close(): Promise<void>
}

interface Seen extends FarLook {
  readonly byPath: ReadonlyMap<string, FarEntry>
  readonly inside: ReadonlyMap<string, readonly FolderEntry[]>
  readonly tookMs: number
  readonly atMs: number
}

/**
 * Files somewhere else as a folder that readers know: what lies there and how large it is comes from one look for all files,
 * and of each file only what is new is read. Null: there is no such place.
 */
export async function farFolder(
  files: FarFiles,
  nowMs: () => number = () => performance.now(),
): Promise<FarFolder | null> {
  let seen: Seen | null = null
  let looking: Promise<Seen | null> | null = null
  let failure: { readonly error: unknown; readonly atMs: number; readonly tookMs: number } | null = null
  const look = async (): Promise<Seen | null> => {
    const beganMs = nowMs()
    let found: FarLook | null
    try {
      found = await files.look()
    } catch (error) {
      failure = { error, atMs: nowMs(), tookMs: nowMs() - beganMs }
      throw error
    }
    failure = null
    const atMs = nowMs()
    seen = found === null ? null : { ...found, ...indexOf(found.entries), atMs, tookMs: atMs - beganMs }
    return seen
  }
  /** @param isNew whether a look that is over may not be taken for it */
  const now = async (isNew = false): Promise<Seen | null> => {
    const kept = seen
    if (kept !== null && !isNew && nowMs() - kept.atMs < Math.max(freshMs, shareOfLooks * kept.tookMs)) return kept
    // Of many runs each would wait for the same link: what one was told holds for the others for a while.
    if (failure !== null && looking === null && nowMs() - failure.atMs < Math.max(freshMs, failure.tookMs))
      throw failure.error
    if (isNew) await looking?.catch(() => {})
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }
  const first = await now()
  if (first === null) return null
  const { root, only, notes } = first
  const small = new SmallFiles(files)
  const copies = new PrivateCopies(files, async () => (await now(true))?.byPath ?? new Map(), root)
  return {
    root,
    only,
    notes,
    async list(path) {
      return (await now())?.inside.get(plain(path)) ?? null
    },
    open: (path) =>
      farSource(
        files,
        (entry, offset, length) => small.read(entry, offset, length, seen?.atMs ?? 0),
        plain(path),
        `${root}/${plain(path)}`,
        async (isNew) => (await now(isNew))?.byPath.get(plain(path)) ?? null,
      ),
    localPath: () => null,
    copy: (path) => copies.of(plain(path)),
    async stat(path) {
      const there = await now()
      if (path === root) return there === null ? null : { bytes: 0, mtimeMs: namesMark(there.inside.get('') ?? []) }
      return path.startsWith(`${root}/`) ? (there?.byPath.get(plain(path.slice(root.length + 1))) ?? null) : null
    },
    async close() {
      await copies.remove()
      await files.close()
    },
  }
}

/** In place of the time of the root, which no look tells: another figure when something in it came or went. */
const namesMark = (entries: readonly FolderEntry[]): number => {
  const names = entries.map(({ name }) => name).sort()
  return Number.parseInt(sha256(Buffer.from(names.join('\0'))).slice(0, 12), 16)
}

/** Readers name a folder itself `.`, and what is in it `./name`. */
function plain(path: string): string {
  const normal = posix.normalize(path === '' ? '.' : path).replace(/\/$/, '')
  return normal === '.' ? '' : normal
}

function indexOf(entries: readonly FarEntry[]): Pick<Seen, 'byPath' | 'inside'> {
  const byPath = new Map<string, FarEntry>()
  const inside = new Map<string, FolderEntry[]>([['', []]])
  for (const entry of entries) {
    byPath.set(entry.path, entry)
    if (entry.kind === 'folder' && !inside.has(entry.path)) inside.set(entry.path, [])
    const parent = posix.dirname(entry.path)
    const key = parent === '.' ? '' : parent
    const siblings = inside.get(key) ?? []
    const { kind, bytes, mtimeMs } = entry
    siblings.push({ name: posix.basename(entry.path), kind, bytes, mtimeMs: kind === 'file' ? mtimeMs : 0 })
    inside.set(key, siblings)
  }
  return { byPath, inside }
}

/** How far one file was read, and what stood there. */
interface Known {
  mark: string
  bytes: number
  /** Where the last reading ended, and the bytes right before. */
  end: number
  tail: Uint8Array
  headBytes: number
  headSha256: string
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

function farSource(
  files: FarFiles,
  read: (entry: FarEntry, offset: number, length: number) => ReturnType<FarFiles['read']>,
  path: string,
  label: string,
  entryOf: (isNew: boolean) => Promise<FarEntry | null>,
): ByteSource {
  let known: Known | null = null
  /** Goes up with each file that stands in the place of another. */
  let generation = 0
  let told: FarEntry | null = null
  const forget = () => {
    known = null
    generation++
  }
  const keep = (mark: string, offset: number, bytes: Uint8Array) => {
    const before: Known | null = known
    const isBegin = offset === 0
    const joined = before !== null && before.end === offset ? Buffer.concat([before.tail, bytes]) : bytes
    const head = isBegin ? bytes.subarray(0, 256) : null
    known = {
      mark,
      bytes: Math.max(before?.bytes ?? 0, offset + bytes.byteLength),
      end: offset + bytes.byteLength,
      tail: Uint8Array.from(joined.subarray(Math.max(0, joined.byteLength - overlapBytes))),
      headBytes: head?.byteLength ?? before?.headBytes ?? 0,
      headSha256: head === null ? (before?.headSha256 ?? '') : sha256(head),
    }
  }
  /** Whether the file of another mark begins as the one that was read, and says the same right before its end. */
  const isGrown = async (mark: string, of: Known): Promise<boolean> => {
    const head = of.headBytes === 0 ? new Uint8Array() : await files.read(path, 0, of.headBytes, mark)
    if (typeof head === 'string' || (of.headBytes > 0 && sha256(head) !== of.headSha256)) return false
    const tail = await files.read(path, of.end - of.tail.byteLength, of.tail.byteLength, mark)
    return typeof tail !== 'string' && Buffer.compare(tail, of.tail) === 0
  }
  return {
    path: label,
    async stat() {
      const entry = await entryOf(false)
      if (entry?.kind !== 'file') return null
      if (known !== null && entry.mark !== known.mark) {
        if (!files.isMarkedByContent || entry.bytes <= known.bytes) forget()
      }
      told = entry
      return { bytes: entry.bytes, mtimeMs: entry.mtimeMs, identity: `${generation}` }
    },
    async read(offset, length) {
      let entry = told ?? (await entryOf(false))
      for (let looks = 0; ; looks++) {
        if (entry === null) return new Uint8Array()
        if (known !== null && known.mark !== entry.mark) {
          if (!(await isGrown(entry.mark, known))) break
          known = { ...known, mark: entry.mark }
        }
        const bytes = await read(entry, offset, length)
        if (bytes === 'gone') return new Uint8Array()
        if (bytes !== 'changed') {
          keep(entry.mark, offset, bytes)
          return bytes
        }
        const next = await entryOf(true)
        // A store has another mark for what only grew; a few of those are looked through, and no more.
        if (!files.isMarkedByContent || next === null || next.bytes < offset || looks >= 2) break
        entry = next
      }
      forget()
      throw new Replaced(label)
    },
    close: async () => {},
  }
}
