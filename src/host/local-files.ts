import { createHash, randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, unlink } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, relative, sep } from 'node:path'
import { HostError, hostError, isMissing } from './errors.ts'
import { parseMountinfo } from './probe/mountinfo.ts'
import { headBytes, isSameFile, maxTailBytes, positionAt } from './tail.ts'
import type { FileStat, Tail, TailPosition } from './types.ts'

const blockBytes = 1024 * 1024

/** A path of the host must be absolute and free of NUL: anything else is an error of the caller. */
export function checkPath(path: string): string {
  if (!isAbsolute(path)) throw new HostError(`Not an absolute path: ${path}. Paths of a host begin with /.`)
  if (path.includes('\0')) throw new HostError('A path holds a NUL character: no file can have that name.')
  return path
}

const toFileStat = (path: string, stat: Stats): FileStat => ({
  path,
  kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'symlink' : 'other',
  bytes: stat.size,
  mtimeMs: stat.mtimeMs,
  inode: stat.ino,
})

/** What lies at a path, a symlink not followed; null when there is nothing. */
export async function statLocal(path: string): Promise<FileStat | null> {
  try {
    return toFileStat(path, await lstat(checkPath(path)))
  } catch (error) {
    if (isMissing(error)) return null
    throw hostError('look at', path, error)
  }
}

/** Entries of one folder, sorted by name. Names that are no UTF-8 come with U+FFFD in them: seen, never dropped. */
export async function listLocal(path: string): Promise<readonly FileStat[] | null> {
  checkPath(path)
  try {
    const found: FileStat[] = []
    for (const name of await readdir(path, { encoding: 'buffer' })) {
      const raw = Buffer.concat([Buffer.from(path.endsWith('/') ? path : `${path}/`), name])
      try {
        found.push(toFileStat(join(path, name.toString('utf8')), await lstat(raw)))
      } catch (error) {
        // Gone between the two calls: no longer an entry.
        if (!isMissing(error)) throw error
      }
    }
    return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  } catch (error) {
    if (isMissing(error)) return null
    throw hostError('list', path, error)
  }
}

/** Bytes from `offset`, at most `length`. Pipes and devices are refused: reading one could wait for ever. */
export async function readLocal(path: string, offset: number, length: number): Promise<Uint8Array | null> {
  const file = await openForReading(path)
  if (file === null) return null
  try {
    const chunks: Buffer[] = []
    let at = offset
    let left = length
    while (left > 0) {
      const buffer = Buffer.allocUnsafe(Math.min(left, blockBytes))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) break
      chunks.push(buffer.subarray(0, bytesRead))
      at += bytesRead
      left -= bytesRead
    }
    return new Uint8Array(Buffer.concat(chunks))
  } catch (error) {
    throw hostError('read', path, error)
  } finally {
    await file.close()
  }
}

/** See `Host.tail`. One open file, so that what is renamed in the middle is read as one all the same. */
export async function tailLocal(path: string, from: TailPosition | null, length: number): Promise<Tail | null> {
  const file = await openForReading(path)
  if (file === null) return null
  try {
    const { ino: inode, size } = await file.stat()
    const take = async (at: number, most: number) => {
      const buffer = Buffer.alloc(most)
      let got = 0
      while (got < most) {
        const { bytesRead } = await file.read(buffer, got, most - got, at + got)
        if (bytesRead === 0) break
        got += bytesRead
      }
      return new Uint8Array(buffer.subarray(0, got))
    }
    const head = await take(0, Math.min(headBytes, size))
    const isSame = from !== null && isSameFile(from, inode, size, head)
    const at = isSame ? from.offset : 0
    const bytes = await take(at, Math.min(Math.max(0, length), maxTailBytes, Math.max(0, size - at)))
    return {
      bytes,
      size,
      isAnother: from !== null && !isSame,
      position: positionAt(inode, at + bytes.byteLength, head),
    }
  } catch (error) {
    throw hostError('read', path, error)
  } finally {
    await file.close()
  }
}

/** SHA-256 in lower-case hex, streamed: memory does not grow with the file. */
export async function sha256Local(path: string, signal?: AbortSignal): Promise<string> {
  const file = await openForReading(path)
  if (file === null) throw new HostError(`Cannot hash ${path}: there is no such file.`, 'ENOENT')
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(blockBytes)
    for (let at = 0; ; ) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw hostError('hash', path, error)
  } finally {
    await file.close()
  }
}

async function openForReading(path: string): Promise<FileHandle | null> {
  let file: FileHandle | undefined
  try {
    // Non-blocking, so that opening a pipe without a writer returns.
    file = await open(checkPath(path), constants.O_RDONLY | constants.O_NONBLOCK)
    if (!(await file.stat()).isFile()) throw new HostError(`Cannot read ${path}: it is not a regular file.`)
    return file
  } catch (error) {
    await file?.close()
    if (isMissing(error)) return null
    throw hostError('read', path, error)
  }
}

/**
 * Whole file or old file, never half: temporary name in the same folder, fsync, rename, fsync of the folder.
 * Missing folders are made with mode 0700 and fsynced too.
 */
export async function writeLocal(path: string, bytes: Uint8Array | string, mode = 0o600): Promise<void> {
  checkPath(path)
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path).slice(0, 200)}.kx-${randomBytes(6).toString('hex')}`)
  try {
    const first = await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(bytes)
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
    if (first !== undefined)
      for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw hostError('write', path, error)
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/**
 * Removes one folder and what is in it. Refused unless the folder really lies under `mustBeUnder`: no symlink at
 * either end or on the way between them, no mount point inside, never the upper folder itself. Nothing there: nothing
 * to do.
 */
export async function removeTreeLocal(path: string, mustBeUnder: string): Promise<void> {
  checkPath(path)
  checkPath(mustBeUnder)
  const refuse = (why: string): never => {
    throw new HostError(`Refused to remove ${path}: ${why}. Look at it, and remove it by hand if that is right.`)
  }
  const target = normalize(path).replace(/\/+$/, '')
  const under = normalize(mustBeUnder).replace(/\/+$/, '')
  if (under === '') refuse('the folder that it must lie under is the root of the file system')
  const way = relative(under, target)
  if (way === '' || way === '..' || way.startsWith(`..${sep}`)) refuse(`it does not lie under ${mustBeUnder}`)
  try {
    const targetStat = await lstat(target).catch((error: unknown) => {
      if (isMissing(error)) return null
      throw error
    })
    if (targetStat === null) return
    if (targetStat.isSymbolicLink()) refuse('it is a symlink')
    if (!targetStat.isDirectory()) refuse('it is not a folder')
    if ((await lstat(under)).isSymbolicLink()) refuse(`${mustBeUnder} is a symlink`)
    const real = await realpath(target)
    const realUnder = await realpath(under)
    if (realUnder === '/' || relative(realUnder, real) !== way) refuse('a folder on the way to it is a symlink')
    const mounts = await mountPoints()
    const mount = mounts.find((point) => point === real || point.startsWith(`${real}/`))
    if (mount !== undefined) refuse(`another file system is mounted at ${mount}`)
    // Does not follow symlinks: a link inside is removed, what it points to stays.
    await rm(real, { recursive: true, force: false, maxRetries: 3 })
  } catch (error) {
    throw hostError('remove', path, error)
  }
}

async function mountPoints(): Promise<readonly string[]> {
  try {
    return parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')).map((mount) => mount.point)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
