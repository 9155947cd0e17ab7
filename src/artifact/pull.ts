import { constants } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileStat, Host } from '../host/types.ts'
import { placeFor, removeIfThere, sha256Plain, syncFolder } from './local-store.ts'
import type { RosterFile } from './roster.ts'

export type PullStatus = 'copied' | 'unstable' | 'mismatch' | 'gone' | 'failed'

/** How one file came over. Only `copied` is level V3: both hashes equal, the local one from a re-read after fsync. */
export interface PulledFile {
  readonly path: string
  readonly localPath: string | null
  readonly status: PullStatus
  readonly bytes: number
  readonly sha256Remote: string | null
  readonly sha256Local: string | null
  readonly mtimeMs: number
  readonly inode: number
  /** Bytes of an earlier transfer that were believed after re-hashing. */
  readonly resumedBytes: number
  /** True when an earlier, still equal copy made the transfer unnecessary. */
  readonly wasThere: boolean
  readonly attempts: number
  readonly reason: string | null
}

export interface PullOptions {
  readonly signal: AbortSignal
  readonly chunkBytes?: number
  /** Deadline of one read request. */
  readonly requestSeconds?: number
  readonly onBytes?: (bytes: number) => void
}

const maxAttempts = 3

class Unstable extends Error {}
class Gone extends Error {}
class Mismatch extends Error {
  readonly remote: string
  readonly local: string | null
  constructor(message: string, remote: string, local: string | null) {
    super(message)
    this.remote = remote
    this.local = local
  }
}

const isSame = (a: FileStat, b: FileStat) => a.bytes === b.bytes && a.mtimeMs === b.mtimeMs && a.inode === b.inode

async function statFile(host: Host, path: string): Promise<FileStat> {
  const found = await host.stat(path)
  if (found === null) throw new Gone('the file is gone')
  if (found.kind !== 'file') throw new Unstable(`it became a ${found.kind}`)
  return found
}

/** SHA-256 of the first `length` bytes on the host, or null when the host has no tool for it. */
async function remotePrefix(host: Host, path: string, length: number, signal: AbortSignal): Promise<string | null> {
  const source = `
if command -v sha256sum >/dev/null 2>&1; then head -c "$2" < "$1" | sha256sum
elif command -v openssl >/dev/null 2>&1; then head -c "$2" < "$1" | openssl dgst -sha256 -r
elif command -v shasum >/dev/null 2>&1; then head -c "$2" < "$1" | shasum -a 256
else exit 3
fi`
  const result = await host.script(source, [path, String(length)], { timeoutSeconds: 3600, signal })
  if (result.ending.kind !== 'exited' || result.ending.code !== 0) return null
  return /^[0-9a-f]{64}\b/.exec(Buffer.from(result.stdout).toString('latin1'))?.[0] ?? null
}

/** How many bytes of an earlier `.part` are the beginning of the source: all of them, or none. */
async function believedBytes(
  host: Host,
  path: string,
  part: string,
  source: FileStat,
  signal: AbortSignal,
): Promise<number> {
  const local = await sha256Plain(part, signal)
  if (local === null || local.bytes === 0 || local.bytes > source.bytes) return 0
  return (await remotePrefix(host, path, local.bytes, signal)) === local.sha256 ? local.bytes : 0
}

