import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as freeInodes } from '../../../recipes/free-inodes.ts'
import { recipe as moveCaches } from '../../../recipes/move-caches.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { busyboxPrograms, isRoot, type ShelfBox, startShelfBox, treeHash } from './shelf.ts'

const put = (path: string, content: string | Buffer, minutes = 500) => {
  writeFileSync(path, content)
  const at = Math.floor(Date.now() / 1000) - minutes * 60
  utimesSync(path, at, at)
}

describe.skipIf(needsSshd().skip || !isRoot)('recipes about inodes and caches', () => {
  let box: ShelfBox
  let bin: string
  beforeAll(async () => {
    box = await startShelfBox()
    bin = busyboxPrograms(box.folder)
  })
  afterAll(() => box?.close())

  /** A disk on which not one more file can be made, with small files of finished and unfinished work. */
  const exhausted = (name: string) => {
    const disk = box.disk(name, 8 * 1024 * 1024, 200)
    const many = join(disk, 'samples -x')
    const run = join(disk, 'run')
    for (const folder of [many, join(run, 'units/u1/out'), join(run, 'units/u2/out')])
      mkdirSync(folder, { recursive: true })
    for (let n = 0; n < 20; n += 1) put(join(many, `-s ${n}'\n.json`), `{"n": ${n}}`)
    put(join(many, 'best.json'), 'the best')
    put(join(many, 'fresh.json'), 'x', 1)
    put(join(many, 'big.bin'), Buffer.alloc(400 * 1024))
    writeFileSync(join(run, 'plan.env'), '')
    writeFileSync(join(run, 'artifacts.list'), '1 1 plain units/*/out/result-*.json\n')
    for (const unit of ['u1', 'u2'])
      for (let n = 0; n < 6; n += 1) {
        put(join(run, `units/${unit}/out/sample-${n}.txt`), `${unit} ${n}`)
        put(join(run, `units/${unit}/out/result-${n}.json`), '{}')
      }
    try {
      for (let n = 0; ; n += 1) writeFileSync(join(disk, `filler-${n}`), '')
    } catch {
      // Not one inode is left.
    }
    expect(statfsSync(disk).ffree).toBe(0)
    return { disk, many, run }
  }
  const contents = (folder: string) =>
    Object.fromEntries(
      readdirSync(folder)
        .sort()
        .map((name) => [name, [readFileSync(join(folder, name), 'latin1'), lstatSync(join(folder, name)).mtimeMs]]),
    )

  for (const kind of ['the usual programs', 'busybox'])
    it(`free-inodes packs finished small files where not one inode is left, and unpacks them, with ${kind}`, async () => {
      const env = kind === 'busybox' ? { env: { PATH: bin } } : {}
      const { disk, many, run } = exhausted(`inodes-${kind.length}`)
      const units = [
        { id: 'u1', state: 'done' },
        { id: 'u2', state: 'running' },
      ]
      const options = {
        parameters: { folder: disk, atLeastFiles: 5 },
        folder: run,
        run: { units, boxFolder: run },
        ...env,
      }
      await box.with(freeInodes, options, async (bench) => {
        const before = treeHash(disk)
        const was = [contents(many), contents(join(run, 'units/u1/out'))]
        const plan = await bench.plan('pack')
        expect(plan.change).toBe('yes')
        // Twenty samples and the six of the unit that is done; no result, nothing of the running one, not the fillers.
        expect(plan.targets?.filter((path) => path.startsWith(many)).length).toBe(20)
        expect(plan.targets?.filter((path) => path.includes('/u1/out/sample-')).length).toBe(6)
        expect(plan.targets?.length).toBe(26)
        expect(treeHash(disk)).toBe(before)
        expect((await bench.run('pack'))?.summary).toMatch(/^25 files packed into 2 shards, .* 23 more inodes free$/)
        expect(bench.output()).toContain('no inode was free')
        expect(bench.output()).toContain('is back')
        expect(readdirSync(many).filter((name) => name.startsWith('kx-packed-')).length).toBe(1)
        for (const name of ['best.json', 'fresh.json', 'big.bin']) expect(existsSync(join(many, name))).toBe(true)
        expect(readdirSync(join(run, 'units/u2/out')).length).toBe(12)
        expect(await bench.probe('pack')).toBe('done')
        expect(await bench.plan('pack')).toMatchObject({ change: 'no', targets: [] })
        // A shard takes an inode until all of it is out again, and that one is what is missing now.
        await expect(bench.undo('pack')).rejects.toThrow(/Not unpacked: .*no-room/)
        for (const n of [0, 1, 2]) rmSync(join(disk, `filler-${n}`))
        expect((await bench.undo('pack'))?.summary).toBe('2 shards unpacked')
        expect([contents(many), contents(join(run, 'units/u1/out'))]).toEqual(was)
      })
    })

  it('move-caches leaves a link, and brings everything back', async () => {
    const { home } = box.sshd
    const data = box.disk('data', 16 * 1024 * 1024, 500)
    const hub = join(home, '.cache/huggingface')
    mkdirSync(join(hub, 'blobs'), { recursive: true })
    put(join(hub, 'blobs/abc'), Buffer.alloc(200_000, 5))
    put(join(hub, "blobs/-it's\na name"), 'x')
    symlinkSync('blobs/abc', join(hub, 'model.bin'))
    const pip = join(home, '.cache/pip')
    mkdirSync(pip)
    put(join(pip, 'wheel'), 'w')
    const elsewhere = join(box.folder, 'torch-elsewhere')
    mkdirSync(elsewhere)
    symlinkSync(elsewhere, join(home, '.cache/torch'))
    const holder = box.holdOpen(join(pip, 'wheel'))
    await waitUntil(() => existsSync(`/proc/${holder}/fd/0`), { what: 'the holder' })
    const tiers = [
      { id: 'data', purpose: 'data', path: data, survives: { reboot: 'survives', stop: 'survives', destroy: 'lost' } },
    ] as const
    await box.with(moveCaches, { tiers }, async (bench) => {
      const before = [treeHash(home), treeHash(data)]
      const plan = await bench.plan('move')
      expect(plan).toMatchObject({ change: 'yes', targets: [hub] })
      expect(plan.lines.join('\n')).toContain(`${pip}: a process has files of it open`)
      expect(plan.lines.join('\n')).toContain('torch: a symlink')
      expect([treeHash(home), treeHash(data)]).toEqual(before)
      const was = contents(join(hub, 'blobs'))
      expect((await bench.run('move'))?.summary).toMatch(/^1 cache moved/)
      expect(readlinkSync(hub).startsWith(`${data}/kx-caches/`)).toBe(true)
      expect(readFileSync(join(hub, 'model.bin')).byteLength).toBe(200_000)
      expect(contents(join(hub, 'blobs'))).toEqual(was)
      expect(readdirSync(join(home, '.cache')).sort()).toEqual(['huggingface', 'pip', 'torch'])
      expect(await bench.probe('move')).toBe('done')
      expect(await bench.plan('move')).toMatchObject({ change: 'no', targets: [] })
      expect((await bench.undo('move'))?.summary).toBe('1 cache moved back')
      expect(lstatSync(hub).isDirectory()).toBe(true)
      expect(contents(join(hub, 'blobs'))).toEqual(was)
      expect(readdirSync(join(data, 'kx-caches'))).toEqual([])
    })
    await box.with(moveCaches, { parameters: { target: join(home, 'same-disk') } }, async (bench) => {
      expect(await bench.plan('move')).toMatchObject({ change: 'no', targets: [] })
    })
    await box.with(moveCaches, {}, async (bench) => {
      expect((await bench.plan('move')).change).toBe('unknown')
    })
  })
})
