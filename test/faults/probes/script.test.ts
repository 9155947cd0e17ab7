import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createLocalHost } from '../../../src/host/local.ts'
import { gpuCount, type Probe, parseProbe } from '../../../src/host/probe/probe.ts'
import { runProbe } from '../../../src/host/probe/run-probe.ts'
import { probeScript, wideProbeScript } from '../../../src/host/probe/script.ts'
import { scriptInput } from '../../../src/host/script.ts'
import { line } from './nvidia-fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'kx-probe-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const has = (program: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A host on which `nvidia-smi` is the given shell script. */
let made = 0
function hostWith(nvidia: string | null) {
  const bin = join(folder, `bin-${made++}`)
  mkdirSync(bin)
  if (nvidia !== null) {
    writeFileSync(join(bin, 'nvidia-smi'), `#!/bin/sh\n${nvidia}\n`)
    chmodSync(join(bin, 'nvidia-smi'), 0o755)
  }
  return createLocalHost({ env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } })
}
const oneGpu = (command: string) => `case "$*" in *query-gpu*) ${command};; *) ;; esac`
const gpusOf = async (nvidia: string | null): Promise<Probe> => (await runProbe(hostWith(nvidia))).probe

describe('the probe script', () => {
  it('answers everything on this machine and leaves nothing behind', async () => {
    const place = join(folder, 'a path\nwith newline')
    mkdirSync(place)
    const before = readdirSync(folder).length
    const host = createLocalHost()
    const answer = await runProbe(host, { pid: process.pid, paths: ['/', place, join(place, 'not/there')] })
    expect(answer.trouble).toBeNull()
    const { probe } = answer
    const me = await host.identity()
    expect(probe.isComplete).toBe(true)
    expect(probe.bootId).toEqual({ isKnown: true, value: me.bootId })
    expect(probe.memory.totalBytes.isKnown && probe.cores.isKnown && probe.cpu.isKnown && probe.load.isKnown).toBe(true)
    expect(probe.process?.stat.isKnown && probe.process.stat.value.pid).toBe(process.pid)
    expect(probe.process?.status.residentBytes.isKnown).toBe(true)
    expect(probe.disks.map((disk) => [disk.bytes.isKnown, disk.mount.isKnown])).toEqual([
      [true, true],
      [true, true],
      [true, true],
    ])
    expect(readdirSync(folder).length).toBe(before)
  })

  it('knows when there is no such process', async () => {
    const child = execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' })
    expect((await runProbe(createLocalHost(), { pid: Number(child) })).probe.process).toBeNull()
  })

  const shells: readonly (readonly [string, readonly string[]])[] = [
    ['dash', ['dash', '-s', '--']],
    ['bash --posix', ['bash', '--posix', '-s', '--']],
    ['busybox', ['busybox', 'sh', '-s', '--']],
  ]
  for (const [name, argv] of shells) {
    it.skipIf(!has(argv[0] ?? ''))(`runs in ${name}`, async () => {
      // The wide script holds the usual one.
      const link = join(folder, `link of ${name}`)
      symlinkSync(folder, link)
      const nowhere = join(folder, `nowhere of ${name}`)
      symlinkSync('/not/there', nowhere)
      const paths = ['/', `${link}/not yet`, `${nowhere}/x`]
      const ran = await createLocalHost().exec([...argv, 'nonce', '3', String(process.pid), ...paths], {
        stdin: scriptInput(wideProbeScript),
      })
      const probe = parseProbe(new TextDecoder().decode(ran.stdout), 'nonce', paths)
      expect(probe.wide.realPaths.map((each) => each.isKnown && each.value)).toEqual([
        { state: 'there', path: '/' },
        { state: 'missing', path: folder },
        { state: 'dangling', path: nowhere },
      ])
      expect(probe.wide.limits.openFiles.isKnown).toBe(true)
      expect(probe.wide.processes.isKnown && probe.wide.processes.value.pids.has(process.pid)).toBe(true)
      expect(probe.wide.holders === 'none' || probe.wide.holders.isKnown).toBe(true)
      expect(probe.isComplete).toBe(true)
      expect(probe.disks[0]?.bytes.isKnown).toBe(true)
      expect(probe.cgroup.version.isKnown || !probe.cgroup.memoryLimitBytes.isKnown).toBe(true)
      expect(new TextDecoder().decode(ran.stderr)).toBe('')
    })
  }

  it('cut at any byte gives the same figures or unknown', async () => {
    const ran = await createLocalHost().script(probeScript, ['nonce', '3', String(process.pid), '/'])
    const text = new TextDecoder().decode(ran.stdout)
    const whole = parseProbe(text, 'nonce', ['/'])
    const step = process.env.KX_FULL === '1' ? 1 : 13
    for (let end = 0; end < text.length; end += step) {
      const cut = parseProbe(text.slice(0, end), 'nonce', ['/'])
      expect(cut.isComplete).toBe(false)
      for (const key of ['clockSeconds', 'bootId', 'load', 'cpu', 'cores', 'shm'] as const)
        if (cut[key].isKnown) expect(cut[key]).toEqual(whole[key])
      if (cut.cgroup.memoryLimitBytes.isKnown) expect(cut.cgroup).toEqual(whole.cgroup)
      if (cut.disks[0]?.bytes.isKnown) expect(cut.disks[0]?.bytes).toEqual(whole.disks[0]?.bytes)
      if (cut.gpus === 'none') expect(whole.gpus).toBe('none')
    }
  })

  it('takes no section from what a command prints', async () => {
    const probe = await gpusOf(oneGpu(`printf '\\nnonce begin bytes-0\\nFilesystem\\nnonce end bytes-0 0\\n'`))
    expect(probe.gpus !== 'none' && probe.gpus.isKnown).toBe(false)
    expect(probe.isComplete).toBe(true)
  })
})

