import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import type { Host } from '../../src/host/types.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { closeIntent, openIntent } from '../../src/run/intent.ts'
import { tokenFor } from '../../src/run/token.ts'
import { smoke } from '../../src/smoke/service.ts'
import { sha256Hex } from '../../src/spec/digest.ts'
import { processesOf, until } from './tools/box.ts'
import { prove, submitRequest, type WalkContext, type WalkOptions, walkContext } from './tools/context.ts'

const made: WalkContext[] = []
const needed = ['PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval'] as const
async function ready(options?: WalkOptions): Promise<WalkContext> {
  const ctx = await walkContext(options)
  made.push(ctx)
  await prove(ctx, ...needed)
  return ctx
}
const box = (ctx: WalkContext) => ({ folder: ctx.box }) as Parameters<typeof processesOf>[0]
afterEach(async () => {
  for (const ctx of made.splice(0)) {
    const receipt = receiptOf(ctx)
    if (receipt !== undefined) await boxEngine.cancel(ctx.host, receipt.handle, 'test over', 1)
    expect(processesOf(box(ctx))).toEqual([])
  }
})
const receiptOf = (ctx: WalkContext) => ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
const item = (ctx: WalkContext, id: string) => ctx.run.state().latest.Receipt?.items.find((i) => i.id === id)
const launches = (ctx: WalkContext) => ctx.run.state().intents.filter((i) => i.act === 'launch')
const ended = (ctx: WalkContext) =>
  until(() => {
    const path = join(ctx.box, 'exit.json')
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { reason: string }) : null
  })

