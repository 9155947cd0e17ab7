import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { abortLaunch } from '../../src/launch/abort.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { observe } from '../../src/patrol/service.ts'
import { openRun, type WritableRun } from '../../src/run/handle.ts'
import { openIntent } from '../../src/run/intent.ts'
import { readLaunchedPlan } from '../../src/run/launched-plan.ts'
import { tokenFor } from '../../src/run/token.ts'
import { hasEnded, launchInDoubt } from '../../src/walk/end.ts'
import { processesOf, until } from './tools/box.ts'
import { prove, submitRequest, type WalkContext, type WalkOptions, walkContext } from './tools/context.ts'

/** Says nothing and does no step: a launch waits its whole minute for it. */
const silent = 'trap "exit 143" TERM; sleep 600 & wait'
const made: WalkContext[] = []
const others: WritableRun[] = []
async function ready(options: WalkOptions = { unitScript: silent }): Promise<WalkContext> {
  const ctx = await walkContext(options)
  made.push(ctx)
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
  return ctx
}
/** Another kx that has the same run open. */
async function beside(ctx: WalkContext): Promise<WalkContext> {
  const run = await openRun(ctx.run.folder, { clock: ctx.clock })
  others.push(run)
  return { ...ctx, run, cell: { ...ctx.cell, cellId: 'c2' } }
}
const box = (ctx: WalkContext) => ({ folder: ctx.box }) as Parameters<typeof processesOf>[0]
const receiptOf = (ctx: WalkContext) => ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
const intents = (ctx: WalkContext, act: string) => ctx.run.state().intents.filter((intent) => intent.act === act)
afterEach(async () => {
  for (const run of others.splice(0)) await run.close()
  for (const ctx of made.splice(0)) {
    const receipt = receiptOf(ctx)
    if (receipt !== undefined) await boxEngine.cancel(ctx.host, receipt.handle, 'test over', 1)
    expect(processesOf(box(ctx))).toEqual([])
  }
})

/** A start whose kx died before it heard of it: the intent is open, a runner may be there. */
async function lostStart(ctx: WalkContext, isStarted: boolean): Promise<void> {
  const token = tokenFor(ctx.run.id, 'launch', 1)
  const payload = { folder: ctx.box, attempt: 1, cellId: 'gone' }
  await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload })
  if (!isStarted) return
  await boxEngine.submit(ctx.host, submitRequest(ctx, token))
}

