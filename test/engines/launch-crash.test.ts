import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { createLocalHost } from '../../src/host/local.ts'
import type { Host } from '../../src/host/types.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import { openRun, type WritableRun } from '../../src/run/handle.ts'
import { openIntent } from '../../src/run/intent.ts'
import { tokenFor } from '../../src/run/token.ts'
import { processesOf, unitScript, until } from './tools/box.ts'
import { prove, submitRequest, type WalkContext, type WalkOptions, walkContext } from './tools/context.ts'

const made: WalkContext[] = []
const handles: WritableRun[] = []
async function ready(options?: WalkOptions): Promise<WalkContext> {
  const ctx = await walkContext(options)
  made.push(ctx)
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
  return ctx
}
const box = (ctx: WalkContext) => ({ folder: ctx.box }) as Parameters<typeof processesOf>[0]
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.close()
  for (const ctx of made.splice(0)) {
    await ctx.run.refresh()
    const receipt = receiptOf(ctx)
    if (receipt !== undefined) await boxEngine.cancel(ctx.host, receipt.handle, 'test over', 1)
    expect(processesOf(box(ctx))).toEqual([])
  }
})
const receiptOf = (ctx: WalkContext) => ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
const item = (ctx: WalkContext, id: string) => ctx.run.state().latest.Receipt?.items.find((i) => i.id === id)
const launches = (ctx: WalkContext) => ctx.run.state().intents.filter((i) => i.act === 'launch')
const startCell = (run: WritableRun, cellId: string) =>
  run.append('cell.started', {
    cellId,
    name: 'launch.start',
    title: 'Launch',
    sourceSha256: '0'.repeat(64),
    args: {},
    risk: 'spend',
    dryRun: false,
    who: 'ada',
    via: 'cli',
    host: null,
  })

/** A PATH with everything on it but systemd-run. */
function withoutSystemd(home: string): string {
  const folder = join(home, 'bin')
  mkdirSync(folder)
  for (const from of ['/usr/bin', '/bin'])
    for (const name of readdirSync(from))
      if (name !== 'systemd-run' && !existsSync(join(folder, name))) symlinkSync(join(from, name), join(folder, name))
  return folder
}

/** What `kx launch` would hand over when it is typed in a second terminal. */
async function secondTerminal(ctx: WalkContext): Promise<WalkContext> {
  const run = await openRun(ctx.run.folder, { clock: ctx.clock })
  handles.push(run)
  await startCell(run, 'c2')
  return { ...ctx, run, cell: { ...ctx.cell, cellId: 'c2' } }
}

async function startUnseen(ctx: WalkContext, payload: unknown, leaseUntilMs: number | null) {
  const token = tokenFor(ctx.run.id, 'launch', 1)
  await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload })
  return boxEngine.submit(ctx.host, submitRequest(ctx, token, { leaseUntilMs }))
}

describe('launch from two terminals at once', () => {
  it('lets the first one finish, and leaves its intent alone', async () => {
    const ctx = await ready({ env: { STEPS: '30' } })
    await startCell(ctx.run, 'c1')
    const second = await secondTerminal(ctx)
    let answer: Awaited<ReturnType<typeof launch>> | null = null
    const host: Host = {
      ...ctx.host,
      // The first is pushing still when the second one comes.
      write: async (path, bytes, mode) => {
        if (answer === null && path.endsWith('/plan.env')) answer = await launch(second)
        return ctx.host.write(path, bytes, mode)
      },
    }
    expect(await launch({ ...ctx, host })).toMatchObject({ exitCode: 0 })
    expect(answer).toMatchObject({ exitCode: 1, summary: expect.stringContaining('at it') })
    await ctx.run.refresh()
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'done' } }])
    expect(receiptOf(ctx)).toMatchObject({ attempt: 1 })
  })

  it('writes one receipt, also when the second comes while the first waits for a sign of life', async () => {
    const ctx = await ready({ env: { STEPS: '30' } })
    await startCell(ctx.run, 'c1')
    const second = await secondTerminal(ctx)
    let answer: Awaited<ReturnType<typeof launch>> | null = null
    const host: Host = {
      ...ctx.host,
      sha256: async (path, signal) => {
        if (answer === null && launches(ctx)[0]?.closed != null) answer = await launch(second)
        return ctx.host.sha256(path, signal)
      },
    }
    expect(await launch({ ...ctx, host })).toMatchObject({ exitCode: 0 })
    expect(answer).toMatchObject({ exitCode: 1, summary: expect.stringContaining('at it') })
    await ctx.run.refresh()
    expect(ctx.run.state().proofs.filter((proof) => proof.kind === 'Receipt')).toHaveLength(1)
  })
})

