import { lstat, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { RsyncUse, Way } from '../host/rsync/rules.ts'
import { changed, gone, TransferError } from '../host/transfer/errors.ts'
import type { FileStat, Host } from '../host/types.ts'
import { believedBytes, grownBytes, hashOnHost } from './believed.ts'
import { fillPartByRsync, wayOfFile } from './by-rsync.ts'
import { placeFor, removeIfThere, sha256Plain, syncFolder } from './local-store.ts'
import { fillPart } from './part-file.ts'
import type { RosterFile } from './roster.ts'
import { timed } from './timed.ts'

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
  /** By what its bytes came, and why, where there was something to choose. */
  readonly way: Way | null
}

export interface PullOptions {
  readonly signal: AbortSignal
  /** Default auto: where much of an older copy can be used again. */
  readonly rsync?: RsyncUse
  /** Of the pieces that a host without streams is asked for. */
  readonly chunkBytes?: number
  /** Without a byte for so long a read has failed; default 60. */
  readonly requestSeconds?: number
  /** Bytes came over the link and are written. */
  readonly onBytes?: (bytes: number) => void
  /** A file is done, whatever came of it. */
  readonly onFile?: (path: string, bytes: number) => void
  /** Milliseconds that went into hashing and comparing, not into copying. */
  readonly onProved?: (milliseconds: number) => void
  /** Milliseconds of waiting for the disk, with nothing left to copy. */
  readonly onDurable?: (milliseconds: number) => void
}

const maxAttempts = 3
/** A link that goes again and again, though each time some bytes came. */
const mostCuts = 50

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
  if (found === null) throw gone()
  if (found.kind !== 'file') throw changed(`it became a ${found.kind}`)
  return found
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
    way: null,
  }
  let status: PullStatus = 'failed'
  let reason = ''
  let attempts = 0
  let hashes: Pick<PulledFile, 'sha256Remote' | 'sha256Local'> = { sha256Remote: null, sha256Local: null }
  let moved = 0
  const counting: PullOptions = {
    ...options,
    onBytes: (bytes) => {
      moved += bytes
      options.onBytes?.(bytes)
    },
  }
  for (let cuts = 0; attempts < maxAttempts; ) {
    attempts += 1
    moved = 0
    options.signal.throwIfAborted()
    try {
      const done = await attempt(host, path, file.path, root, counting)
      return { ...base, ...done, attempts, status: 'copied', reason: null }
    } catch (error) {
      options.signal.throwIfAborted()
      reason = reasonOf(error, file.bytes)
      const problem = error instanceof TransferError ? error.problem : null
      if (problem === 'gone') return { ...base, attempts, status: 'gone', reason }
      // The next try goes on where this one was cut, so it was none of the three.
      if (problem === 'lost' && moved > 0 && cuts < mostCuts) {
        cuts += 1
        attempts -= 1
      }
      const isMismatch = error instanceof Mismatch
      status = isMismatch ? 'mismatch' : problem === 'changed' ? 'unstable' : 'failed'
      hashes = isMismatch
        ? { sha256Remote: error.remote, sha256Local: error.local }
        : { sha256Remote: null, sha256Local: null }
    }
  }
  return { ...base, ...hashes, attempts, status, reason }
}

/** Why, for a person: a full disk says how many bytes it should have had. */
function reasonOf(error: unknown, bytes: number): string {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : null
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? `no space left here for a file of ${bytes} bytes (${message}): free some and pull again, it goes on where it stopped`
    : message
}

async function attempt(host: Host, path: string, relative: string, root: string, options: PullOptions) {
  const { signal } = options
  const before = await statFile(host, path)
  const localPath = await placeFor(root, relative)
  const proved = <T>(work: () => Promise<T>): Promise<T> => timed(work, options.onProved)
  const here = await lstat(localPath).catch(() => null)
  const isCandidate = here?.isFile() === true && here.size === before.bytes
  const [there, remoteNow] = isCandidate
    ? await proved(() => Promise.all([sha256Plain(localPath, signal), hashOnHost(host, before, null, signal)]))
    : [null, null]
  const wasThere = there !== null && there.bytes === before.bytes && there.sha256 === remoteNow
  const part = `${localPath}.part`
  const resumedBytes = wasThere
    ? 0
    : (await proved(() => believedBytes(host, before, part, signal))) ||
      (await proved(() => grownBytes(host, before, localPath, part, signal)))
  const older = here?.isFile() === true ? { path: localPath, bytes: here.size } : null
  const way = wasThere
    ? null
    : await bring(host, path, { ...before, relative }, { root, part, older }, resumedBytes, options)
  // Both ends at once. The copy is read again and proved before it takes the name: what lies under it may be the good
  // copy of an earlier pull.
  const [arrived, sha256Remote] = wasThere
    ? [there, remoteNow as string]
    : await proved(() => Promise.all([sha256Plain(part, signal), hashOnHost(host, before, null, signal)]))
  const after = await statFile(host, path)
  if (!isSame(before, after)) throw changed('the file changed while it was copied')
  if (!wasThere) {
    if (arrived?.sha256 !== sha256Remote) {
      await removeIfThere(part)
      throw new Mismatch('the hash of the copy is not that of the source', sha256Remote, arrived?.sha256 ?? null)
    }
    await rename(part, localPath)
    await timed(() => syncFolder(dirname(localPath)), options.onDurable)
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
    way,
  }
}

/** The bytes into the `.part`, by rsync where that is the better way; when it does not manage, by the stream. */
async function bring(
  host: Host,
  path: string,
  source: FileStat & { readonly relative: string },
  {
    root,
    part,
    older,
  }: {
    readonly root: string
    readonly part: string
    readonly older: { readonly path: string; readonly bytes: number } | null
  },
  resumedBytes: number,
  options: PullOptions,
): Promise<Way | null> {
  let way = resumedBytes > 0 ? null : await wayOfFile(host, source, older, options)
  if (way?.by === 'rsync')
    try {
      const boxFolder = path.slice(0, -source.relative.length - 1)
      await fillPartByRsync(host, boxFolder, source, root, older?.path ?? null, part, options)
      return way
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof TransferError) || error.problem !== 'failed') throw error
      way = { by: 'stream', why: `rsync did not manage: ${error.message}` }
    }
  await fillPart(host, source, part, resumedBytes, options)
  return way
}
