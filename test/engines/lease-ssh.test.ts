import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, uptime } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { dismissGuard } from '../../src/engine/box/guard.ts'
import type { Host } from '../../src/host/types.ts'
import { armAgain } from '../../src/launch/arm.ts'
import { showLease } from '../../src/launch/extend.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { observe } from '../../src/patrol/service.ts'
import { parkOnBox } from '../../src/profile/park-on-box.ts'
import { type FleetBox, startFleet } from '../harness/fleet.ts'
import { whyNoNetBoxes } from '../harness/netbox.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { type Box, events, fakePark, until } from './tools/box.ts'
import { prove, type WalkContext, walkContext } from './tools/context.ts'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** One whose only way to end its meter is the fake, strict command, confirmed as a person would in a profile of their own. */
function rented(plain: WalkContext['profile'], command: readonly string[]): WalkContext['profile'] {
  const verb = {
    ...{ verb: 'stop keep disk', stops: 'compute', stillBills: 'the disk', dies: 'nothing', isReversible: true },
    ...{ by: 'person', how: 'by the fake command', event: 'stop', ends: 'compute', verified: '2026-11' },
    onBox: { command: [...command], isConfirmed: true, verified: '2026-11' },
  } as const
  const profile = {
    ...plain,
    billing: { ...plain.billing, usdPerHour: 1, currency: 'USD', verbs: [verb] },
    park: { verb: verb.verb, isAutomatic: true, note: 'a fake' },
  } as unknown as WalkContext['profile']
  expect(parkOnBox(profile)).toMatchObject({ kind: 'command', command })
  return profile
}

interface Launched {
  readonly ctx: WalkContext
  readonly sshd: Sshd
  readonly box: Box
  readonly asked: () => readonly string[]
  readonly connect: () => Host
}

async function launched(leaseSeconds: number, machine?: FleetBox): Promise<Launched> {
  const sshd = machine?.sshd ?? (await startSshd())
  if (machine === undefined) cleanups.push(() => sshd.stop())
  const connect = () => {
    const now = machine?.sshd ?? sshd
    const { host } = tellingHost([hopTo(now)], trusting(now), {})
    cleanups.push(() => host.close())
    return host
  }
  const folder = mkdtempSync(join(tmpdir(), 'kx-lease-ssh-'))
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'box'))
  const park = fakePark({ folder: join(folder, 'box') } as Box)
  // The hook writes into the record of the fake command, so that the order of the two stands there.
  const hook = `echo saved >>'${join(folder, 'kx-fake-park/asked')}'`
  const plain = await walkContext({
    env: { STEPS: '4000', STEP_SECONDS: '0.05' },
    plan: { save: { name: 'keep', command: ['sh', '-c', hook], timeoutSeconds: 20 } },
  })
  const ctx: WalkContext = { ...plain, host: connect(), profile: rented(plain.profile, park.argv) }
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan')
  const proof = { kind: 'Approval', phase: 'cost', atMs: Date.now(), expiresAtMs: Date.now() + 3_600_000 } as const
  const payload = { leaseHours: leaseSeconds / 3600, capHours: 10, capUsd: 10, usdPerHour: 1 }
  const bound = { id: 'approval-1', host: await ctx.host.identity(), boundTo: ctx.loaded.digests, needs: [], items: [] }
  await ctx.run.append('proof.made', { ...proof, ...bound, payload })
  const times = { absentSeconds: 3600, stallSeconds: 3600, pollSeconds: 0.2 }
  expect(await launch(ctx, { guard: times })).toMatchObject({ exitCode: 0 })
  const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
  if (receipt === undefined) throw new Error('no receipt')
  const box = { folder: receipt.folder } as Box
  cleanups.push(async () => {
    const host = connect()
    await boxEngine.cancel(host, receipt.handle, 'test over', 1)
    await dismissGuard(host, receipt.folder)
    if (existsSync(receipt.folder)) rmSync(receipt.folder, { recursive: true })
  })
  return { ctx, sshd, box, asked: park.asked, connect }
}