describe('a start whose launch died before its receipt', () => {
  it('gets a receipt with the lease and the cards that it was started with', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    const leaseUntilMs = Date.now() + 5_000_000
    await startUnseen(ctx, { runConfigSha256: 'abc', leaseUntilMs, gpus: ['GPU-1'] }, leaseUntilMs)
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(receiptOf(ctx)).toMatchObject({ leaseUntilMs, gpus: ['GPU-1'] })
    expect(ctx.run.state().meters).toMatchObject([{ leaseUntilMs, closedAtMs: null }])
  })

  it('does not claim what nobody has seen of it', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    await startUnseen(ctx, { runConfigSha256: 'abc' }, null)
    await launch(ctx)
    for (const id of ['launch.git-clean', 'launch.push-resumable'])
      expect(item(ctx, id)).toMatchObject({ result: 'unknown', severity: 'warn' })
    expect(item(ctx, 'launch.duplicate')?.evidence.summary).toContain('found')
  })

  it('is launched again when nothing but the push had begun', async () => {
    const ctx = await ready()
    const token = tokenFor(ctx.run.id, 'launch', 1)
    await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload: {} })
    await ctx.host.write(`${ctx.box}/code/unit.sh`, unitScript)
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'failed' } }, { closed: { outcome: 'done' } }])
  })

  it('goes on when nobody is left to read what it says, and is found', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    const host: Host = {
      ...ctx.host,
      exec: async (argv, options) => {
        if (!argv.includes('-s')) return ctx.host.exec(argv, options)
        // What prints into this has a reader that is gone, as when kx is killed.
        spawnSync('sh', ['-c', '"$@" | true', 'sh', ...argv], { input: options?.stdin as Uint8Array })
        throw new Error('kx was killed here')
      },
    }
    const token = tokenFor(ctx.run.id, 'launch', 1)
    // It says that its guard is armed before it begins the runner.
    const guard = { leaseSeconds: 600, hasMeter: false, park: null, absentSeconds: 600, stallSeconds: 600 }
    const request = submitRequest(ctx, token, { leaseUntilMs: null, guard })
    await expect(boxEngine.submit(host, request)).rejects.toThrow('killed here')
    expect(await boxEngine.find(ctx.host, ctx.box, token)).toMatchObject({ kind: 'one', handle: { token } })
    await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload: {} })
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(receiptOf(ctx)).toMatchObject({ attempt: 1, token })
  })

  it('is waited for while its shell lives, and given up when that shell is gone', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    const token = tokenFor(ctx.run.id, 'launch', 1)
    await openIntent(ctx.run, { intentId: 'i1', act: 'launch', token, host: 'local', payload: {} })
    await ctx.host.write(`${ctx.box}/code/unit.sh`, unitScript)
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19]
    writeFileSync(join(ctx.box, 'starter'), `${process.pid} ${ticks} ${bootId} ${token}\n`)
    writeFileSync(join(ctx.box, 'starting'), `${token}\n`)
    expect(await launch(ctx)).toMatchObject({ exitCode: 4, summary: expect.stringContaining('is under way') })
    expect(existsSync(join(ctx.box, 'starting'))).toBe(true)
    // The same process id, given out again since.
    writeFileSync(join(ctx.box, 'starter'), `${process.pid} 1 ${bootId} ${token}\n`)
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    expect(readFileSync(join(ctx.box, 'given-up'), 'utf8')).toBe(`${token}\n`)
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'failed' } }, { closed: { outcome: 'done' } }])
  })

  it('has a meter before anybody waits for a sign of life', async () => {
    const ctx = await ready({ env: { STEPS: '60' } })
    let metersWhileWaiting: number | null = null
    const host: Host = {
      ...ctx.host,
      script: async (source, args, options) => {
        if (existsSync(join(ctx.box, 'detach'))) metersWhileWaiting ??= ctx.run.state().meters.length
        return ctx.host.script(source, args, options)
      },
    }
    await launch({ ...ctx, host })
    expect(metersWhileWaiting).toBe(1)
  })
})

