import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as bootstrapUv } from '../../../recipes/bootstrap-uv.ts'
import { recipe as syncEnvironment } from '../../../recipes/sync-environment.ts'
import { recipe as weekly } from '../../../recipes/weekly-housekeeping.ts'
import { plannedEnvironment } from '../../../src/environment/place.ts'
import { syncStep } from '../../../src/environment/service.ts'
import { syncSteps } from '../../../src/environment/types.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import { contextWith } from '../../unit/audit/support.ts'
import { busyboxPrograms, isRoot, type ShelfBox, startShelfBox, treeHash } from './shelf.ts'

const six = `six==1.17.0 \\
    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274 \\
    --hash=sha256:ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81
`

/** Packages come from the index for real: without it there is nothing to show. */
async function hasIndex(): Promise<boolean> {
  try {
    if ((await fetch('https://pypi.org/simple/six/', { signal: AbortSignal.timeout(15_000) })).ok) return true
  } catch {
    // Said below.
  }
  const reason = 'the package index does not answer: uv cannot be brought for real'
  if (process.env.CI === 'true' || process.env.KX_REQUIRE_TOOLS === '1') throw new Error(reason)
  console.warn(`skipped: ${reason}`)
  return false
}

const index = needsSshd().skip ? false : await hasIndex()

const put = (path: string, days: number) => {
  writeFileSync(path, Buffer.alloc(5000, 1))
  const at = Math.floor(Date.now() / 1000) - days * 86_400
  utimesSync(path, at, at)
}

describe.skipIf(needsSshd().skip)('recipes of every week and of a new machine', () => {
  let box: ShelfBox
  beforeAll(async () => {
    // What this machine needs to reach the index, the box needs too.
    const passed = Object.entries(process.env).filter(([name]) =>
      /^(?:PIP_|UV_|SSL_CERT_|REQUESTS_CA_|HTTPS?_PROXY|https?_proxy)/.test(name),
    )
    box = await startShelfBox({ env: Object.fromEntries(passed) as Record<string, string> })
  })
  afterAll(() => box?.close())

  it.skipIf(!isRoot)('weekly-housekeeping removes old cached files alone, and names old runs', async () => {
    const { home } = box.sshd
    const data = join(box.folder, 'data')
    const pip = join(home, '.cache/pip')
    const hub = join(home, '.cache/huggingface')
    for (const folder of [pip, join(hub, 'blobs'), join(data, 'old/units'), join(data, 'new')])
      mkdirSync(folder, { recursive: true })
    put(join(pip, '-rf old\nwheel'), 20)
    put(join(pip, 'young'), 3)
    put(join(pip, 'open'), 20)
    put(join(hub, 'blobs/used'), 90)
    put(join(hub, 'blobs/left over'), 90)
    symlinkSync('blobs/used', join(hub, 'model.bin'))
    for (const [name, days] of [
      ['old', 40],
      ['new', 2],
    ] as const) {
      put(join(data, name, 'plan.env'), days)
      put(join(data, name, 'artifacts.list'), days)
    }
    put(join(data, 'old/units/result.json'), 40)
    const holder = box.holdOpen(join(pip, 'open'))
    await waitUntil(() => existsSync(`/proc/${holder}/fd/0`), { what: 'the holder' })
    const tiers = [
      { id: 'data', purpose: 'data', path: data, survives: { reboot: 'survives', stop: 'survives', destroy: 'lost' } },
    ] as const
    // Reading a file would be a use of it.
    const cached = () =>
      readdirSync(join(home, '.cache'), { recursive: true }).map((name) => {
        const { mtimeMs, size } = lstatSync(join(home, '.cache', String(name)))
        return [name, mtimeMs, size]
      })
    await box.with(weekly, { tiers }, async (bench) => {
      const before = [cached(), treeHash(data)]
      expect(await bench.plan('caches')).toMatchObject({
        change: 'yes',
        targets: [join(pip, '-rf old\nwheel'), join(hub, 'blobs/left over')],
      })
      expect((await bench.run('room'))?.summary).toBe('1 of 1 tier could be measured')
      expect([cached(), treeHash(data)]).toEqual(before)
      expect((await bench.run('caches'))?.summary).toMatch(/^2 cached files removed/)
      for (const path of [join(pip, 'young'), join(pip, 'open'), join(hub, 'blobs/used')])
        expect(existsSync(path)).toBe(true)
      expect(await bench.probe('caches')).toBe('done')
      expect(await bench.plan('caches')).toMatchObject({ change: 'no', targets: [] })
      expect((await bench.run('runs'))?.summary).toBe('1 of 2 runs older than 30 days')
      expect(bench.output()).toContain(`${join(data, 'old')}: launched`)
      expect(treeHash(data)).toBe(before[1])
    })
  })

  it('bootstrap-uv says unknown where there is nothing to fetch it with', async () => {
    const env = { PATH: busyboxPrograms(box.folder) }
    await box.with(bootstrapUv, { parameters: { folder: join(box.folder, 'nothing') }, env }, async (bench) => {
      expect(await bench.plan('uv')).toMatchObject({ change: 'unknown', targets: [] })
      await expect(bench.run('uv')).rejects.toThrow(/cannot be brought/)
      expect(existsSync(join(box.folder, 'nothing'))).toBe(false)
    })
  })

  it.skipIf(!index)('bootstrap-uv brings it once, sync-environment uses it, and undo takes it away', async () => {
    const ctx = await contextWith({
      host: () => box.host,
      files: { 'requirements.txt': six },
      plan: { command: ['python', 'train.py'], environment: { kind: 'uv', requirements: 'requirements.txt' } },
    })
    const planned = await plannedEnvironment(ctx)
    if (planned.kind !== 'uv') throw new Error('the plan asks for no packages')
    const { root } = planned.place
    await box.with(bootstrapUv, { parameters: { folder: root } }, async (bench) => {
      const first = await bench.plan('uv')
      expect(first).toMatchObject({ change: 'yes', targets: [expect.stringContaining(`${root}/uv-`)] })
      expect(existsSync(root)).toBe(false)
      expect(await bench.probe('uv')).toBe('not-done')
      expect((await bench.run('uv'))?.summary).toMatch(/^uv \d+\.\d+\.\d+ brought to/)
      expect(await bench.probe('uv')).toBe('done')
      expect(await bench.plan('uv')).toMatchObject({ change: 'no', targets: [] })

      const summaries: string[] = []
      const kx = async (id: string) => {
        expect(id).toBe('environment.sync')
        for (const step of syncSteps) {
          const { summary, exitCode } = await syncStep(ctx, step)
          summaries.push(summary)
          if (exitCode !== 0) return { exitCode, summary, data: null }
        }
        return { exitCode: 0, summary: summaries.at(-1) ?? '', data: null }
      }
      await box.with(syncEnvironment, { run: {}, kx }, async (sync) => {
        expect(await sync.plan('sync')).toMatchObject({ change: 'unknown' })
        expect((await sync.run('sync'))?.summary).toContain('check')
        // The uv of the other recipe is the one that it finds.
        expect(summaries[0]).toContain('as it was')
        summaries.length = 0
        await sync.run('sync')
        expect(summaries.every((each) => each.includes('as it was') || each.startsWith('check'))).toBe(true)
      })
      expect((await bench.undo('uv'))?.summary).toContain('removed')
      expect(await bench.plan('uv')).toMatchObject({ change: 'yes' })
    })
    await box.with(syncEnvironment, {}, async (sync) => {
      expect(await sync.when('sync')).toContain('no run')
    })
  })
})
