import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { dismissGuard, extendLease } from '../../src/engine/box/guard.ts'
import { armAgain } from '../../src/launch/arm.ts'
import { extend, showLease } from '../../src/launch/extend.ts'
import { firstSignOf } from '../../src/launch/first-sign.ts'
import { defaultGuardLimits } from '../../src/launch/lease.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { observe } from '../../src/patrol/service.ts'
import { guardActText } from '../../src/profile/park-on-box.ts'
import { leaseIn } from '../../src/run/lease.ts'
import { type Box, readText, until } from './tools/box.ts'
import { prove, type WalkContext, walkContext } from './tools/context.ts'

const never = new AbortController().signal
const handleOf = (ctx: WalkContext) => {
  const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
  if (receipt === undefined) throw new Error('no receipt')
  return receipt.handle
}
const guardOf = async (ctx: WalkContext) =>
  (await boxEngine.status(ctx.host, handleOf(ctx), ctx.loaded.units)).guard ?? null

async function launched(approval: object = {}): Promise<WalkContext> {
  const ctx = await walkContext({ env: { STEPS: '2000', STEP_SECONDS: '0.05' } })
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan')
  const proof = { kind: 'Approval', phase: 'cost', atMs: Date.now(), expiresAtMs: Date.now() + 3_600_000 } as const
  const payload = { leaseHours: 2, capHours: 10, capUsd: 0, usdPerHour: 0, ...approval }
  const made = { ...proof, id: 'approval-1', host: await ctx.host.identity(), boundTo: ctx.loaded.digests }
  await ctx.run.append('proof.made', { ...made, needs: [], items: [], payload })
  // The guard looks often, so that nobody waits for it here.
  expect(await launch(ctx, { guard: { ...defaultGuardLimits, pollSeconds: 0.2 } })).toMatchObject({ exitCode: 0 })
  return ctx
}

const end = async (ctx: WalkContext) => {
  await boxEngine.cancel(ctx.host, handleOf(ctx), 'test over', 2)
  expect(await dismissGuard(ctx.host, ctx.box)).toBe(true)
}