describe('a start that came to nothing', () => {
  it('is known to have failed, so that the next launch may try', async () => {
    const ctx = await ready()
    const none = { ...ctx, profile: { ...ctx.profile, detach: ['systemd' as const] } }
    const env = { PATH: process.env.PATH ?? '', HOME: ctx.home }
    const bare = createLocalHost({ env: { ...env, PATH: withoutSystemd(ctx.home) } })
    expect(await launch({ ...none, host: bare })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('no way to detach worked'),
    })
    await bare.close()
    expect(launches(ctx)).toMatchObject([{ closed: { outcome: 'failed' } }])
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
  })

  it('keeps a runner out that comes after it was given up', async () => {
    const ctx = await ready()
    const started = await startUnseen(ctx, {}, null)
    await boxEngine.cancel(ctx.host, started, 'once more', 1)
    const token = tokenFor(ctx.run.id, 'launch', 1)
    for (const name of ['runner.pid', 'starting']) rmSync(join(ctx.box, name), { force: true })
    writeFileSync(join(ctx.box, 'given-up'), `${token}\n`)
    const late = spawnSync('sh', [join(ctx.box, started.runner), ctx.box])
    expect(late.status).toBe(75)
    expect(existsSync(join(ctx.box, 'runner.pid'))).toBe(false)
    expect(await boxEngine.find(ctx.host, ctx.box, token)).toEqual({ kind: 'none' })
  })
})

describe('a relaunch', () => {
  it('runs under the lease of the approval that allowed it', async () => {
    const ctx = await ready({ env: { STEPS: '20' } })
    await launch(ctx)
    const first = receiptOf(ctx)
    if (first === undefined) throw new Error('no receipt')
    process.kill(first.handle.process.pid, 'SIGKILL')
    await until(() => !existsSync(`/proc/${first.handle.process.pid}/fd/0`))
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    const open = ctx.run.state().meters.filter((meter) => meter.closedAtMs === null)
    expect(open).toHaveLength(1)
    expect(open[0]?.leaseUntilMs).toBe(receiptOf(ctx)?.leaseUntilMs)
    // Fixed by the first launch: a relaunch is no extension.
    expect(receiptOf(ctx)?.leaseUntilMs).toBe(first.leaseUntilMs)
  })

  it('has one meter, also when kx was killed between its own and the end of the one before', async () => {
    const ctx = await ready({ env: { STEPS: '20' } })
    await launch(ctx)
    const first = receiptOf(ctx)
    if (first === undefined) throw new Error('no receipt')
    process.kill(first.handle.process.pid, 'SIGKILL')
    await until(() => !existsSync(`/proc/${first.handle.process.pid}/fd/0`))
    const ids = [1, 2].map((attempt) => `local-${ctx.run.id}-${attempt}`)
    await ctx.run.append('meter.opened', { meterId: ids[1], what: 'box', host: 'local', usdPerHour: 0 })
    expect(await launch(ctx)).toMatchObject({ exitCode: 0 })
    const { meters } = ctx.run.state()
    expect(meters.map((meter) => meter.meterId)).toEqual(ids)
    expect(meters.map((meter) => meter.closedAtMs !== null)).toEqual([true, false])
  })

  it('runs the steps of the plan as it is now, and none that was taken out of it', async () => {
    const step = (name: string, command: string[]) => ({ name, command, timeoutSeconds: 20 })
    const ctx = await ready({ plan: { after: [step('broken', ['false']), step('second', ['true'])] } })
    await launch(ctx)
    await until(() => existsSync(join(ctx.box, 'exit.json')))
    await until(() => processesOf(box(ctx)).length === 0)
    const plan = { ...ctx.loaded.plan, after: [step('mended', ['true'])] }
    expect(await launch({ ...ctx, loaded: { ...ctx.loaded, plan } })).toMatchObject({ exitCode: 0 })
    const exit = await until(() =>
      existsSync(join(ctx.box, 'exit.json')) ? readFileSync(join(ctx.box, 'exit.json'), 'utf8') : null,
    )
    expect(exit).toContain('completed')
    expect(readdirSync(join(ctx.box, 'steps'))).toEqual(['00-mended'])
  })

  it('is refused when the units are no longer what was launched', async () => {
    const ctx = await ready({ env: { STEPS: '20' } })
    await launch(ctx)
    const first = receiptOf(ctx)
    if (first === undefined) throw new Error('no receipt')
    process.kill(first.handle.process.pid, 'SIGKILL')
    await until(() => !existsSync(`/proc/${first.handle.process.pid}/fd/0`))
    const plan = { ...ctx.loaded.plan, command: ['sh', 'unit.sh', '--other'] }
    const answer = await launch({ ...ctx, loaded: { ...ctx.loaded, plan } })
    expect(answer).toMatchObject({ exitCode: 1, summary: expect.stringContaining('new run') })
    expect(launches(ctx)).toHaveLength(1)
  })
})
