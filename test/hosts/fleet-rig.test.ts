import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runProbe } from '../../src/host/probe/run-probe.ts'
import { createSshHost } from '../../src/host/ssh/host.ts'
import type { SshHost } from '../../src/host/ssh/types.ts'
import { type Fleet, type FleetBox, type FleetOptions, startFleet } from '../harness/fleet.ts'
import { whyNoNetBoxes } from '../harness/netbox.ts'
import { hopTo, quick, trusting } from '../harness/ssh-host.ts'
import { needsSshd } from '../harness/sshd.ts'

const open: { stop(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop()
})
const start = async (count: number, options: FleetOptions = {}): Promise<Fleet> => {
  const fleet = await startFleet(count, options)
  open.push(fleet)
  return fleet
}
const hostOf = (box: FleetBox): SshHost => {
  const host = createSshHost({ name: box.name, hops: [hopTo(box.sshd)], verify: trusting(box.sshd), timing: quick })
  open.push({ stop: () => host.close() })
  return host
}
const words = async (host: SshHost, script: string) =>
  new TextDecoder().decode((await host.exec(['sh', '-c', script])).stdout).trim()

/** The pick of `npm test` takes the better one. */
const isFull = process.env.KX_FAULTS_FULL === '1'
const means =
  whyNoNetBoxes() !== null ? ['loopback' as const] : isFull ? (['loopback', 'netns'] as const) : ['netns' as const]

describe.skipIf(needsSshd().skip).each(means)('a fleet of the tests by %s', (by) => {
  it('is several hosts: own keys, own homes, own cards', async () => {
    const fleet = await start(3, { means: by, gpus: [{ model: 'h100', count: 2 }, { model: 't4' }, null] })
    const hosts = fleet.boxes.map(hostOf)
    expect(new Set(fleet.boxes.map((box) => box.sshd.hostKeys[0]?.publicLine)).size).toBe(3)
    expect(await Promise.all(hosts.map((host) => words(host, 'printf %s "$HOME"')))).toEqual(
      fleet.boxes.map((box) => box.home),
    )
    const probes = await Promise.all(hosts.map((host) => runProbe(host)))
    const names = probes.map(({ probe: { gpus } }) =>
      gpus === 'none' ? 'none' : gpus.isKnown ? gpus.value.gpus.map((gpu) => gpu.name) : gpus.reason,
    )
    const known = (value: string) => ({ isKnown: true, value })
    const h100 = known('NVIDIA H100 80GB HBM3')
    expect(names).toEqual([[h100, h100], [known('Tesla T4')], 'none'])
    expect(fleet.boxes.flatMap((box) => box.gpu?.refused() ?? [])).toEqual([])
    // Strict: what kx does not ask is no answer, and is kept.
    expect((await hosts[0]?.exec(['nvidia-smi', '-q']))?.ending).toEqual({ kind: 'exited', code: 99 })
    expect(fleet.boxes[0]?.gpu?.refused()).toEqual(['-q'])
  })

  it('loses a host and gets it back with its disk', async () => {
    const fleet = await start(2, { means: by })
    const [one, two] = fleet.boxes as [FleetBox, FleetBox]
    const [first, second] = [hostOf(one), hostOf(two)]
    await first.exec(['sh', '-c', 'echo kept >"$HOME/kept"'])
    await one.powerOff()
    expect((await first.exec(['true'], { timeoutSeconds: 0.5 })).ending.kind).toBe('unknown')
    expect((await second.exec(['true'])).ending).toEqual({ kind: 'exited', code: 0 })
    await one.powerOn()
    expect(await words(hostOf(one), 'cat "$HOME/kept"')).toBe('kept')
  })
})

describe.skipIf(needsSshd().skip || whyNoNetBoxes() !== null)('a box in namespaces', () => {
  it('is a machine of its own to whoever asks it', async () => {
    const fleet = await start(2, { means: 'netns', diskBytes: 8 * 1024 * 1024, diskInodes: 100 })
    const ids = await Promise.all(fleet.boxes.map((box) => hostOf(box).identity()))
    expect(ids.map((each) => each.machineId)).toEqual(fleet.boxes.map((box) => box.machine?.machineId))
    expect(ids.map((each) => each.bootId)).toEqual(fleet.boxes.map((box) => box.machine?.bootId()))
    const [box] = fleet.boxes as [FleetBox]
    const { probe } = await runProbe(hostOf(box), { paths: [box.home] })
    const [disk] = probe.disks
    expect(disk?.bytes).toMatchObject({ value: { totalBytes: 8 * 1024 * 1024 } })
    expect(disk?.inodes).toMatchObject({ value: { total: 100 } })
    expect(() => writeFileSync(join(box.home, 'large'), Buffer.alloc(9 * 1024 * 1024))).toThrow(/ENOSPC/)
    // Its processes are its own: a pid of the test means nothing there.
    expect(await words(hostOf(box), `ls /proc/${process.pid} 2>/dev/null; hostname`)).toBe(box.name)
  })

  it('boots under a new id, and leaves nothing when it is stopped', async () => {
    const fleet = await start(1, { means: 'netns' })
    const [box] = fleet.boxes as [FleetBox]
    const machine = box.machine
    if (machine === null) throw new Error('no machine')
    const before = machine.bootId()
    await box.powerOff()
    await box.powerOn()
    expect(await words(hostOf(box), 'cat /proc/sys/kernel/random/boot_id')).toBe(machine.bootId())
    expect(machine.bootId()).not.toBe(before)
    for (const each of open.splice(0).reverse()) await each.stop()
    expect([existsSync(machine.disk), readFileSync('/proc/mounts', 'utf8').includes(machine.disk)]).toEqual([
      false,
      false,
    ])
  })
})