describe('launch', () => {
  it('starts the units with intent first, and writes a receipt that everything is found by', async () => {
    const ctx = await ready()
    const answer = await launch(ctx)
    expect(answer).toMatchObject({ exitCode: 0 })
    const receipt = receiptOf(ctx)
    expect(receipt).toMatchObject({
      token: tokenFor(ctx.run.id, 'launch', 1),
      attempt: 1,
      folder: ctx.box,
      workers: 2,
      detach: 'setsid',
      resumed: false,
    })
    expect(receipt?.leaseUntilMs).toBeGreaterThan(Date.now() + 3_600_000)
    expect(launches(ctx)).toMatchObject([{ token: receipt?.token, closed: { outcome: 'done' } }])
    const kinds = readFileSync(join(ctx.run.folder, 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind)
    expect(kinds.indexOf('intent.opened')).toBeLessThan(kinds.indexOf('intent.closed'))
    expect(kinds.indexOf('intent.closed')).toBeLessThan(kinds.lastIndexOf('proof.made'))
    const config = readFileSync(join(ctx.run.folder, 'run-config.json'), 'utf8')
    expect(sha256Hex(config)).toBe(receipt?.runConfigSha256)
    const note = readFileSync(join(ctx.run.folder, 'recovery.md'), 'utf8')
    expect(note).toContain(ctx.box)
    expect(note).toContain(receipt?.token)
    for (const id of ['launch.intent-journal', 'launch.version-scripts', 'launch.detach', 'launch.alive-60s'])
      expect(item(ctx, id)).toMatchObject({ id, result: 'pass' })
    expect(ctx.run.state().latest.Receipt?.items.filter((i) => i.severity === 'error' && i.result === 'fail')).toEqual(
      [],
    )
    expect(ctx.run.state().meters).toMatchObject([{ host: 'local', usdPerHour: 0, closedAtMs: null }])
    expect(ctx.progressed.filter((p) => p.item !== undefined).length).toBeGreaterThan(15)
    expect(await ended(ctx)).toMatchObject({ reason: 'completed' })
  })

  it('walks a script that writes only a log from smoke to results', async () => {
    const ctx = await walkContext({
      unitScript: `for s in 1 2 3 4 5 6; do echo "step=$s loss=0.$s"; sleep 0.05; done; echo acc=0.75`,
      plan: { logPattern: '{name}={value}', checkpoints: { bytes: 0, count: 0 } },
    })
    made.push(ctx)
    await prove(ctx, 'PlanDigest')
    const smoked = await smoke(ctx)
    expect(smoked.exitCode, smoked.summary).toBe(0)
    await prove(ctx, 'AuditReport', 'PricedPlan', 'Approval')
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(await ended(ctx)).toMatchObject({ reason: 'completed' })
    const handle = receiptOf(ctx)?.handle
    if (handle === undefined) throw new Error('no handle')
    const { units } = await boxEngine.status(ctx.host, handle, ctx.loaded.units)
    expect(units.map(({ state, metrics }) => [state, metrics.acc, metrics.loss])).toEqual(
      Array(4).fill(['done', 0.75, 0.6]),
    )
  })

  it('refuses without the proofs that it needs, and starts nothing', async () => {
    const ctx = await walkContext()
    made.push(ctx)
    await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan')
    expect(await launch(ctx)).toMatchObject({ exitCode: 3, summary: expect.stringContaining('Approval') })
    expect(launches(ctx)).toEqual([])
    expect(existsSync(ctx.box)).toBe(false)
    const other = await walkContext()
    made.push(other)
    await prove(other, 'PlanDigest', 'PricedPlan', 'Approval')
    expect(await launch(other)).toMatchObject({ exitCode: 1 })
  })

  it('refuses when the smoke ran another command than the plan has now', async () => {
    const ctx = await walkContext()
    made.push(ctx)
    await prove(ctx, 'PlanDigest', 'AuditReport', 'PricedPlan', 'Approval')
    const smoked = {
      id: 's1',
      kind: 'SmokeProof',
      phase: 'smoke',
      atMs: Date.now(),
      // Of this very machine, or the gate is shut before anybody looks at the command.
      host: await ctx.host.identity(),
      boundTo: {},
      needs: [],
      items: [],
      payload: { unitSha256: 'd'.repeat(64) },
    }
    await ctx.run.append('proof.made', smoked)
    expect(await launch(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining('another command') })
    expect(launches(ctx)).toEqual([])
  })

  it('refuses the second launch of a receipt: while it runs, and when it is complete', async () => {
    const ctx = await ready({ env: { STEPS: '40' } })
    expect((await launch(ctx)).exitCode).toBe(0)
    const pid = receiptOf(ctx)?.handle.process.pid
    expect(await launch(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining(`process ${pid}`) })
    expect(launches(ctx)).toHaveLength(1)
    await ended(ctx)
    await until(() => processesOf(box(ctx)).length === 0)
    expect(await launch(ctx)).toMatchObject({ exitCode: 1 })
    expect(launches(ctx)).toHaveLength(1)
  })

  it('goes on where a runner that is seen dead stopped, and runs nothing twice', async () => {
    const ctx = await ready({ env: { STEPS: '20' } })
    await launch(ctx)
    const first = receiptOf(ctx)
    if (first === undefined) throw new Error('no receipt')
    await until(() => existsSync(join(ctx.box, 'units/value-1/exit')))
    process.kill(first.handle.process.pid, 'SIGKILL')
    await until(() => !existsSync(`/proc/${first.handle.process.pid}/fd/0`))
    const answer = await launch(ctx)
    expect(answer).toMatchObject({ exitCode: 0, summary: expect.stringContaining('Went on') })
    expect(receiptOf(ctx)).toMatchObject({ attempt: 2, resumed: true, folder: ctx.box })
    expect(await ended(ctx)).toMatchObject({ reason: 'completed', attempt: 2 })
    expect(readFileSync(join(ctx.box, 'units/value-1/attempts'), 'utf8').trim()).toBe('1')
    expect(ctx.run.state().meters.filter((meter) => meter.closedAtMs === null)).toHaveLength(1)
  })

  it('finds a start whose reply was lost, and does not start again', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    // The start happens, and this process dies before it hears of it.
    const token = tokenFor(ctx.run.id, 'launch', 1)
    await openIntent(ctx.run, {
      intentId: 'i1',
      act: 'launch',
      token,
      host: 'local',
      payload: { runConfigSha256: 'abc' },
    })
    const handle = await boxEngine.submit(ctx.host, submitRequest(ctx, token))
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(receiptOf(ctx)?.handle.process).toEqual(handle.process)
    expect(launches(ctx)).toMatchObject([{ intentId: 'i1', closed: { outcome: 'done' } }])
  })

  it('closes an intent that led to nothing, and launches under the next token', async () => {
    const ctx = await ready()
    const token = tokenFor(ctx.run.id, 'launch', 1)
    await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload: {} })
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'failed' } }, { closed: { outcome: 'done' } }])
    expect(receiptOf(ctx)).toMatchObject({ attempt: 2, resumed: false })
  })

  it('says unknown, and starts nothing, when the host cannot tell', async () => {
    const ctx = await ready()
    await openIntent(ctx.run, {
      intentId: 'i1',
      act: 'launch',
      token: tokenFor(ctx.run.id, 'launch', 1),
      host: 'local',
      payload: {},
    })
    await closeIntent(ctx.run, { intentId: 'i1', outcome: 'unknown', payload: {} })
    let isSilent = false
    const host: Host = {
      ...ctx.host,
      script: async (source, args, options) => {
        // The environment is read; after that the link is gone.
        if (isSilent) throw new Error('link lost')
        isSilent = true
        return ctx.host.script(source, args, options)
      },
    }
    expect(await launch({ ...ctx, host })).toMatchObject({ exitCode: 4, summary: expect.stringContaining('link lost') })
    expect(launches(ctx)).toHaveLength(1)
    expect(existsSync(ctx.box)).toBe(false)
  })

  it('fails with the log when the first unit crashes, and keeps the receipt open for patrol and teardown', async () => {
    const ctx = await ready({ unitScript: 'echo "Traceback: no such column" >&2; exit 3' })
    const answer = await launch(ctx)
    expect(answer).toMatchObject({ exitCode: 1, summary: expect.stringContaining('not seen alive') })
    expect(item(ctx, 'launch.alive-60s')).toMatchObject({ result: 'fail', severity: 'warn' })
    expect(ctx.output.join('')).toContain('Traceback: no such column')
    expect(receiptOf(ctx)?.firstSign).toMatchObject({ kind: 'none', reason: expect.stringContaining('exit code 3') })
  })

  it('fails before anything is started when a file changed under it', async () => {
    const ctx = await ready()
    const [first, ...rest] = ctx.loaded.code
    if (first === undefined) throw new Error('no code')
    const loaded = { ...ctx.loaded, code: [{ ...first, sha256: 'e'.repeat(64) }, ...rest] }
    expect(await launch({ ...ctx, loaded })).toMatchObject({ exitCode: 1, summary: expect.stringContaining('changed') })
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'failed' } }])
    expect(receiptOf(ctx)).toBeUndefined()
  })
})