describe.skipIf(needsSshd().skip)('a lease on a machine behind SSH', () => {
  it('ends with kx gone: saved, then parked once, and found and journalled once at the next look', async () => {
    let made: Launched | null = null
    // On a loaded machine the launch itself may take longer than a short lease: then nobody was gone when it ended.
    for (const leaseSeconds of [8, 30, 120]) {
      const tried = await launched(leaseSeconds)
      await tried.ctx.host.close()
      await until(() => tried.sshd.connectionPids().length === 0)
      if (events(tried.box).some(({ event }) => event === 'guard.due')) continue
      made = tried
      break
    }
    if (made === null) throw new Error('no launch was done within its lease')
    const { ctx, sshd, box, asked, connect } = made
    expect(asked()).toEqual([])
    await until(() => events(box).some(({ event }) => event === 'guard.parked'))
    expect(sshd.connectionPids()).toEqual([])
    const words = asked()
    expect(words[0]).toBe('saved')
    expect(words.filter((word) => word !== 'saved')).toEqual(['stop keep disk'])
    expect(words.at(-1)).toBe('stop keep disk')
    expect(JSON.parse(readFileSync(join(box.folder, 'exit.json'), 'utf8'))).toMatchObject({ reason: 'stopped' })

    const later = { ...ctx, host: connect() }
    await observe(later)
    const parked = () => ctx.run.state().guardActs.filter(({ event }) => event === 'guard.parked')
    const acts = ctx.run.state().guardActs.map(({ event }) => event)
    expect(acts.slice(0, 1)).toEqual(['guard.due'])
    expect(parked()).toHaveLength(1)
    const open = ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
    expect(open.filter(({ rule }) => rule === 'guard-acted')).toMatchObject([
      { severity: 'error', text: expect.stringContaining('parked the machine') },
    ])
    await observe(later)
    expect(ctx.run.state().guardActs.map(({ event }) => event)).toEqual(acts)
    // Looks come and go, and nothing is parked again.
    expect(asked()).toEqual(words)
  })

  it.skipIf(whyNoNetBoxes() !== null)(
    'is watched by nobody after a reboot: that is said plainly, and a person arms the guard again',
    async () => {
      const fleet = await startFleet(1, { means: 'netns' })
      cleanups.push(() => fleet.stop())
      const [machine] = fleet.boxes
      if (machine === undefined) throw new Error('one box is needed')
      // The box has a boot id of its own and the uptime of this machine; a new boot id means that all of it has passed.
      const { ctx, connect } = await launched(Math.ceil(uptime()) + 3600, machine)
      await ctx.host.close()
      await machine.powerOff()
      await machine.powerOn()
      const later = { ...ctx, host: connect() }
      await observe(later)
      // A look can fall between two processes: it is called dead when it stays so, and the guard is missed at once.
      const gone = () =>
        ctx.run.state().findings.filter(({ rule, closedAtMs }) => rule === 'guard-gone' && closedAtMs === null)
      expect(gone()).toMatchObject([
        { severity: 'error', text: expect.stringContaining('started anew, and nothing there watches the lease') },
      ])
      expect(gone()[0]?.remedy).toContain('kx lease arm')
      const shown = await showLease(later)
      expect([shown.exitCode, shown.lines]).toEqual([
        1,
        expect.arrayContaining([expect.stringContaining('the machine started anew and the guard is gone')]),
      ])
      expect(await armAgain(later)).toMatchObject({ exitCode: 0, data: { isNew: true, guard: { isAlive: true } } })
      await observe(later)
      expect(gone()).toEqual([])
      const armed = await showLease(later)
      expect([armed.exitCode, armed.lines?.[1]]).toEqual([0, expect.stringContaining('armed with lease')])
    },
  )
})
