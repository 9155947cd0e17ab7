import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { AppendLock } from '../../../src/run/append-lock.ts'
import { openRun } from '../../../src/run/handle.ts'
import { isStillThere, thisProcess } from '../../../src/run/process-identity.ts'
import { newRun, temporaryFolder } from './support.ts'

describe('append lock', () => {
  it('says that somebody sits on it, with the event loop running meanwhile', async () => {
    const { run, options } = await newRun()
    await run.close()
    const second = await openRun(run.folder, { ...options, lockTimeoutMs: 80 })
    const holder = new DatabaseSync(join(run.folder, 'journal.lock'))
    holder.exec('BEGIN IMMEDIATE')
    let turns = 0
    const counter = setInterval(() => {
      turns += 1
    }, 1)
    await expect(second.append('note', { text: 'x' })).rejects.toMatchObject({ code: 'busy' })
    clearInterval(counter)
    expect(turns).toBeGreaterThan(1)
    const waiting = second.append('note', { text: 'y' })
    holder.exec('ROLLBACK')
    expect((await waiting).sequence).toBe(2)
    holder.close()
    await second.close()
  })

  it('undoes what its body wrote when the body fails, and is free again', async () => {
    const lock = new AppendLock(join(temporaryFolder(), 'lock'))
    await expect(
      lock.run(() => {
        lock.setFence(7)
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await lock.run(() => lock.fence())).toBe(0)
    lock.close()
  })

  it('forgets writers that are gone', async () => {
    const path = join(temporaryFolder(), 'lock')
    const lock = new AppendLock(path)
    await lock.run(() => lock.addWriter('a'))
    expect(await lock.run(() => lock.otherWriters('b'))).toHaveLength(1)
    const raw = new DatabaseSync(path)
    raw.exec('UPDATE writer SET start_ticks = start_ticks + 1')
    raw.close()
    expect(await lock.run(() => lock.otherWriters('b'))).toEqual([])
    lock.close()
  })

  it('names a lock file that is none', () => {
    const path = join(temporaryFolder(), 'lock')
    writeFileSync(path, 'not a database, and long enough to be seen as something else entirely')
    expect(() => new AppendLock(path)).toThrow(/lock file .* cannot be used/)
  })
})

describe('process identity', () => {
  it('tells this process from another one with its number, another boot, another machine', () => {
    const me = thisProcess()
    expect(isStillThere(me)).toBe(true)
    expect(isStillThere({ ...me, startTicks: me.startTicks + 1 })).toBe(false)
    expect(isStillThere({ ...me, bootId: 'before' })).toBe(false)
    expect(isStillThere({ ...me, bootId: 'other', hostname: 'elsewhere' })).toBe(true)
  })
})

describe('a reader of the lock file', () => {
  it('does not keep an append from ending, and a change waits for it', async () => {
    const { run, options } = await newRun()
    const reader = new DatabaseSync(join(run.folder, 'journal.lock'))
    reader.exec('BEGIN; SELECT * FROM fence')
    reader.prepare('SELECT * FROM fence').all()
    expect((await run.append('note', { text: 'x' })).sequence).toBe(2)
    let isOpen = false
    const opening = openRun(run.folder, options).then((second) => {
      isOpen = true
      return second
    })
    await run.refresh()
    expect(isOpen).toBe(false)
    reader.exec('COMMIT')
    await (await opening).close()
    reader.close()
    await run.close()
  })
})
