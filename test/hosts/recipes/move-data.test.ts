import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as rotateLogs } from '../../../recipes/rotate-logs.ts'
import { recipe as stageData } from '../../../recipes/stage-data.ts'
import { recipe as warmVolume } from '../../../recipes/warm-volume.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { busyboxPrograms, isRoot, type ShelfBox, startShelfBox, treeHash } from './shelf.ts'

const put = (path: string, content: string | Buffer, minutes = 500) => {
  writeFileSync(path, content)
  const at = Math.floor(Date.now() / 1000) - minutes * 60
  utimesSync(path, at, at)
}

describe.skipIf(needsSshd().skip)('recipes that copy, read and pack files', () => {
  let box: ShelfBox
  /** On a box that has the programs of busybox and no others. */
  let busybox: { readonly env: { readonly PATH: string } }
  beforeAll(async () => {
    box = await startShelfBox()
    busybox = { env: { PATH: busyboxPrograms(box.folder) } }
  })
  afterAll(() => box?.close())

  const dataset = (name: string) => {
    const source = join(box.folder, name)
    mkdirSync(join(source, 'a b'), { recursive: true })
    put(join(source, 'a b', '-n'), Buffer.alloc(300_000, 3))
    put(join(source, 'a b', "it's\nnew"), 'x')
    put(join(source, 'top.bin'), Buffer.alloc(100_000, 9))
    symlinkSync('/etc', join(source, 'link'))
    return source
  }

  it('stage-data copies what is missing, and takes back only its own copies', async () => {
    const source = dataset('slow')
    const fast = join(box.folder, 'fast')
    mkdirSync(fast)
    const tiers = [
      { id: 'nvme', purpose: 'scratch', path: fast, survives: { reboot: 'lost', stop: 'lost', destroy: 'lost' } },
    ] as const
    await box.with(stageData, { parameters: { source }, tiers }, async (bench) => {
      const before = [treeHash(source), treeHash(fast)]
      const target = join(fast, 'staged/slow')
      expect(await bench.plan('copy')).toMatchObject({
        change: 'yes',
        targets: [join(target, 'a b/-n'), join(target, "a b/it's\nnew"), join(target, 'top.bin')],
      })
      expect([treeHash(source), treeHash(fast)]).toEqual(before)
      expect(await bench.probe('copy')).toBe('not-done')
      expect((await bench.run('copy'))?.summary).toMatch(/^3 files, .* staged in/)
      expect(readFileSync(join(target, 'a b/-n')).equals(readFileSync(join(source, 'a b/-n')))).toBe(true)
      expect(existsSync(join(target, 'link'))).toBe(false)
      expect(treeHash(source)).toBe(before[0])
      expect(await bench.plan('copy')).toMatchObject({ change: 'no', targets: [] })
      expect(await bench.probe('copy')).toBe('done')

      // One was changed since, one is open: neither is taken back.
      put(join(target, 'top.bin'), 'mine now', 1)
      const holder = box.holdOpen(join(target, "a b/it's\nnew"))
      await waitUntil(() => existsSync(`/proc/${holder}/fd/0`), { what: 'the holder' })
      put(join(target, 'not of kx'), 'kept')
      expect((await bench.undo('copy'))?.summary).toBe('1 of 3 copies removed')
      expect(existsSync(join(target, 'a b/-n'))).toBe(false)
      for (const name of ['top.bin', "a b/it's\nnew", 'not of kx']) expect(existsSync(join(target, name))).toBe(true)
    })
    await box.with(stageData, { parameters: { source, leaveGib: 1_000_000 }, tiers }, async (bench) => {
      expect(await bench.plan('copy')).toMatchObject({
        change: 'unknown',
        lines: [expect.stringContaining('does not fit'), expect.anything(), expect.anything()],
      })
      await expect(bench.run('copy')).rejects.toThrow(/cannot be staged/)
    })
    await box.with(stageData, { parameters: { source, target: join(source, 'inside') } }, async (bench) => {
      mkdirSync(join(source, 'inside'))
      expect((await bench.plan('copy')).change).toBe('unknown')
    })
  })

  it('stage-data does not follow a symlink at its target', async () => {
    const source = dataset('slow2')
    const fast = join(box.folder, 'fast2')
    const elsewhere = join(box.folder, 'elsewhere')
    mkdirSync(fast)
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, join(fast, 'a b'))
    const before = treeHash(elsewhere)
    await box.with(stageData, { parameters: { source, target: fast }, ...busybox }, async (bench) => {
      await expect(bench.run('copy')).rejects.toThrow(/2 files were not copied/)
      expect(treeHash(elsewhere)).toBe(before)
      expect(existsSync(join(fast, 'top.bin'))).toBe(true)
    })
  })

  it('warm-volume reads every byte and writes none', async () => {
    const source = dataset('volume')
    const before = treeHash(source)
    await box.with(warmVolume, { parameters: { folder: source } }, async (bench) => {
      expect(await bench.plan('read')).toMatchObject({
        change: 'no',
        lines: [expect.stringContaining('reads 3 files')],
      })
      expect((await bench.run('read'))?.summary).toMatch(/^3 files, .* read in .*\/s\)$/)
      expect(bench.results.read?.bytes).toBe(400_001)
      expect(treeHash(source)).toBe(before)
    })
    await box.with(warmVolume, { parameters: { folder: join(source, 'nowhere') } }, async (bench) => {
      expect((await bench.plan('read')).change).toBe('unknown')
    })
  })

  it.skipIf(!isRoot)('rotate-logs packs closed logs, and unpacks them as they were', async () => {
    const logs = join(box.folder, 'logs')
    mkdirSync(join(logs, 'kx/units/u1'), { recursive: true })
    const text = 'a line of a log\n'.repeat(5000)
    put(join(logs, '-v old.log'), text)
    put(join(logs, 'second.out'), text)
    put(join(logs, 'open.log'), text)
    put(join(logs, 'fresh.log'), text, 1)
    put(join(logs, 'small.log'), 'x')
    put(join(logs, 'data.bin'), text)
    put(join(logs, 'taken.log'), text)
    put(join(logs, 'taken.log.gz'), 'of somebody else')
    put(join(logs, 'kx/plan.env'), '')
    put(join(logs, 'kx/artifacts.list'), '')
    put(join(logs, 'kx/units/u1/train.log'), text)
    const holder = box.holdOpen(join(logs, 'open.log'))
    await waitUntil(() => existsSync(`/proc/${holder}/fd/0`), { what: 'the holder' })
    await box.with(rotateLogs, { parameters: { folder: logs, largerThanMib: 0.01 }, ...busybox }, async (bench) => {
      const before = treeHash(logs)
      const plan = await bench.plan('pack')
      expect(plan).toMatchObject({
        change: 'yes',
        targets: ['-v old.log', 'second.out', 'taken.log'].map((name) => join(logs, name)),
      })
      expect(treeHash(logs)).toBe(before)
      const old = statSync(join(logs, '-v old.log')).mtimeMs
      expect((await bench.run('pack'))?.summary).toMatch(/^2 logs packed/)
      expect(bench.output()).toContain('taken.log: something else has that name already')
      expect(existsSync(join(logs, '-v old.log'))).toBe(false)
      expect(statSync(join(logs, '-v old.log.gz')).mtimeMs).toBe(old)
      expect(readFileSync(join(logs, 'taken.log.gz'), 'utf8')).toBe('of somebody else')
      for (const name of ['open.log', 'fresh.log', 'small.log', 'data.bin', 'kx/units/u1/train.log'])
        expect(existsSync(join(logs, name))).toBe(true)
      expect((await bench.undo('pack'))?.summary).toBe('2 of 3 logs unpacked')
      // The folder itself has another time now.
      for (const name of ['-v old.log', 'second.out']) {
        expect(readFileSync(join(logs, name), 'utf8')).toBe(text)
        expect(existsSync(join(logs, `${name}.gz`))).toBe(false)
      }
      expect(statSync(join(logs, '-v old.log')).mtimeMs).toBe(old)
    })
  })
})
