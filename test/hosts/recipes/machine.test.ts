import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as capThreads } from '../../../recipes/cap-threads.ts'
import { recipe as chinaMirrors } from '../../../recipes/china-mirrors.ts'
import { recipe as hostMemory } from '../../../recipes/host-memory.ts'
import { recipe as noisyNeighbour } from '../../../recipes/noisy-neighbour.ts'
import { cpuUse, judgeNeighbour, parseOwnCpu } from '../../../src/recipe/shelf/neighbour.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { type ShelfBox, startShelfBox, treeHash } from './shelf.ts'

describe.skipIf(needsSshd().skip)('recipes about memory, processors and mirrors', () => {
  let box: ShelfBox
  let mirror: Server
  beforeAll(async () => {
    box = await startShelfBox()
    mirror = createServer((_, answer) => answer.writeHead(403).end())
    await new Promise<void>((resolve) => mirror.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    mirror?.close()
    await box?.close()
  })

  it('host-memory proposes loaders that fit, and never another batch', async () => {
    await box.with(hostMemory, { parameters: { loaderWorkers: 1, batchMib: 0.001, baseMib: 1 } }, async (bench) => {
      expect(await bench.plan('figures')).toMatchObject({ change: 'no' })
      expect((await bench.run('figures'))?.summary).toMatch(
        /^1 loader workers a unit were asked, and up to [\d,\s]+ fit$/,
      )
      expect(bench.output()).toMatch(/kills for want of memory/)
      expect(bench.output()).toMatch(/[KMG]iB process \d+ /)
    })
    await box.with(hostMemory, { parameters: { loaderWorkers: 64, batchMib: 100_000, baseMib: 1 } }, async (bench) => {
      expect((await bench.run('figures'))?.summary).toMatch(
        /64 loader workers a unit were asked, 0 fit into the .*Not the batch size/,
      )
      expect(bench.results.figures?.loaderWorkersThatFit).toBe(0)
    })
    await box.with(hostMemory, { parameters: { units: 64, baseMib: 1_000_000 } }, async (bench) => {
      expect((await bench.run('figures'))?.summary).toContain('Not even without loaders')
    })
  })

  it('noisy-neighbour reads real counters and gives one verdict', async () => {
    await box.with(noisyNeighbour, { parameters: { seconds: 1 } }, async (bench) => {
      expect(await bench.plan('compare')).toMatchObject({ change: 'no' })
      const said = await bench.run('compare').then(
        (done) => done?.summary,
        (error: Error) => error.message,
      )
      expect(said).toMatch(/^(A neighbour|Not a neighbour|No neighbour|It cannot be told)/)
      expect(bench.output()).toMatch(/load: \d/)
      expect(bench.output()).toMatch(/machine busy: \d/)
    })
  })

  it('noisy-neighbour tells neighbour, own quota and own work apart', () => {
    const look = (usedSeconds: number, periods: number, throttled: number, busy: number, stolen: number) =>
      parseOwnCpu(
        `usage ${usedSeconds * 1e6}\nperiods ${periods}\nthrottled ${throttled}\ncpu ${busy} 0 0 ${8000 - busy - stolen} 0 0 0 ${stolen} 0 0\nend\n`,
      )
    const zero = parseOwnCpu('usage 0\nperiods 0\nthrottled 0\ncpu 0 0 0 0 0 0 0 0 0 0\nend\n')
    const probe = {
      cores: { isKnown: true, value: 8 },
      load: { isKnown: true, value: [400, 390, 380] },
    } as const
    const verdict = (after: ReturnType<typeof look>) =>
      judgeNeighbour({ probe, use: cpuUse(zero, after, 10), oomKills: 0 })
    expect(verdict(look(10, 100, 0, 7900, 0))).toMatchObject({
      kind: 'neighbour',
      text: expect.stringContaining('others use 6.9 of 8 cores'),
    })
    expect(verdict(look(78, 100, 0, 7900, 0)).kind).toBe('own-work')
    expect(verdict(look(10, 100, 80, 7900, 0)).kind).toBe('own-quota')
    expect(verdict(look(10, 100, 0, 1000, 4000)).kind).toBe('neighbour')
    expect(verdict(look(5, 100, 0, 600, 0)).kind).toBe('quiet')
    expect(verdict(parseOwnCpu('usage 5\ncpu 1 2 3')).kind).toBe('unknown')
  })

  it('cap-threads sets what the next units get, and takes it back', async () => {
    const run = join(box.folder, "run's folder")
    mkdirSync(join(run, 'env'), { recursive: true })
    writeFileSync(join(run, 'env/OMP_NUM_THREADS'), '128')
    writeFileSync(join(run, 'env/MY_OWN'), 'kept')
    await box.with(capThreads, { folder: run, parameters: { threads: 3 } }, async (bench) => {
      // Not a run of kx yet.
      expect((await bench.plan('set')).change).toBe('unknown')
      writeFileSync(join(run, 'plan.env'), 'run_id=x\n')
      const before = treeHash(run)
      const plan = await bench.plan('set')
      expect([plan.change, plan.targets?.length, treeHash(run)]).toEqual(['yes', 6, before])
      expect((await bench.run('set'))?.summary).toContain('3 threads')
      expect(readFileSync(join(run, 'env/OMP_NUM_THREADS'), 'utf8')).toBe('3')
      expect(readFileSync(join(run, 'env/MKL_NUM_THREADS'), 'utf8')).toBe('3')
      expect(await bench.probe('set')).toBe('done')
      await bench.undo('set')
      expect(readFileSync(join(run, 'env/OMP_NUM_THREADS'), 'utf8')).toBe('128')
      expect(existsSync(join(run, 'env/MKL_NUM_THREADS'))).toBe(false)
      expect(readFileSync(join(run, 'env/MY_OWN'), 'utf8')).toBe('kept')
      expect(await bench.probe('set')).toBe('not-done')
      await bench.run('set')
      expect(await bench.plan('set')).toMatchObject({ change: 'no', targets: [] })
    })
    await box.with(capThreads, { folder: run, run: { plan: { resources: { workers: 1000 } } } }, async (bench) => {
      expect((await bench.plan('set')).lines[0]).toMatch(
        /^1 threads for each unit \([\d.]+ usable cores \/ 1000 workers\)$/,
      )
    })
  })

  it('china-mirrors writes one block that a login reads, and takes exactly that out again', async () => {
    const { port } = mirror.address() as AddressInfo
    const mirrors = {
      HF_ENDPOINT: `http://127.0.0.1:${port}/it's`,
      PIP_INDEX_URL: 'http://127.0.0.1:1/simple',
      HF_HUB_DISABLE_XET: '1',
      'BAD NAME': 'x',
    }
    const { home } = box.sshd
    const rc = join(home, '.bashrc')
    writeFileSync(rc, '# mine\ncase $- in *i*) ;; *) return ;; esac\n', { mode: 0o600 })
    await box.with(chinaMirrors, { parameters: { probeSeconds: 2 } }, async (bench) => {
      expect(await bench.plan('write')).toMatchObject({
        change: 'no',
        lines: ['the profile generic-ssh names no mirror'],
      })
    })
    await box.with(chinaMirrors, { mirrors, parameters: { probeSeconds: 2 } }, async (bench) => {
      const before = treeHash(home)
      const plan = await bench.plan('write')
      expect(plan).toMatchObject({ change: 'yes', targets: [join(home, '.profile'), rc] })
      expect(plan.lines.join('\n')).toContain('PIP_INDEX_URL: http://127.0.0.1:1/simple does not answer from the host')
      expect(treeHash(home)).toBe(before)
      await bench.run('write')
      const read = await box.host.script(
        '. "$HOME/.profile"; printf "%s|%s|%s" "$HF_ENDPOINT" "$HF_HUB_DISABLE_XET" "${PIP_INDEX_URL-none}"',
        [],
      )
      expect(new TextDecoder().decode(read.stdout)).toBe(`http://127.0.0.1:${port}/it's|1|none`)
      expect(readFileSync(rc, 'utf8')).toMatch(/^# kx mirrors begin\n[\s\S]*# kx mirrors end\n# mine\n/)
      expect(await bench.probe('write')).toBe('done')
      expect(await bench.plan('write')).toMatchObject({ change: 'no', targets: [] })
      await bench.undo('write')
      expect(readFileSync(rc, 'utf8')).toBe('# mine\ncase $- in *i*) ;; *) return ;; esac\n')
      expect(existsSync(join(home, '.profile'))).toBe(false)
      // What else was written since stays, and nothing of the file is kept by kx.
      await bench.run('write')
      writeFileSync(rc, `${readFileSync(rc, 'utf8')}export TOKEN=canary\n`)
      expect(statSync(rc).mode & 0o777).toBe(0o600)
      await bench.undo('write')
      expect(readFileSync(rc, 'utf8')).toBe('# mine\ncase $- in *i*) ;; *) return ;; esac\nexport TOKEN=canary\n')
      expect(JSON.stringify(bench.results)).not.toContain('mine')
      writeFileSync(rc, '# kx mirrors begin\nedited by hand\n')
      expect((await bench.plan('write')).change).toBe('unknown')
    })
  })
})
