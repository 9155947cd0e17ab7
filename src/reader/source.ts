import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource, Folder, FolderEntry } from './types.ts'

const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** A file of this machine. Opened for reading when it is first read, never locked. */
export function fileSource(path: string): ByteSource {
  let handle: FileHandle | null = null
  let opened = ''
  const close = async () => {
    const open = handle
    handle = null
    await open?.close()
  }
  return {
    path,
    async stat() {
      try {
        const found = await stat(path, { bigint: true })
        if (!found.isFile()) return null
        const identity = `${found.dev}:${found.ino}`
        // A file that was renamed into place is another one: what is open is the old one.
        if (identity !== opened) await close()
        opened = identity
        return { bytes: Number(found.size), mtimeMs: Number(found.mtimeNs) / 1e6, identity }
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    },
    async read(offset, length) {
      handle ??= await open(path, 'r')
      const bytes = Buffer.allocUnsafe(length)
      let at = 0
      while (at < length) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at)
        if (bytesRead === 0) break
        at += bytesRead
      }
      return bytes.subarray(0, at)
    },
    close,
  }
}

/** Bytes that are there already. */
export function memorySource(path: string, bytes: Uint8Array, mtimeMs = 0): ByteSource {
  return {
    path,
    stat: async () => ({ bytes: bytes.length, mtimeMs, identity: path }),
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    close: async () => {},
  }
}

/**
 * A folder of this machine.
 *
 * @param isBlocking it is listed without giving way: for a process that has nothing else to do, never for one that draws
 */
export function localFolder(root: string, isBlocking = false): Folder {
  return {
    root,
    async list(path) {
      try {
        if (isBlocking)
          return readdirSync(join(root, path), { withFileTypes: true }).map((entry) =>
            entryOf(entry, entry.isFile() ? lookSync(join(root, path, entry.name)) : null),
          )
        const entries = await readdir(join(root, path), { withFileTypes: true })
        return await Promise.all(
          entries.map(async (entry): Promise<FolderEntry> => {
            const found = entry.isFile() ? await stat(join(root, path, entry.name)).catch(() => null) : null
            return entryOf(entry, found)
          }),
        )
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    },
    open: (path) => fileSource(join(root, path)),
    localPath: (path) => join(root, path),
  }
}

const entryOf = (entry: Dirent, found: Pick<Stats, 'size' | 'mtimeMs'> | null): FolderEntry => ({
  name: entry.name,
  kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
  bytes: found?.size ?? 0,
  mtimeMs: found?.mtimeMs ?? 0,
})

function lookSync(path: string): Stats | null {
  try {
    return statSync(path)
  } catch {
    // It went away between two looks.
    return null
  }
}
