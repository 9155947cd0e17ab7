import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { recipe as askPerson } from '../../../recipes/ask-person.ts'
import { recipe as distributedDebug } from '../../../recipes/distributed-debug.ts'
import { recipe as hostIdentity } from '../../../recipes/host-identity.ts'
import { recipe as park } from '../../../recipes/park.ts'
import { recipe as postIncident } from '../../../recipes/post-incident.ts'
import { recipe as profileLoader } from '../../../recipes/profile-loader.ts'
import { recipe as reconnect } from '../../../recipes/reconnect.ts'
import { recipe as resume } from '../../../recipes/resume.ts'
import { recipe as resync } from '../../../recipes/resync.ts'
import { recipe as trackerCheck } from '../../../recipes/tracker-check.ts'
import { judgeFit, recipe as vramFit } from '../../../recipes/vram-fit.ts'
import type { KxAnswer } from '../../../src/recipe/contract.ts'
import { bootId } from '../../harness/prepared-run.ts'
import { benchRecipe } from '../../harness/recipe.ts'
import { recipePlace } from '../../harness/recipe-place.ts'
import { hopTo, tellingHost, trusting } from '../../harness/ssh-host.ts'
import { needsSshd, startSshd } from '../../harness/sshd.ts'

const ok = (summary: string, data: unknown = null): KxAnswer => ({ exitCode: 0, summary, data })
const rebooted = '4194304 1 0d9f6c1e-0000-4000-8000-000000000000'

