import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipe as cudaCheck } from '../../../recipes/cuda-check.ts'
import { recipe as gpuPreflight } from '../../../recipes/gpu-preflight.ts'
import { recipe as reapVram } from '../../../recipes/reap-vram.ts'
import type { FakeNvidiaSmi } from '../../harness/fake-nvidia-smi.ts'
import { type Fleet, type FleetBox, startFleet } from '../../harness/fleet.ts'
import { needsNetBoxes } from '../../harness/netbox.ts'
import { benchRecipe, type RecipeBenchOptions } from '../../harness/recipe.ts'
import { hopTo, type TestHost, tellingHost, text, trusting } from '../../harness/ssh-host.ts'
import { needsSshd } from '../../harness/sshd.ts'

/** A FAKE interpreter: it prints the one line that the real script would, and nothing of CUDA is behind it. */
const fakePython = (said: object) => `#!/bin/sh\necho 'kx-interpreter ${JSON.stringify(said)}'\n`
const h100 = ['NVIDIA H100 80GB HBM3', 85_520_809_984, '9.0', 84_000_000_000, null]
const facts = {
  ...{ executable: '/opt/python', python: '3.12.4', torch: '2.7.0+cu124', cuda: '12.4', available: true },
  ...{ devices: [h100], architectures: ['sm_80', 'sm_90'], trouble: null },
}

