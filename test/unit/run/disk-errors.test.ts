import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { diskError, isRunError, RunError } from '../../../src/run/errors.ts'
import { openRun } from '../../../src/run/handle.ts'
import { newRun, steppingClock, temporaryFolder } from './support.ts'

const clock = steppingClock()

const mounts: string[] = []
afterEach(() => {
  for (const path of mounts.splice(0)) execFileSync('umount', [path])
})

/** A disk of its own, where this user may make one. */
function ownDisk(): string {
  const path = join(temporaryFolder(), 'disk')
  mkdirSync(path)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', path])
  mounts.push(path)
  return path
}

const canMount = (() => {
  if (process.getuid?.() !== 0) return false
  try {
    ownDisk()
    return true
  } catch {
    return false
  } finally {
    for (const path of mounts.splice(0)) execFileSync('umount', [path])
  }
})()

const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable('it must be refused'),
    (error: unknown) => error,
  )

describe('a disk that refuses', () => {
  it.each([
    ['EROFS', /mounted read-only/, /copy the project to another disk/],
    ['ENOSPC', /no room is left/, /Free bytes or inodes/],
    ['EDQUOT', /quota is used up/, /quota/],
    ['EACCES', /may not be written/, /who owns it/],
    ['EPERM', /may not be written/, /lsattr/],
    ['EIO', /device reports an error/, /kernel log/],
    ['EMFILE', /EMFILE: too many/, /try again/],
  ])('by %s says what happened, why, and what to do', (code, why, next) => {
    const error = diskError('open', '/p', Object.assign(new Error(`${code}: too many`), { code }))
    expect([error.code, error.message]).toEqual(['io', expect.stringMatching(/^Cannot open \/p: /)])
    expect(error.message).toMatch(why)
    expect(error.message).toMatch(next)
  })

  it('hands on what kx itself refused, and asks the disk where SQLite is not certain', () => {
    const own = new RunError('busy', 'x', 'y')
    expect(diskError('open', '/p', own)).toBe(own)
    const cause = Object.assign(new Error('attempt to write a readonly database'), { errcode: 8 })
    const byLock = new RunError('io', 'The lock failed.', 'Remove it.', { cause })
    expect(diskError('open', '/p', byLock, () => 'EACCES').message).toMatch(/may not be written \(EACCES\)/)
    expect(diskError('open', '/p', byLock).message).toMatch(/read-only \(EROFS\)/)
    const odd = new RunError('io', 'The lock failed.', 'Remove it.', { cause: { errcode: 26 } })
    expect(diskError('open', '/p', odd)).toBe(odd)
  })

  it.skipIf(!canMount)('is told apart when a run is opened, and when one is begun', async () => {
    const disk = ownDisk()
    const { run } = await newRun(disk)
    await run.close()
    const open = () => refusal(openRun(run.folder, { clock }))
    const says = (error: unknown, why: RegExp) => {
      expect(isRunError(error, 'io'), String(error)).toBe(true)
      expect((error as Error).message).toMatch(why)
    }
    execFileSync('mount', ['-o', 'remount,ro', disk])
    says(await open(), /^Cannot open for writing the run in .*mounted read-only \(EROFS\)\. .*copy the project/)
    says(await refusal(newRun(disk)), /^Cannot begin a run in .*mounted read-only \(EROFS\)/)
    execFileSync('mount', ['-o', 'remount,rw', disk])
    // To the last byte: neither a lock file nor a record of who writes has room.
    const filler = join(disk, 'filler')
    expect(() => writeFileSync(filler, Buffer.alloc(2 * 1024 * 1024))).toThrow(/ENOSPC/)
    says(await open(), /^Cannot open for writing the run in .*no room is left \(ENOSPC\)\. Free bytes or inodes/)
    says(await refusal(newRun(disk)), /^Cannot begin a run in .*no room is left \(ENOSPC\)/)
    rmSync(filler)
    const again = await openRun(run.folder, { clock })
    await again.close()
  })

  it.skipIf(process.getuid?.() !== 0)('names a mode that keeps this user out', async () => {
    const { run } = await newRun()
    await run.close()
    process.seteuid?.(65_534)
    try {
      const error = await refusal(openRun(run.folder, { clock }))
      expect(isRunError(error, 'io'), String(error)).toBe(true)
      expect((error as Error).message).toMatch(/may not be written \(EACCES\)\. Look who owns it/)
    } finally {
      process.seteuid?.(0)
    }
  })
})