describe('an abort before the receipt', () => {
  it('has nothing to do where no launch is open', async () => {
    const ctx = await ready()
    expect(await abortLaunch(ctx, 'why not', 1)).toBeNull()
    expect(intents(ctx, 'abort')).toEqual([])
  })

  it('stops a launch that waits for its first sign, beside the kx that launches', async () => {
    const ctx = await ready()
    const launching = launch(ctx)
    await until(() => existsSync(join(ctx.box, 'runner.pid')))
    expect(receiptOf(ctx)).toBeUndefined()
    const other = await beside(ctx)
    const answer = await abortLaunch(other, 'wrong data', 2)
    expect(answer).toMatchObject({ exitCode: 0, summary: expect.stringContaining('wrong data') })
    expect(await launching).toMatchObject({ exitCode: 1, summary: expect.stringContaining('stopped') })
    expect(JSON.parse(readFileSync(join(ctx.box, 'exit.json'), 'utf8'))).toMatchObject({ reason: 'stopped' })
    expect(processesOf(box(ctx))).toEqual([])
    const state = await ctx.run.refresh()
    expect(state.proofs.filter((proof) => proof.kind === 'Receipt')).toHaveLength(1)
    expect(intents(ctx, 'abort')).toMatchObject([{ closed: { outcome: 'done' } }])
    expect(launchInDoubt(state)).toBeNull()
    expect(hasEnded(state, () => true)).toBe(true)
    expect(await observe(ctx)).toMatchObject({ data: { state: 'finished', signals: { exit: { reason: 'stopped' } } } })
  })

  it('finds the runner of a kx that died, stops it, and writes the receipt that was owed', async () => {
    const ctx = await ready()
    await lostStart(ctx, true)
    const answer = await abortLaunch(ctx, 'enough', 2)
    expect(answer).toMatchObject({ exitCode: 0 })
    expect(processesOf(box(ctx))).toEqual([])
    expect(receiptOf(ctx)).toMatchObject({
      token: tokenFor(ctx.run.id, 'launch', 1),
      attempt: 1,
      folder: ctx.box,
    })
    expect(intents(ctx, 'launch')).toMatchObject([{ closed: { outcome: 'done' } }])
    expect(ctx.run.state().meters).toMatchObject([{ closedAtMs: null }])
    expect(hasEnded(ctx.run.state(), () => true)).toBe(true)
  })

  it('closes a start that led to nothing, and says that nothing runs', async () => {
    const ctx = await ready()
    await lostStart(ctx, false)
    expect(await abortLaunch(ctx, 'enough', 2)).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining('nothing had been started'),
    })
    expect(intents(ctx, 'launch')).toMatchObject([{ closed: { outcome: 'failed' } }])
    expect(intents(ctx, 'abort')).toMatchObject([{ closed: { outcome: 'done' } }])
    expect(receiptOf(ctx)).toBeUndefined()
    // What was stopped once may be launched again.
    expect(launchInDoubt(ctx.run.state())).toBeNull()
  })

  it('keeps a launch from starting that has written its intent and nothing more', async () => {
    const ctx = await ready()
    const other = await beside(ctx)
    let aborting: ReturnType<typeof abortLaunch> | null = null
    // The abort comes in the moment after the intent: the launch asks before it starts anything.
    const run: WritableRun = new Proxy(ctx.run, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target)
        if (name !== 'append') return typeof value === 'function' ? value.bind(target) : value
        return async (...args: Parameters<WritableRun['append']>) => {
          const record = await target.append(...args)
          if (args[0] === 'intent.opened') {
            aborting = abortLaunch(other, 'changed my mind', 1)
            await until(() => other.run.state().intents.some((intent) => intent.act === 'abort'))
          }
          return record
        }
      },
    })
    // The cell is on record, as that of every act is: it tells that somebody is at it.
    await ctx.run.append('cell.started', {
      cellId: 'c1',
      name: 'launch.start',
      title: 'Launch',
      who: 'ada',
      via: 'cli',
    })
    expect(await launch({ ...ctx, run })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('changed my mind'),
    })
    expect(await aborting).toMatchObject({ exitCode: 0 })
    expect(existsSync(join(ctx.box, 'runner.pid'))).toBe(false)
    expect(intents(ctx, 'launch')).toMatchObject([{ closed: { outcome: 'failed' } }])
  })

  it('says unknown when the host does not tell, and leaves the launch in doubt', async () => {
    const ctx = await ready()
    await lostStart(ctx, true)
    const host = {
      ...ctx.host,
      script: async () => {
        throw new Error('link lost')
      },
    }
    const answer = await abortLaunch({ ...ctx, host }, 'enough', 1, { waitSeconds: 0.5 })
    expect(answer).toMatchObject({ exitCode: 4, summary: expect.stringContaining('link lost') })
    expect(launchInDoubt(await ctx.run.refresh())).not.toBeNull()
    expect(await abortLaunch(ctx, 'enough', 2)).toMatchObject({ exitCode: 0 })
    expect(intents(ctx, 'abort').map((intent) => intent.closed?.outcome)).toEqual(['unknown', 'done'])
  })
})

describe('the plan of a launch without a receipt', () => {
  it('is that of its intent', async () => {
    const ctx = await ready()
    const launching = launch(ctx)
    await until(() => existsSync(join(ctx.box, 'runner.pid')))
    expect(readLaunchedPlan(ctx.run.folder, ctx.run.state())?.plan.name).toBe('tiny')
    await abortLaunch(await beside(ctx), 'enough', 1)
    await launching
  })
})