describe.skipIf(needsSshd().skip || needsNetBoxes().skip)('recipes about cards', () => {
  let fleet: Fleet
  let box: FleetBox
  let gpu: FakeNvidiaSmi
  let host: TestHost['host']
  beforeAll(async () => {
    fleet = await startFleet(1, { gpus: { model: 'h100' }, means: 'netns' })
    box = fleet.boxes[0] as FleetBox
    gpu = box.gpu as FakeNvidiaSmi
    // A card of its own in the box: whatever is opened there is a plain device without a driver.
    box.machine?.run([
      'sh',
      '-ec',
      'mkdir "$1/dev" && mount -t tmpfs none "$1/dev" && mkdir "$1/dev/up" "$1/dev/work" && mount -t overlay -o "lowerdir=/dev,upperdir=$1/dev/up,workdir=$1/dev/work" overlay /dev && mknod /dev/nvidia0 c 1 3 && mknod /dev/nvidiactl c 1 3',
      'sh',
      box.machine.disk,
    ])
    host = tellingHost([hopTo(box.sshd)], trusting(box.sshd), {}).host
  })
  afterAll(async () => {
    await host?.close()
    await fleet?.stop()
  })
  const usual = () => {
    gpu.mood('ok')
    gpu.processes([])
    gpu.set({ 'temperature.gpu': '30', 'clocks_throttle_reasons.active': '0x0000000000000001', 'memory.used': '4' })
  }
  // biome-ignore lint/suspicious/noExplicitAny: any recipe.
  const bench = (recipe: any, options: RecipeBenchOptions = {}) => benchRecipe(recipe, host, options)
  /** A process that holds the card; `how` comes before it. */
  const hold = async (before = 'setsid') => {
    // Whoever reads its words reads on until the card is open: only then it gives them up.
    const holder = `${before} sh -c 'echo $$; exec sleep 600 3</dev/nvidia0 >/dev/null 2>&1' </dev/null &`
    return Number(text((await host.script(`printf '%s' "$(${holder})"`, [], { timeoutSeconds: 20 })).stdout))
  }

  it('gpu-preflight: PASS, WARN and FAIL by what the cards say, and never PASS where they say nothing', async () => {
    usual()
    const two = { parameters: { samples: 1 } }
    const preflight = await bench(gpuPreflight, two)
    try {
      expect(await preflight.plan('preflight')).toMatchObject({ change: 'no' })
      // The kernel log of a container cannot be read, or holds nothing of cards.
      expect((await preflight.run('preflight'))?.summary).toMatch(/^(PASS|WARN: not known: the kernel log)/)
      gpu.set({ 'temperature.gpu': '86', 'clocks.sm': '1900' })
      expect((await preflight.run('preflight'))?.summary).toMatch(/^WARN: .*86 °C$/)
      gpu.set({ 'clocks.sm': '345' })
      await expect(preflight.run('preflight')).rejects.toThrow(/FAIL: .*86 °C and the clock at 17/)
      gpu.set({ 'temperature.gpu': '30', 'clocks_throttle_reasons.active': '0x0000000000000008' })
      await expect(preflight.run('preflight')).rejects.toThrow(/slowed down by the hardware/)
      usual()
      gpu.mood('lost')
      await expect(preflight.run('preflight')).rejects.toThrow(/FAIL: 1 lost/)
      gpu.mood('no-driver')
      await expect(preflight.run('preflight')).rejects.toThrow(/Not known/)
    } finally {
      await preflight.close()
    }
    usual()
    const more = await bench(gpuPreflight, { parameters: { samples: 2, cards: 2, memoryMib: 10_000 } })
    await expect(more.run('preflight')).rejects.toThrow(/1 cards, 2 asked/)
    await more.close()
    expect(gpu.refused()).toEqual([])
  })

  it('reap-vram ends only those whom nobody lists and who belong to nobody', async () => {
    usual()
    const listed = await hold()
    const orphan = await hold()
    const run = join(box.home, 'run')
    mkdirSync(run)
    const ofRun = await hold(`KX_RUN_DIR=${run} setsid`)
    const runner = text(
      (await host.script(`printf '%s' "$(setsid sh -c 'echo $$; exec sleep 600 >/dev/null 2>&1' </dev/null &)"`, []))
        .stdout,
    )
    const stat = text((await host.script('cat "/proc/$1/stat"', [runner])).stdout)
    const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    writeFileSync(join(run, 'runner.pid'), `${runner} ${began} boot\n`)
    gpu.processes([`GPU-fa4e0000-0000-4000-8000-000000000000, ${listed}, python, 2048`])

    const young = await bench(reapVram)
    expect(await young.plan('reap')).toMatchObject({
      change: 'no',
      lines: expect.arrayContaining([expect.stringContaining('younger than')]),
    })
    await young.close()

    const reap = await bench(reapVram, { parameters: { olderThanSeconds: 0, graceSeconds: 1 } })
    try {
      const plan = await reap.plan('reap')
      expect(plan.change).toBe('yes')
      expect(plan.targets).toEqual([expect.stringMatching(new RegExp(`^pid ${orphan}, started at tick \\d+$`))])
      expect(plan.lines).toEqual(
        expect.arrayContaining([
          `keep ${listed}: the driver lists it as at work`,
          `keep ${ofRun}: it belongs to a run of kx that is alive`,
        ]),
      )
      const alive = async () =>
        text(
          (await host.script('for p do [ -e "/proc/$p" ] && echo "$p"; done; :', [listed, orphan, ofRun].map(String)))
            .stdout,
        )
      expect(await alive()).toBe(`${listed}\n${orphan}\n${ofRun}\n`)
      expect(await reap.probe('reap')).toBe('unknown')
      expect(await reap.run('reap')).toEqual({ summary: '1 holder ended' })
      expect(await alive()).toBe(`${listed}\n${ofRun}\n`)
      expect(await reap.probe('reap')).toBe('done')
      expect(await reap.plan('reap')).toMatchObject({ change: 'no', targets: [] })
      // In a container the driver lists nobody: then work and zombie look alike.
      gpu.processes([])
      expect(await reap.plan('reap')).toMatchObject({ change: 'unknown', targets: [] })
    } finally {
      await reap.close()
    }
    const named = await bench(reapVram, {
      parameters: { olderThanSeconds: 0, pids: [String(listed), String(ofRun)], graceSeconds: 1 },
    })
    expect(await named.plan('reap')).toMatchObject({
      change: 'yes',
      targets: [expect.stringContaining(`pid ${listed},`)],
    })
    expect(await named.run('reap')).toEqual({ summary: '1 holder ended' })
    await named.close()
  })

  it('cuda-check names what does not fit', async () => {
    usual()
    const python = join(box.home, "py thon's")
    const check = async (said: object) => {
      writeFileSync(python, fakePython(said), { mode: 0o755 })
      const one = await bench(cudaCheck, { parameters: { interpreter: python } })
      try {
        return await one.run('check')
      } finally {
        await one.close()
      }
    }
    expect((await check(facts))?.summary).toMatch(/new enough for CUDA 12.4.*built for 9.0/)
    await expect(check({ ...facts, available: false, devices: [], cuda: null })).rejects.toThrow(/CPU-only torch/)
    await expect(check({ ...facts, architectures: ['sm_80'] })).rejects.toThrow(/no kernels for NVIDIA H100/)
    await expect(check({ ...facts, cuda: '13.0' })).rejects.toThrow(/takes CUDA up to 12.4/)
    const none = await bench(cudaCheck, { parameters: { interpreter: '/no/python' } })
    await expect(none.run('check')).rejects.toThrow(/gave no answer that can be read/)
    await none.close()
    expect(gpu.refused()).toEqual([])
  })
})