describe('the lease of a launch', () => {
  it('is armed with it, shown, extended by a person within the cap, and taken by the box', async () => {
    const ctx = await launched()
    const item = ctx.run.state().latest.Receipt?.items.find(({ id }) => id === 'launch.dead-man')
    expect(item).toMatchObject({ result: 'pass' })
    expect(await guardOf(ctx)).toMatchObject({ isAlive: true, number: 1, leaseSeconds: 7200 })
    const before = leaseIn(ctx.run.state())
    expect(await showLease(ctx)).toMatchObject({
      exitCode: 0,
      lines: expect.arrayContaining([expect.stringContaining('armed with lease 1')]),
    })

    expect(await extend(ctx, { hours: 9, by: 'ada' })).toMatchObject({ exitCode: 1 })
    expect(leaseIn(ctx.run.state())).toEqual(before)

    expect(await extend(ctx, { hours: 3, by: 'ada' })).toMatchObject({ exitCode: 0 })
    expect(await guardOf(ctx)).toMatchObject({ number: 2, leaseSeconds: 7200 + 3 * 3600 })
    const after = leaseIn(ctx.run.state())
    expect(after).toMatchObject({ number: 2, extensions: [{ by: 'ada', hours: 3 }] })
    expect(Math.abs((after?.untilMs ?? 0) - (before?.untilMs ?? 0) - 3 * 3_600_000)).toBeLessThan(15_000)
    expect(ctx.run.state().meters.map((meter) => meter.leaseUntilMs)).toEqual([after?.untilMs])
    expect(ctx.run.state().intents.at(-1)).toMatchObject({ act: 'lease', closed: { outcome: 'done' } })

    // A kx that slept knows the first lease alone: it can neither shorten this one nor write over it.
    const late = (lease: Parameters<typeof extendLease>[2]) => extendLease(ctx.host, handleOf(ctx), lease, never)
    expect(await late({ expected: 1, number: 2, seconds: 99_999 })).toMatchObject({ kind: 'refused' })
    expect(await late({ expected: 2, number: 3, seconds: 60 })).toMatchObject({ kind: 'refused' })
    const other = { ...handleOf(ctx), token: 'kx-another-launch' }
    const wrong = await extendLease(ctx.host, other, { expected: 2, number: 3, seconds: 99_999 }, never)
    expect(wrong).toMatchObject({ kind: 'refused', why: expect.stringContaining('another launch') })
    expect(await guardOf(ctx)).toMatchObject({ number: 2 })
    const { data } = await observe(ctx)
    expect(data).toMatchObject({ guard: { word: 'armed', number: 2, alarm: null } })
    const receipt = ctx.run.state().latest.Receipt?.payload
    expect(receipt).toMatchObject({ leaseEnd: guardActText(ctx.profile) })
    await end(ctx)
  })

  it('an extension whose answer was lost is settled by what the box holds', async () => {
    const ctx = await launched()
    const handle = handleOf(ctx)
    const payload = {
      approvalId: 'approval-1',
      launchToken: handle.token,
      number: 2,
      hours: 1,
      untilMs: 5,
      usd: 0,
      by: 'ada',
    }
    // Killed between the box and the record.
    await ctx.run.append('intent.opened', { intentId: 'i', act: 'lease', token: 'l2', host: 'local', payload })
    writeFileSync(join(ctx.box, 'lease'), `${handle.token} 2 20000\n`)
    await until(() => readText({ folder: ctx.box } as Box, 'guard/now')?.includes(` ${handle.token} 2 20000 `))
    await observe(ctx)
    expect(ctx.run.state().leaseExtensions).toMatchObject([{ number: 2, by: 'ada', untilMs: 5 }])
    expect(ctx.run.state().intents.at(-1)).toMatchObject({ closed: { outcome: 'done' } })
    // And one that never got there.
    const lost = { ...payload, number: 3 }
    await ctx.run.append('intent.opened', { intentId: 'j', act: 'lease', token: 'l3', host: 'local', payload: lost })
    await observe(ctx)
    expect(ctx.run.state().leaseExtensions).toHaveLength(1)
    expect(ctx.run.state().intents.at(-1)).toMatchObject({ closed: { outcome: 'failed' } })
    await end(ctx)
  })

  it('what the guard did while nobody looked is on record at the next look, once, and an alarm', async () => {
    const ctx = await launched({ leaseHours: 2 / 3600 })
    await until(() => readText({ folder: ctx.box } as Box, 'guard/alarm')?.startsWith('lease kept'))
    await observe(ctx)
    const acts = () => ctx.run.state().guardActs.map(({ event }) => event)
    expect(acts()).toEqual(['guard.due', 'guard.alarm', 'guard.kept'])
    await observe(ctx)
    expect(acts()).toHaveLength(3)
    const open = ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
    expect(open.find(({ rule }) => rule === 'guard-acted')).toMatchObject({ severity: 'error' })
    // Where nothing can be undone the work goes on, and a relaunch under this approval is no way to more time.
    expect(await guardOf(ctx)).toMatchObject({ run: 'running' })
    await end(ctx)
    expect(await launch(ctx)).toMatchObject({ exitCode: 3, summary: expect.stringContaining('lease') })
  })

  it('a guard that is gone is an error while work runs', async () => {
    const ctx = await launched()
    expect(await dismissGuard(ctx.host, ctx.box)).toBe(true)
    expect((await observe(ctx)).data).toMatchObject({ guard: { word: 'gone', number: 1, alarm: null } })
    const open = () => ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)
    expect(open().find(({ rule }) => rule === 'guard-gone')).toMatchObject({ severity: 'error' })
    expect(await showLease(ctx)).toMatchObject({ exitCode: 1 })
    expect(await extend(ctx, { hours: 1, by: 'ada' })).toMatchObject({ exitCode: 1 })
    // By a person it is armed again: the same lease, and what has passed counts.
    const before = await guardOf(ctx)
    expect(await armAgain(ctx)).toMatchObject({ exitCode: 0, data: { armed: true, isNew: true } })
    const guard = await guardOf(ctx)
    expect(guard).toMatchObject({ isAlive: true, number: 1, leaseSeconds: 7200, token: handleOf(ctx).token })
    expect(guard?.spentSeconds).toBeGreaterThanOrEqual(before?.spentSeconds ?? Number.POSITIVE_INFINITY)
    expect(await armAgain(ctx)).toMatchObject({ exitCode: 0, data: { isNew: false } })
    await observe(ctx)
    expect(open().find(({ rule }) => rule === 'guard-gone')).toBeUndefined()
    expect(await showLease(ctx)).toMatchObject({ exitCode: 0 })
    expect(await extend(ctx, { hours: 1, by: 'ada' })).toMatchObject({ exitCode: 0 })
    await end(ctx)
    // Of another launch, or gone: nothing is started there.
    writeFileSync(join(ctx.box, 'plan.env'), 'token=kx-another\n')
    expect(await armAgain(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining('another launch') })
    rmSync(ctx.box, { recursive: true })
    expect(await armAgain(ctx)).toMatchObject({ exitCode: 1, data: { armed: false } })
  })
})

describe('the first sign of a launch', () => {
  it('is a step where the smoke saw steps: a log that shows none is a failure, with the log', async () => {
    const ctx = await walkContext({ unitScript: 'echo loading\nsleep 60\n' })
    await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
    // This smoke saw no steps, so a line is all that can be asked for.
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    const smoke = ctx.run.state().latest.SmokeProof
    await ctx.run.append('proof.made', { ...smoke, id: 'smoke-2', payload: { stepSeconds: [0.2, 0.4] } })
    const sign = await firstSignOf(ctx, handleOf(ctx), 2)
    expect(sign).toMatchObject({ kind: 'none', logTail: ['loading'] })
    expect(sign.kind === 'none' && sign.reason).toMatch(/logs, and showed no step within 2 s; the smoke took/)
    expect(ctx.output.join('')).toContain('loading')
    // Steps that take longer than could be waited for are not waited for.
    await ctx.run.append('proof.made', { ...smoke, id: 'smoke-3', payload: { stepSeconds: [50] } })
    expect(await firstSignOf(ctx, handleOf(ctx), 2)).toMatchObject({ kind: 'log' })
    await end(ctx)
  })

  it('is a step that only the log names, by the pattern of the plan', async () => {
    const ctx = await walkContext({
      unitScript: 'echo loading\nsleep 1\necho "step: 1 loss: 0.5"\nsleep 60\n',
      plan: { logPattern: '{name}: {value}' },
    })
    await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
    const smoke = ctx.run.state().latest.SmokeProof
    await ctx.run.append('proof.made', { ...smoke, id: 'smoke-2', payload: { stepSeconds: [0.2] } })
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
    expect(receipt?.firstSign).toMatchObject({ kind: 'step' })
    await end(ctx)
  })
})
