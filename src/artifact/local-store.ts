import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { lstat, mkdir, open, realpath, statfs, unlink } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { pathProblem } from './names.ts'
import type { StructureFile } from './structure/kit.ts'

/** A foreign name or a changed folder would have led out of the store. Nothing was touched. */
export class UnsafePath extends Error {}

/** Joins a relative path below the root and makes its folders (0700); refuses every step that is not a real folder. */
export async function placeFor(root: string, relative: string): Promise<string> {
  const problem = pathProblem(relative)
  if (problem !== null) throw new UnsafePath(`The name is not accepted: ${problem}.`)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const realRoot = await realpath(root)
  let at = realRoot
  for (const name of relative.split('/').slice(0, -1)) {
    at = join(at, name)
    try {
      await mkdir(at, { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (!(await lstat(at)).isDirectory()) throw new UnsafePath('A folder on the way is a symlink or a file.')
  }
  const real = await realpath(at)
  if (real !== realRoot && !real.startsWith(`${realRoot}${sep}`))
    throw new UnsafePath('The path leads out of its folder.')
  return join(realRoot, relative)
}

/** Opens for reading without following a symlink; null when there is no regular file. */
export async function openPlain(path: string): Promise<FileHandle | null> {
  let file: FileHandle
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return null
    throw error
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  return null
}

/** SHA-256 of the first `length` bytes (default: all) from a fresh opening; null when there is no regular file. */
export async function sha256Plain(
  path: string,
  signal: AbortSignal,
  length = Number.POSITIVE_INFINITY,
): Promise<{ readonly sha256: string; readonly bytes: number } | null> {
  const file = await openPlain(path)
  if (file === null) return null
  try {
    const hash = createHash('sha256')
    const buffer = Buffer.allocUnsafe(1024 * 1024)
    let at = 0
    while (at < length) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, length - at), at)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
    return { sha256: hash.digest('hex'), bytes: at }
  } finally {
    await file.close()
  }
}

/** A pulled file for the structure checks, closed by `close`. */
export async function openForStructure(path: string): Promise<(StructureFile & { close(): Promise<void> }) | null> {
  const file = await openPlain(path)
  if (file === null) return null
  const { size } = await file.stat()
  return {
    path,
    bytes: size,
    read: async (offset, length) => {
      const buffer = new Uint8Array(length)
      const { bytesRead } = await file.read(buffer, 0, length, offset)
      return buffer.subarray(0, bytesRead)
    },
    sibling: async (relative) => {
      if (pathProblem(relative) !== null) return null
      const found = await lstat(join(dirname(path), relative)).catch(() => null)
      return found?.isFile() ? { bytes: found.size } : null
    },
    close: () => file.close(),
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

export async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Room at a folder. `inodes` null: the file system does not count them. */
export async function freeSpace(folder: string): Promise<{ readonly bytes: number; readonly inodes: number | null }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const found = await statfs(folder)
  return { bytes: found.bavail * found.bsize, inodes: found.files > 0 ? found.ffree : null }
}