describe.skipIf(needsSshd().skip)('recipes about links, machines and people', () => {
  const place = recipePlace()

  it('resumes, and sees which unit went on and which began again', async () => {
    const run = place.prepare('resume')
    const row = (step: number) => `{"step": ${step}, "time": 1}\n`
    run.put('runner.pid', `${rebooted} token\n`)
    run.put('units/a/metrics.jsonl', row(1) + row(2) + row(3))
    run.put('units/a/checkpoints/3', 'x')
    run.put('units/done/exit', 'state=done\n')
    const bench = await benchRecipe(resume, place.host, {
      folder: run.folder,
      run: {},
      kx: async () => {
        run.put('units/a/metrics.jsonl', row(1) + row(2) + row(3) + row(4))
        return ok('started')
      },
    })
    const before = run.treeHash()
    try {
      expect(await bench.plan('launch')).toMatchObject({ change: 'yes', targets: ['a'] })
      expect(await bench.run('before')).toEqual({ summary: '1 unit to go on' })
      expect(run.treeHash()).toBe(before)
      run.put('runner.pid', `${process.pid} 1 ${bootId()} token\n`)
      await bench.run('launch')
      expect(await bench.isTrue('continues')).toBe(true)
      expect(await bench.run('continues')).toEqual({ summary: '1 of 1 unit seen to continue' })
      run.put('units/a/metrics.jsonl', row(1) + row(2) + row(3) + row(1))
      await expect(bench.run('continues')).rejects.toThrow('a began at step 1, it had reached 3')
    } finally {
      await bench.close()
    }
  })

  it('tells the same machine, another one, and one that cannot be told', async () => {
    const run = place.prepare('identity')
    run.put('plan.env', 'run_id=run-1\n')
    const { machineId } = await place.host.identity()
    const bench = (parameters: Record<string, unknown>, machine: unknown) =>
      benchRecipe(hostIdentity, place.host, {
        parameters,
        folder: run.folder,
        run: {},
        kx: async () => ok('', { hosts: [{ host: 'box', machine }] }),
      })
    const cases = [
      await bench({ machineId: 'feedfacefeedfacefeedfacefeedface' }, null),
      await bench({}, { machineId }),
      await bench({}, null),
    ] as const
    // A box without a machine id has nothing to compare: then all that is said is unknown.
    if (machineId === null) expect((await cases[0].run('compare'))?.summary).toContain('unknown')
    else await expect(cases[0].run('compare')).rejects.toThrow('Another machine answers')
    expect((await cases[1].run('compare'))?.summary).toBe(
      machineId === null ? 'unknown: there is no machine id to compare on one side' : 'the same machine',
    )
    expect((await cases[2].run('compare'))?.summary).toContain('unknown')
    run.put('runner.pid', `${rebooted} token\n`)
    expect((await cases[1].run('compare'))?.summary).toContain('started anew since the launch')
    run.put('plan.env', 'run_id=of-somebody-else\n')
    await expect(cases[1].run('compare')).rejects.toThrow('Another run lies in the folder')
    for (const each of cases) await each.close()
  })

  it('makes the link again with pauses, and leaves the run alone', async () => {
    let server = await startSshd({ home: join(place.here) })
    const { port, hostKeys } = server
    const far = tellingHost([hopTo(server)], (...asked) => trusting(server)(...asked), {}).host
    await far.identity()
    await server.stop()
    let tries = 0
    const bench = await benchRecipe(reconnect, far, {
      parameters: { tries: 3, pauseSeconds: 0.05 },
      kx: async (id) => {
        expect(id).toBe('host.reconnect')
        tries++
        if (tries === 2) server = await startSshd({ home: place.here, port, hostKeys })
        far.resume()
        return ok('')
      },
    })
    try {
      expect((await bench.run('connect'))?.summary).toMatch(/ answers, at try [23]$/)
      expect(tries).toBeGreaterThanOrEqual(1)
    } finally {
      await bench.close()
      await far.close()
      await server.stop()
    }
  })

  it('goes on with a transfer that was cut, and believes it only when nothing is missing', async () => {
    const run = place.prepare('resync')
    run.put('units/a/result.json', '{"accuracy": 0.5}')
    run.put('units/a/model.bin', Buffer.alloc(4096, 7))
    run.put('units/a/scratch.tmp', 'not declared')
    const project = join(place.here, 'resync')
    const artifacts = join(project, '.kx/runs/run-1/artifacts')
    const copy = (path: string, length?: number) => {
      const to = join(artifacts, path)
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, readFileSync(join(run.folder, path)).subarray(0, length))
    }
    copy('units/a/model.bin', 1000)
    let mostFiles = 1
    const asked: string[] = []
    const bench = await benchRecipe(resync, place.host, {
      folder: run.folder,
      run: {
        projectFolder: project,
        plan: { artifacts: [{ glob: 'units/*/result.json' }, { glob: 'units/*/model.bin' }] },
      },
      kx: async (id) => {
        asked.push(id)
        for (const path of ['units/a/model.bin', 'units/a/result.json'].slice(0, mostFiles)) copy(path)
        return ok('pulled')
      },
    })
    const before = run.treeHash()
    try {
      const plan = await bench.plan('pull')
      expect(plan.change).toBe('yes')
      expect([...(plan.targets ?? [])].sort()).toEqual(['17 units/a/result.json', '4096 units/a/model.bin'])
      expect(asked).toEqual([])
      await expect(bench.run('pull')).rejects.toThrow('1 file still missing')
      mostFiles = 2
      await bench.run('pull')
      await bench.run('verify')
      expect(await bench.plan('pull')).toMatchObject({ change: 'no' })
      expect(await bench.probe('pull')).toBe('done')
      expect(run.treeHash()).toBe(before)
    } finally {
      await bench.close()
    }
  })

  it('holds a peak against the card and marks what changes the science', async () => {
    const run = place.prepare('vram')
    const bench = () =>
      benchRecipe(vramFit, place.host, {
        parameters: { peakMib: 24_000, microBatch: 8, fixedMib: 8000 },
        env: run.env,
      })
    const first = await bench()
    run.stub('nvidia-smi', 'echo "NVIDIA-SMI has failed because it could not communicate with the driver"; exit 9')
    expect((await first.run('fit'))?.summary).toBe('unknown: the memory of the card is not known')
    run.stub('nvidia-smi', 'echo "24576, 312"')
    const second = await bench()
    expect((await second.run('fit'))?.summary).toBe('tight: peak 24000 MiB of 24576, 21626 are to be used at most')
    expect(second.output()).toContain('a micro-batch of 6 fits by arithmetic')
    expect(second.output()).toContain('6. shorter sequences [CHANGES THE SCIENCE')
    expect(second.output()).toContain('2. bf16 instead of fp32\n')
    expect(judgeFit(81_559, 20_000, { fixedMib: null, microBatch: null })).toMatchObject({
      state: 'fits',
      microBatch: null,
    })
    for (const each of [first, second]) await each.close()
  })

  it('finds the rank that fell silent first, and one that never spoke', async () => {
    const run = place.prepare('ranks')
    run.put('units/a/rank0.log', 'step 9\nWatchdog caught collective operation timeout\n', 10)
    run.put('units/a/rank1.log', 'step 8\n', 1800)
    run.put('units/a/rank2.log', 'step 9\n', 12)
    run.put('units/b/log', '[rank0] step 1\n[rank1] step 1\n[rank0] step 2\nNCCL watchdog timeout\n')
    const debug = async (unit: string, ranks: number) => {
      const bench = await benchRecipe(distributedDebug, place.host, { parameters: { unit, ranks }, folder: run.folder })
      const done = await bench.run('silent')
      await bench.close()
      return { ...done, output: bench.output() }
    }
    const before = run.treeHash()
    expect(await debug('a', 3)).toMatchObject({ summary: 'rank 1 fell silent first, of 3' })
    expect(await debug('a', 5)).toMatchObject({ summary: 'rank 3 never spoke (2 ranks of 5)' })
    const byLine = await debug('b', 2)
    expect(byLine.summary).toBe('rank 1 fell silent first, of 2')
    expect(byLine.output).toContain('NCCL watchdog timeout')
    expect(byLine.output).toContain('TORCH_DISTRIBUTED_DEBUG: DETAIL')
    expect(run.treeHash()).toBe(before)
    run.put('units/c/log', 'no rank here\n')
    expect(await debug('c', 0)).toMatchObject({ summary: 'unknown: no line or file names a rank' })
  })

  it('splits a step into data and compute, and says when it only guesses', async () => {
    const run = place.prepare('loader')
    run.put(
      'units/a/metrics.jsonl',
      [0.6, 0.7, 0.65]
        .map((data, i) => `{"step": ${i + 1}, "time": 1, "data_seconds": ${data}, "step_seconds": 1}\n`)
        .join(''),
    )
    await run.startUnit('busy', ['sh', '-c', 'while :; do :; done'])
    await run.startUnit('idle', ['sleep', '60'])
    const profile = async (unit: string) => {
      const bench = await benchRecipe(profileLoader, place.host, { parameters: { unit, looks: 3 }, folder: run.folder })
      const done = await bench.run('profile')
      await bench.close()
      return done?.summary
    }
    expect(await profile('a')).toBe('data-bound: 65 % of a step is data, median of 3 steps')
    expect(await profile('busy')).toContain('likely bound by its own CPU work')
    expect(await profile('idle')).toContain('unknown: it mostly sleeps')
    run.put('units/gone/pid', `${rebooted} 0 1 1\n`)
    expect(await profile('gone')).toContain('unknown: the unit does not run')
    run.stop()
  })

  it('says why a tracker shows nothing, and never shows the key', async () => {
    const server = createServer((_, answer) => answer.end('ok'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const at = server.address()
    const address = typeof at === 'object' && at !== null ? `http://127.0.0.1:${at.port}` : ''
    const run = place.prepare('tracker')
    const memory = join(place.sshd.home, 'tracker-memory')
    const check = async (to = address) => {
      const bench = await benchRecipe(trackerCheck, place.host, { parameters: { address: to }, folder: run.folder })
      const done = await bench.run('check')
      await bench.close()
      return { summary: done?.summary, output: bench.output() }
    }
    try {
      expect((await check()).summary).toContain('no key: WANDB_API_KEY')
      run.put('secrets.path', `${memory}\n`)
      run.put('../../tracker-memory/values', 'WANDB_API_KEY=4f9c1d5e7a3b4f9c1d5e7a3b4f9c1d5e7a3b4f9c\n')
      run.put('env/https_proxy', 'http://me:hunter2@proxy.example:3128')
      const known = await check()
      expect(known.summary).toBe('key and way are there, but no log shows a sync line')
      expect(known.output).toContain('handed over by kx')
      expect(known.output).not.toMatch(/4f9c1d5e|hunter2/)
      run.put('units/a/log', 'epoch 1\nwandb: Syncing run fair-owl-3\n')
      expect((await check()).summary).toBe('key, way and sync line are there')
      expect((await check('http://127.0.0.1:1')).summary).toContain('cannot be reached')
      run.put('env/WANDB_MODE', 'offline')
      expect((await check()).summary).toContain('switched off or offline')
    } finally {
      server.close()
    }
  })

  it('parks only after the save, and only by the command that was shown', async () => {
    const run = place.prepare('park')
    run.put('plan.env', 'run_id=run-1\n')
    const memory = join(place.sshd.home, 'park-memory')
    run.put('secrets.path', `${memory}\n`)
    run.put('../../park-memory/values', 'STORE_KEY=two  words\\nand a line\n')
    run.put('steps/save-sync', '60\nsh\n-c\nprintf "%s" "$STORE_KEY" >"$KX_RUN_DIR/saved"\n')
    const asked: string[] = []
    const bench = await benchRecipe(park, place.host, {
      parameters: { waitSeconds: 20 },
      folder: run.folder,
      run: {},
      kx: async (id) => {
        asked.push(id)
        run.stop()
        return ok('stopped')
      },
    })
    try {
      expect(await bench.when('save')).toContain('names no way to park')
      expect(await bench.plan('park')).toMatchObject({ change: 'no' })
      await expect(bench.run('park')).rejects.toThrow('no way to park this machine from here')
      run.put('guard/park', `sh\n-c\necho "$1" >'${join(run.folder, 'parked')}'\nsh\nit's parked\n`)
      await run.startUnit('a', ['sleep', '60'])
      const before = run.treeHash()
      expect(await bench.plan('save')).toMatchObject({ change: 'yes' })
      expect(await bench.plan('stop')).toMatchObject({ change: 'yes', lines: ['Stops 1 units.'] })
      expect(await bench.plan('park')).toMatchObject({ change: 'yes' })
      expect(run.treeHash()).toBe(before)
      await bench.run('save')
      expect(readFileSync(join(run.folder, 'saved'), 'utf8')).toBe('two  words\nand a line')
      await expect(bench.run('park')).rejects.toThrow('still works')
      await bench.run('stop')
      expect(asked).toEqual(['patrol.abort'])
      expect(await bench.when('stop')).toBe('nothing runs')
      expect((await bench.run('park'))?.summary).toContain('the command went well')
      expect(readFileSync(join(run.folder, 'parked'), 'utf8')).toBe("it's parked\n")
      run.put('guard/park', 'false\n')
      await expect(bench.run('park')).rejects.toThrow('code 1')
      run.put('steps/save-sync', '60\nfalse\n')
      await expect(bench.run('save')).rejects.toThrow('It was not saved (code 1)')
    } finally {
      run.stop()
      await bench.close()
    }
  })

  it('says how it stands, and waits for the lease or the stop', async () => {
    const run = place.prepare('ask')
    const guard = (lease: number) => run.put('guard/now', `${rebooted} token ${lease} 3600 10 working - - 0\n`)
    guard(1)
    const bench = await benchRecipe(askPerson, place.host, {
      parameters: { question: 'the cap of $5 is reached', wait: true },
      folder: run.folder,
      run: {},
      tiers: [
        {
          id: 'data',
          purpose: 'data',
          path: '/data',
          survives: { reboot: 'survives', stop: 'bills', destroy: 'lost' },
        },
      ],
      kx: async () => ok('until 18:00, $4.90 spent'),
    })
    try {
      expect((await bench.run('facts'))?.summary).toBe('the cap of $5 is reached until 18:00, $4.90 spent')
      expect(bench.output()).toContain('data (/data): after a stop bills, after its end lost')
      expect(await bench.isTrue('answer')).toBe(false)
      guard(2)
      expect(await bench.isTrue('answer')).toBe(true)
      expect(await bench.run('answer')).toEqual({ summary: 'the lease was extended (number 2)' })
      guard(1)
      run.put('stop', 'enough\n')
      expect(await bench.isTrue('answer')).toBe(true)
      expect(await bench.run('answer')).toEqual({ summary: 'the run was stopped or has ended' })
    } finally {
      await bench.close()
    }
  })

  it('writes down what happened, once, without secrets', async () => {
    const run = place.prepare('incident')
    const project = join(place.here, 'incident')
    mkdirSync(join(project, '.kx/runs/run-1/evidence'), { recursive: true })
    writeFileSync(join(project, '.kx/runs/run-1/evidence/before-stop.txt'), '')
    run.put(
      'events.jsonl',
      '{"atMs":1700000000000,"event":"unit.started","unit":"a"}\n{"atMs":1700000009000,"event":"unit.ended","why":"AWS_SECRET_ACCESS_KEY=abcdefghijklmnopqrstuvwxyz0123456789ABCD"}\n{"atMs":1e300,"event":"x"}\n{"torn',
    )
    run.put('guard/events.jsonl', '{"atMs":1700000005000,"event":"due"}\n')
    const bench = await benchRecipe(postIncident, place.host, {
      parameters: { title: 'Loss became NaN' },
      folder: run.folder,
      run: { projectFolder: project, units: [{ id: 'a', state: 'failed' }] },
      kx: async () => ok('report.md'),
    })
    const path = join(project, '.kx/runs/run-1/incident.md')
    const before = run.treeHash()
    try {
      expect(await bench.plan('write')).toMatchObject({ change: 'yes', targets: [path] })
      expect(await bench.run('timeline')).toEqual({ summary: '3 events' })
      await bench.run('write')
      const text = readFileSync(path, 'utf8')
      expect(text).toContain('# Loss became NaN')
      expect(text.indexOf('unit.started')).toBeLessThan(text.indexOf('guard due'))
      expect(text).toContain('- failed: 1')
      expect(text).toContain('- evidence/before-stop.txt')
      expect(text).not.toContain('abcdefghijklmnopqrstuvwxyz0123456789ABCD')
      expect(await bench.plan('write')).toMatchObject({ change: 'no' })
      await expect(bench.run('write')).rejects.toThrow('nothing to write')
      expect(readFileSync(path, 'utf8')).toBe(text)
      expect(run.treeHash()).toBe(before)
      await bench.undo('write')
      expect(await bench.plan('write')).toMatchObject({ change: 'yes' })
    } finally {
      await bench.close()
    }
  })
})
