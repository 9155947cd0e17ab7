import { constants } from 'node:fs'
import { chmod, copyFile, lstat } from 'node:fs/promises'
import { gone } from '../host/transfer/errors.ts'
import { hashThere } from '../host/transfer/hasher.ts'
import type { FileStat, Host } from '../host/types.ts'
import { removeIfThere, sha256Plain } from './local-store.ts'

/** SHA-256 there, of the first `length` bytes or of all. @throws TransferError */
export async function hashOnHost(
  host: Host,
  source: FileStat,
  length: number | null,
  signal: AbortSignal,
): Promise<string> {
  if (host.kind === 'local') {
    if (length === null) return host.sha256(source.path, signal)
    const here = await sha256Plain(source.path, signal, length)
    if (here === null) throw gone()
    return here.sha256
  }
  const found = await hashThere(host, source.path, length, source.bytes, signal)
  if (found === null) throw gone()
  return found
}

/** How many bytes of a file here are the beginning of the source: all of them, or none. */
export async function believedBytes(host: Host, source: FileStat, path: string, signal: AbortSignal): Promise<number> {
  const there = await lstat(path).catch(() => null)
  if (there === null || !there.isFile() || there.size === 0 || there.size > source.bytes) return 0
  const [local, remote] = await Promise.all([
    sha256Plain(path, signal, there.size),
    hashOnHost(host, source, there.size, signal),
  ])
  return local?.bytes === there.size && local.sha256 === remote ? there.size : 0
}

/**
 * How many bytes of an earlier copy are the beginning of the source, which grew since, as logs do: put into the `.part`,
 * so that only the rest has to come. None when the copy is not a beginning of it.
 */
export async function grownBytes(
  host: Host,
  source: FileStat,
  copy: string,
  part: string,
  signal: AbortSignal,
): Promise<number> {
  const bytes = await believedBytes(host, source, copy, signal)
  if (bytes === 0) return 0
  await removeIfThere(part)
  // Where the file system can share blocks this takes no room and no time.
  await copyFile(copy, part, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  await chmod(part, 0o600)
  if ((await lstat(part)).size === bytes) return bytes
  await removeIfThere(part)
  return 0
}