describe('nvidia-smi that misbehaves', () => {
  const unknownBecause = async (nvidia: string, why: RegExp) => {
    const { gpus } = await gpusOf(nvidia)
    if (gpus === 'none' || gpus.isKnown) throw new Error('the cards must be unknown')
    expect(gpus.reason).toMatch(why)
    expect(gpuCount(gpus).isKnown).toBe(false)
  }

  it('is missing: none', async () => {
    expect((await runProbe(createLocalHost({ env: { PATH: '/usr/bin:/bin' } }))).probe.gpus).toBe('none')
  })

  it('answers: cards', async () => {
    const { gpus } = await gpusOf(oneGpu(`cat <<'X'\n${line()}X\n`))
    expect(gpus !== 'none' && gpus.isKnown && gpus.value.gpus[0]?.utilisationPercent).toEqual({
      isKnown: true,
      value: 87,
    })
  })

  it('finds no cards: a known none', async () => {
    const { gpus } = await gpusOf(oneGpu('echo No devices were found; exit 6'))
    expect(gpuCount(gpus)).toEqual({ isKnown: true, value: 0 })
  })

  it('ends with 9, 15, prints nothing, prints an error', async () => {
    await unknownBecause(
      oneGpu('echo NVIDIA-SMI has failed because it could not reach the driver.; exit 9'),
      /has failed/,
    )
    await unknownBecause(oneGpu('exit 15'), /15/)
    await unknownBecause(oneGpu('exit 0'), /nothing/)
    await unknownBecause(oneGpu('kill -SEGV $$'), /139|ended/)
  })

  it('has lost a card: no figures, and it is counted as lost', async () => {
    const { gpus } = await gpusOf(
      oneGpu("echo 'Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.'; exit 15"),
    )
    expect(gpus !== 'none' && gpus.isKnown && [gpus.value.gpus.length, gpus.value.lost.length]).toEqual([0, 1])
  })

  it('hangs: unknown, in time, and the rest is there', async () => {
    const host = hostWith(`trap '' TERM; sleep 300`)
    const answer = await runProbe(host, { paths: ['/'], timeoutSeconds: 15 })
    const { gpus, disks, load } = answer.probe
    if (gpus === 'none' || gpus.isKnown) throw new Error('the cards must be unknown')
    expect(disks[0]?.bytes.isKnown && load.isKnown).toBe(true)
  })

  it('does not know some of the fields: asks again without them', async () => {
    const { gpus } = await gpusOf(
      `case "$*" in
        *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;;
        *clocks_throttle_reasons.active*) echo 'Field "clocks_throttle_reasons.active" is not a valid field to query.'; exit 2;;
        *query-gpu*) cat <<'X'\n${line().replace(/, 8\.0\n/, '\n')}X\n;;
      esac`,
    )
    if (gpus === 'none' || !gpus.isKnown) throw new Error('the cards must be known')
    const gpu = gpus.value.gpus[0]
    expect(gpu?.computeCapability.isKnown).toBe(false)
    expect(gpu?.throttleReasons).toEqual({ isKnown: true, value: 0n })
    expect(gpu?.memoryUsedMiB).toEqual({ isKnown: true, value: 40213 })
  })
})
