import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as freeDisk } from '../../../recipes/free-disk.ts'
import { recipe as rescueDisk } from '../../../recipes/rescue-disk.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { busyboxPrograms, isRoot, type ShelfBox, startShelfBox, treeHash } from './shelf.ts'

const mebibyte = 1024 * 1024

describe.skipIf(needsSshd().skip || !isRoot)('recipes that make room on a full disk', () => {
  let box: ShelfBox
  beforeAll(async () => {
    box = await startShelfBox()
  })
  afterAll(() => box?.close())

  /** Written `minutes` ago. */
  const put = (path: string, bytes: number, minutes: number) => {
    writeFileSync(path, Buffer.alloc(bytes, 7))
    const at = Date.now() / 1000 - minutes * 60
    utimesSync(path, at, at)
  }
  /** A disk that is full, with everything on it that must not be touched beside what may go. */
  const full = (name: string) => {
    const disk = box.disk(name, 8 * mebibyte, 500)
    const run = join(disk, "it's\nhere -rf")
    mkdirSync(join(run, 'units/u1'), { recursive: true })
    put(join(run, 'epoch-1.pt'), mebibyte, 300)
    put(join(run, '-rf *.pt'), mebibyte / 2, 250)
    put(join(run, 'new\nline.pt'), mebibyte / 2, 240)
    put(join(run, 'epoch-2.pt'), mebibyte / 2, 200)
    put(join(run, 'epoch-3.pt'), mebibyte / 2, 100)
    put(join(run, 'model_best.pt'), mebibyte / 2, 290)
    put(join(run, 'open.pt'), mebibyte / 2, 280)
    put(join(run, 'left.tmp'), mebibyte / 4, 500)
    put(join(run, 'fresh.tmp'), 1000, 1)
    put(join(run, 'notes.txt'), 1000, 900)
    put(join(run, 'named-twice.pt'), 1000, 290)
    linkSync(join(run, 'named-twice.pt'), join(run, 'second name'))
    // No name says here which one is the best: a link does.
    const linked = join(disk, 'linked')
    mkdirSync(linked)
    for (const [n, minutes] of [400, 300, 200].entries()) put(join(linked, `e${n}.ckpt`), 1000, minutes)
    symlinkSync('e1.ckpt', join(linked, 'best.ckpt'))
    const doubtful = join(disk, 'doubtful')
    mkdirSync(doubtful)
    for (const n of [1, 2]) put(join(doubtful, `step-${n}.pt`), 1000, 500)
    // A run of kx, whose results nobody has seen verified.
    const kx = join(disk, 'kx-run')
    mkdirSync(join(kx, 'units/u1'), { recursive: true })
    writeFileSync(join(kx, 'plan.env'), 'run_id=x\n')
    writeFileSync(join(kx, 'artifacts.list'), '1 1 loose units/*.pt\n')
    put(join(kx, 'units/u1/best.pt'), 1000, 300)
    put(join(kx, 'units/u1/a.pt'), 1000, 300)
    put(join(kx, 'units/u1/b.pt'), 1000, 200)
    // Behind a link, outside.
    const outside = join(box.folder, `${name}-outside`)
    mkdirSync(outside)
    put(join(outside, 'best.pt'), 1000, 500)
    put(join(outside, 'old.pt'), 1000, 500)
    put(join(outside, 'newer.pt'), 1000, 400)
    symlinkSync(outside, join(run, 'more'))
    try {
      for (let n = 0; ; n += 1) writeFileSync(join(disk, `filler-${n}`), Buffer.alloc(256 * 1024))
    } catch {
      // Full, as it should be.
    }
    return { disk, run, outside, linked, doubtful, kx }
  }

  it('free-disk removes what its dry run listed and nothing else', async () => {
    const { disk, run, outside, linked } = full('full')
    const holder = box.holdOpen(join(run, 'open.pt'))
    await waitUntil(() => existsSync(`/proc/${holder}/fd/0`), { what: 'the holder' })
    const before = [treeHash(disk), treeHash(outside)]
    await box.with(freeDisk, { parameters: { folder: disk } }, async (bench) => {
      const plan = await bench.plan('prune')
      expect([treeHash(disk), treeHash(outside)]).toEqual(before)
      const expected = ['epoch-1.pt', '-rf *.pt', 'new\nline.pt', 'epoch-2.pt', 'left.tmp'].map((name) =>
        join(run, name),
      )
      expect(plan.change).toBe('yes')
      expect([...(plan.targets ?? [])].sort()).toEqual([...expected, join(linked, 'e0.ckpt')].sort())
      const lines = plan.lines.join('\n')
      expect(lines).toContain('model_best.pt: a best one')
      expect(lines).toContain('epoch-3.pt: the newest, to go on from')
      expect(lines).toContain('open.pt: a process has it open')
      expect(lines).toContain('named-twice.pt: it has a second name (hard link)')
      expect(lines).toContain('e1.ckpt: a symlink leads to it')
      expect(lines).toContain('fresh.tmp: it was written a moment ago')
      expect(lines).toContain('a.pt: an artifact of a run that is not known to be verified')
      expect(lines).toContain('doubtful: nothing there is called best')
      expect(await bench.probe('prune')).toBe('unknown')

      const kept = readdirSync(disk, { recursive: true }).length
      expect((await bench.run('prune'))?.summary).toMatch(/^6 files removed, 2\.\d+ MiB more free, 6 more inodes free$/)
      expect(readdirSync(disk, { recursive: true }).length).toBe(kept - 6)
      for (const path of expected) expect(existsSync(path)).toBe(false)
      expect(treeHash(outside)).toBe(before[1])
      expect(await bench.probe('prune')).toBe('done')
      // What is left is only what cannot be decided: that is not the same as nothing to do.
      expect(await bench.plan('prune')).toMatchObject({ change: 'unknown', targets: [] })
      expect((await bench.run('prune'))?.summary).toBe('nothing may be removed here')
    })
    await box.with(freeDisk, { parameters: { folder: disk, best: ['step-1.pt'] } }, async (bench) => {
      expect(await bench.plan('prune')).toMatchObject({ change: 'no' })
    })
  })

  it('free-disk says unknown where it cannot look', async () => {
    await box.with(freeDisk, { parameters: { folder: join(box.folder, 'nowhere') } }, async (bench) => {
      expect(await bench.plan('prune')).toMatchObject({
        change: 'unknown',
        lines: [expect.stringContaining('no folder')],
      })
    })
    await box.with(freeDisk, { parameters: { folder: '/' } }, async (bench) => {
      expect((await bench.plan('prune')).change).toBe('unknown')
    })
    await box.with(freeDisk, {}, async (bench) => {
      expect((await bench.plan('prune')).lines.join()).toContain('No folder was given')
    })
  })

  it('free-disk finds the same with busybox', async () => {
    const { disk } = full('busy')
    const before = treeHash(disk)
    const bin = busyboxPrograms(box.folder)
    await box.with(freeDisk, { parameters: { folder: disk }, env: { PATH: bin } }, async (bench) => {
      const plan = await bench.plan('prune')
      expect([plan.change, plan.targets?.length, treeHash(disk)]).toEqual(['yes', 7, before])
      expect((await bench.run('prune'))?.summary).toContain('7 files removed')
      expect(await bench.probe('prune')).toBe('done')
    })
  })

  it('rescue-disk makes room, holds it against the need, and only then launches again', async () => {
    const { disk } = full('rescue')
    const asked: string[] = []
    const units = [
      { id: 'u1', state: 'done' },
      { id: 'u2', state: 'failed' },
    ]
    const kx = async (id: string) => {
      asked.push(id)
      return { exitCode: 0, summary: 'Went on', data: null }
    }
    await box.with(
      rescueDisk,
      { parameters: { folder: disk, needGib: 1, needInodes: 10 }, run: { units }, kx },
      async (bench) => {
        expect((await bench.run('look'))?.summary).toContain('free')
        expect(await bench.plan('requeue')).toMatchObject({ change: 'unknown' })
        expect(await bench.when('prune')).toBe(true)
        expect((await bench.run('prune'))?.summary).toContain('7 files removed')
        await expect(bench.run('room')).rejects.toThrow(/not enough room.*short of 1 GiB/)
        expect(asked).toEqual([])
      },
    )
    await box.with(
      rescueDisk,
      { parameters: { folder: disk, needGib: 0.001, needInodes: 10 }, run: { units }, kx },
      async (bench) => {
        expect(await bench.when('prune')).toContain('there is room')
        expect((await bench.run('room'))?.summary).toContain('enough')
        expect(await bench.plan('requeue')).toMatchObject({ change: 'yes', targets: ['u2'] })
        expect(await bench.run('requeue')).toEqual({ summary: 'Went on' })
        expect(asked).toEqual(['launch.start'])
      },
    )
  })
})
