import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bareEnvironment } from '../host/child-environment.ts'
import { syncFolder } from './local-store.ts'

/** Files are small and many: a call costs more than its work, so they are handled in turns of so long without a pause. */
const turnMilliseconds = 8

/** Acts on each of many things and lets others have the thread in between. */
export async function inTurns<T>(things: Iterable<T>, signal: AbortSignal, act: (thing: T) => void): Promise<void> {
  let until = performance.now() + turnMilliseconds
  for (const thing of things) {
    act(thing)
    if (performance.now() < until) continue
    await new Promise((resolve) => setImmediate(resolve))
    signal.throwIfAborted()
    until = performance.now() + turnMilliseconds
  }
}

/** A new file with these bytes, all of them: what lies there by that name must have been taken away. */
export function writeSmall(path: string, bytes: Uint8Array): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
  try {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(file, bytes, done, bytes.byteLength - done)
  } finally {
    closeSync(file)
  }
}

/** SHA-256 from a fresh opening, of a plain file of exactly this size; null when there is none. */
export function hashSmall(path: string, bytes: number): string | null {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR') return null
    throw error
  }
  try {
    const stat = fstatSync(file)
    if (!stat.isFile() || stat.size !== bytes) return null
    const buffer = Buffer.allocUnsafe(bytes)
    let at = 0
    while (at < bytes) {
      const read = readSync(file, buffer, at, bytes - at, at)
      if (read === 0) return null
      at += read
    }
    return createHash('sha256').update(buffer).digest('hex')
  } finally {
    closeSync(file)
  }
}

export function dropSmall(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

export const renameSmall = (from: string, to: string): void => renameSync(from, to)

/**
 * Makes many files durable, and their names: by one sync of their file system where the system has that, else each file
 * and each folder by its own.
 */
export async function makeDurable(root: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) return
  if (paths.length > 4 && (await syncFileSystem(root))) return
  for (const path of paths) {
    const file = await open(path, 'r')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
  for (const folder of new Set(paths.map((path) => dirname(path)))) await syncFolder(folder)
}

/** `sync -f` of coreutils is syncfs(2), which Node does not have; another `sync` refuses the option. */
const syncFileSystem = (root: string) =>
  new Promise<boolean>((resolve) => {
    execFile('sync', ['-f', '--', root], { timeout: 600_000, env: bareEnvironment() }, (error) =>
      resolve(error === null),
    )
  })
