import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { codeOf, RunError } from './errors.ts'
import { failpoint } from './failpoints.ts'

export const folderMode = 0o700
export const fileMode = 0o600

/** Magic numbers of statfs for file systems on which a lock cannot be trusted: NFS, SMB, CIFS, SMB2, 9p, Ceph, AFS. */
const networkFileSystems = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x01021997, 0x00c36400, 0x5346414f])

/** Makes a folder and its missing parents, 0700 whatever the umask is. Existing folders are left as they are. */
export function makeFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: folderMode })
}

/** Makes a rename or a new file in this folder last. A failing fsync is thrown, never retried (handbook reliability 3.2). */
export function fsyncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/**
 * Replaces a file whole or not at all: temp beside it, fsync, rename, fsync of the folder (handbook reliability 3.1:
 * 0 of 100 torn). `points` is the prefix of its failpoints.
 */
export function writeAtomic(path: string, bytes: Uint8Array | string, points = 'file', isDurable = true): void {
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`)
  const fd = openSync(temp, 'wx', fileMode)
  try {
    try {
      fchmodSync(fd, fileMode)
      failpoint(`${points}.temp-opened`)
      writeAll(fd, typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
      failpoint(`${points}.temp-written`)
      if (isDurable) fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    failpoint(`${points}.temp-synced`)
    renameSync(temp, path)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  }
  failpoint(`${points}.renamed`)
  if (isDurable) fsyncFolder(dirname(path))
}

/** Writes every byte; a short write is continued, as for any file that nobody else appends to. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0
  while (done < bytes.byteLength) done += writeSync(fd, bytes, done)
}

/** Removes temp files that a killed process left in this folder, if there is one. Returns how many. */
export function sweepTemps(folder: string): number {
  if (!existsSync(folder)) return 0
  let swept = 0
  for (const name of readdirSync(folder)) {
    const pid = /^\..+\.(\d+)\.[0-9a-f]{8}\.tmp$/.exec(name)?.[1]
    if (pid === undefined || isPidThere(Number(pid))) continue
    rmSync(join(folder, name), { force: true })
    swept += 1
  }
  return swept
}

/** True when a process with this number exists. Numbers are reused: only good enough for leaving a temp file alone. */
export function isPidThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Refuses what others could have changed: symlinked, foreign or group- or world-writable folders. */
export function checkFolder(path: string): void {
  const stat = lstatSync(path)
  if (!stat.isDirectory()) throw new RunError('suspect', `${path} is not a folder.`, 'Move it away and try again.')
  const uid = process.getuid?.()
  if (uid !== undefined && stat.uid !== uid)
    throw new RunError('suspect', `${path} belongs to user ${stat.uid}, not to you.`, 'Open a run of your own.')
  if ((stat.mode & 0o022) !== 0)
    throw new RunError(
      'suspect',
      `${path} can be written by other users (mode ${(stat.mode & 0o777).toString(8)}).`,
      `Look at what is in it, then run: chmod 700 '${path}'`,
    )
}

/** Locks on network file systems do not hold, so nothing is written there (handbook reliability 3.3 and 4). */
export function refuseNetworkFileSystem(path: string): void {
  let type: number
  try {
    type = statfsSync(path).type
  } catch {
    return
  }
  if (networkFileSystems.has(type >>> 0))
    throw new RunError(
      'io',
      `${path} lies on a network file system, where the append lock cannot be trusted.`,
      'Put the project on a local disk of this machine.',
    )
}

/** Code of the system when nothing may be made in this folder; null when that is not the trouble. */
export function whyNotWritable(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK)
    return null
  } catch (error) {
    return codeOf(error)
  }
}