function withDeadline<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds} seconds`)), seconds * 1000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

/** Bytes `from` … end of the source into the `.part`; fsynced. Short reads are looped over, an early end is an error. */
async function transfer(host: Host, source: FileStat, part: string, from: number, options: PullOptions): Promise<void> {
  if (from === 0) await removeIfThere(part)
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | (from === 0 ? constants.O_CREAT | constants.O_EXCL : 0)
  const file = await open(part, flags, 0o600)
  try {
    let at = from
    while (at < source.bytes) {
      options.signal.throwIfAborted()
      const length = Math.min(options.chunkBytes ?? 1024 * 1024, source.bytes - at)
      const piece = await withDeadline(host.read(source.path, at, length), options.requestSeconds ?? 60)
      if (piece === null) throw new Gone('the file went away while it was read')
      if (piece.length === 0) throw new Unstable('the file became shorter while it was read')
      if (piece.length > length) throw new Unstable('more bytes came than were asked for')
      for (let done = 0; done < piece.length; ) {
        const { bytesWritten } = await file.write(piece, done, piece.length - done, at + done)
        done += bytesWritten
      }
      at += piece.length
      options.onBytes?.(piece.length)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

/**
 * Copies one declared file to `<root>/<path>` and proves it (handbook ssh 9.2): source stable before and after, hashed
 * on the host, ranges into `.part`, resumed only after re-hashing, fsync, re-read, hash again, rename, fsync of the folder.
 * What does not prove itself never takes the name of what did. Three tries for a source that changes, then `unstable`. Throws only on abort.
 */
export async function pullFile(
  host: Host,
  boxFolder: string,
  file: RosterFile,
  root: string,
  options: PullOptions,
): Promise<PulledFile> {
  const path = `${boxFolder}/${file.path}`
  const base: Omit<PulledFile, 'status' | 'attempts' | 'reason'> = {
    path: file.path,
    localPath: null,
    bytes: file.bytes,
    sha256Remote: null,
    sha256Local: null,
    mtimeMs: file.mtimeMs,
    inode: file.inode,
    resumedBytes: 0,
    wasThere: false,
  }
  let status: PullStatus = 'failed'
  let reason = ''
  let attempts = 0
  let hashes: Pick<PulledFile, 'sha256Remote' | 'sha256Local'> = { sha256Remote: null, sha256Local: null }
  while (attempts < maxAttempts) {
    attempts += 1
    options.signal.throwIfAborted()
    try {
      const done = await attempt(host, path, file.path, root, options)
      return { ...base, ...done, attempts, status: 'copied', reason: null }
    } catch (error) {
      options.signal.throwIfAborted()
      reason = error instanceof Error ? error.message : String(error)
      if (error instanceof Gone) return { ...base, attempts, status: 'gone', reason }
      const isMismatch = error instanceof Mismatch
      status = isMismatch ? 'mismatch' : error instanceof Unstable ? 'unstable' : 'failed'
      hashes = isMismatch
        ? { sha256Remote: error.remote, sha256Local: error.local }
        : { sha256Remote: null, sha256Local: null }
    }
  }
  return { ...base, ...hashes, attempts, status, reason }
}

async function attempt(host: Host, path: string, relative: string, root: string, options: PullOptions) {
  const before = await statFile(host, path)
  const sha256Remote = await host.sha256(path, options.signal)
  const localPath = await placeFor(root, relative)
  const there = await sha256Plain(localPath, options.signal)
  const wasThere = there !== null && there.bytes === before.bytes && there.sha256 === sha256Remote
  const part = `${localPath}.part`
  const resumedBytes = wasThere ? 0 : await believedBytes(host, path, part, before, options.signal)
  if (!wasThere) await transfer(host, before, part, resumedBytes, options)
  const after = await statFile(host, path)
  if (!isSame(before, after)) throw new Unstable('the file changed while it was copied')
  if (!wasThere) {
    // Read again and proved before it takes the name: what lies under it may be the good copy of an earlier pull.
    const arrived = await sha256Plain(part, options.signal)
    if (arrived?.sha256 !== sha256Remote) {
      await removeIfThere(part)
      throw new Mismatch('the hash of the copy is not that of the source', sha256Remote, arrived?.sha256 ?? null)
    }
    await rename(part, localPath)
    await syncFolder(dirname(localPath))
  }
  return {
    localPath,
    bytes: before.bytes,
    sha256Remote,
    sha256Local: sha256Remote,
    mtimeMs: after.mtimeMs,
    inode: after.inode,
    resumedBytes,
    wasThere,
  }
}
