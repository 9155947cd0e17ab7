import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { boxEngine } from '../../src/engine/box/engine.ts'
import type { BoxHandle } from '../../src/engine/types.ts'
import { tickLine } from '../../src/patrol/rules/line.ts'
import { openSamples } from '../../src/patrol/samples.ts'
import { abort, type ObserveOptions, observe } from '../../src/patrol/service.ts'
import type { Observation, OutcomePayload } from '../../src/patrol/types.ts'
import { openIntent } from '../../src/run/intent.ts'
import type { Proof } from '../../src/walk/proof.ts'
import { submitRequest, type WalkContext, type WalkOptions, walkContext } from '../engines/tools/context.ts'
import { waitUntil } from '../harness/wait.ts'

const started: (() => Promise<unknown>)[] = []
// Runs before the folders are removed (test/harness/undo.ts): nothing outlives a test that fails.
afterEach(async () => {
  for (const end of started.splice(0)) await end()
})

/** Submits for real and writes the receipt as launch does. */
async function launched(options: WalkOptions = {}): Promise<WalkContext & { readonly handle: BoxHandle }> {
  const ctx = await walkContext(options)
  const request = submitRequest(ctx, `kx-${ctx.run.id}-launch-1`, {
    timing: { graceSeconds: 2, heartbeatSeconds: 1, pollSeconds: 0.05 },
  })
  const handle = await boxEngine.submit(ctx.host, request)
  started.push(() => boxEngine.cancel(ctx.host, handle, 'the test is over', 1))
  const receipt: Proof = {
    id: 'receipt-1',
    kind: 'Receipt',
    phase: 'launch',
    atMs: Date.now(),
    host: await ctx.host.identity(),
    machineClass: 'cpu-x86_64-2c',
    boundTo: {},
    needs: [],
    items: [],
    payload: { handle, workers: 2, folder: ctx.box },
  }
  await ctx.run.append('proof.made', receipt)
  return Object.assign(ctx, { handle })
}

async function tick(ctx: WalkContext, options: ObserveOptions = {}) {
  const result = await observe(ctx, options)
  return { result, observation: result.data as Observation }
}

async function tickUntil(ctx: WalkContext, what: (o: Observation) => boolean, options: ObserveOptions = {}) {
  const deadline = performance.now() + 60_000
  for (;;) {
    const seen = await tick(ctx, options)
    if (what(seen.observation)) return seen
    if (performance.now() > deadline) throw new Error(`waited in vain: ${tickLine(seen.observation)}`)
  }
}
const unitId = (ctx: WalkContext, at: number) => ctx.loaded.units[at]?.id ?? ''
const open = (ctx: WalkContext) => ctx.run.state().findings.filter((finding) => finding.closedAtMs === null)

describe('patrol of a run on this machine', () => {
  it('says that nothing was launched', async () => {
    const ctx = await walkContext()
    expect(await observe(ctx)).toMatchObject({ exitCode: 1, data: null })
    expect(await abort(ctx, 'why not')).toMatchObject({ exitCode: 1 })
  })

  it('follows a run to its end and writes one outcome', async () => {
    const ctx = await launched()
    const live = await tickUntil(ctx, (o) => o.counts.running > 0)
    expect(live.observation.state).toBe('running')
    expect(live.result.exitCode).toBe(0)
    expect(live.result.proof).toBeUndefined()
    expect(live.observation.disks.map((disk) => disk.tier)).toEqual(ctx.profile.storage.tiers.map((tier) => tier.id))
    expect(live.observation.gpu.kind).not.toBe('known')
    expect(live.observation.machine.memoryTotalBytes).toBeGreaterThan(0)

    const end = await tickUntil(ctx, (o) => o.state === 'finished')
    expect(end.observation).toMatchObject({
      decision: 'done',
      exitCode: 0,
      unitsDone: 4,
      unitsTotal: 4,
      isSuspect: false,
    })
    expect(end.observation.units.map((row) => [row.state, row.metric, (row.seconds ?? -1) >= 0])).toEqual(
      Array(4).fill(['done', 0.9, true]),
    )
    const outcome = ctx.run.state().latest.Outcome as Proof<OutcomePayload>
    expect(outcome.payload).toMatchObject({ state: 'finished', isSuspect: false, unitsTotal: 4, exit: { code: 0 } })
    expect(outcome.needs).toEqual(['receipt-1'])
    expect(outcome.payload.unitSeconds.length).toBe(4)
    await tick(ctx)
    await tick(ctx)
    expect(ctx.run.state().proofs.filter((proof) => proof.kind === 'Outcome').length).toBe(1)
    // Every unit of this script ends with the same figure, and that is said.
    expect(open(ctx).map((finding) => finding.rule)).toEqual(['units-identical'])
    expect(ctx.run.state().observation?.payload).toMatchObject({ state: 'finished', unitsDone: 4, unitsTotal: 4 })

    const samples = openSamples(join(ctx.run.folder, 'samples.db'))
    expect(samples.metric(unitId(ctx, 0), 'loss').map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(samples.names()).toContain('disk.boxes.used')
    samples.close()
  })

  it('journals what changed, not every look', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    await tickUntil(ctx, (o) => o.counts.running === 2)
    await tick(ctx)
    const before = ctx.run.state().sequence
    for (let i = 0; i < 5; i++) await tick(ctx)
    expect(ctx.run.state().sequence).toBe(before)
    await tick(ctx, { record: 'always' })
    expect(ctx.run.state().sequence).toBe(before + 1)
  })

  it('finds a crash with its class and remedy, once', async () => {
    const unitScript = `echo starting
[ "$KX_UNIT_INDEX" = 0 ] && { echo 'OSError: [Errno 28] No space left on device' >&2; exit 1; }
echo '{"acc":0.9}' >"$KX_UNIT_DIR/r" && mv "$KX_UNIT_DIR/r" "$KX_UNIT_DIR/result.json"`
    const ctx = await launched({ unitScript })
    const end = await tickUntil(ctx, (o) => o.state === 'finished')
    expect(end.observation.exitCode).toBe(1)
    const failed = open(ctx).filter((finding) => finding.rule === 'unit-failed')
    expect(failed).toMatchObject([{ unit: unitId(ctx, 0), class: 'capacity', recipe: 'free-disk', severity: 'error' }])
    expect(failed[0]?.evidence).toContain('No space left')
    await tick(ctx)
    expect(open(ctx).filter((finding) => finding.rule === 'unit-failed').length).toBe(1)
    expect((ctx.run.state().latest.Outcome as Proof<OutcomePayload>).payload).toMatchObject({
      state: 'finished',
      exit: { reason: 'units-failed' },
      failedUnits: [unitId(ctx, 0)],
    })
  })

  it('begins anew after a relaunch: what the former attempt showed is closed', async () => {
    const unitScript = `[ "$KX_UNIT_INDEX" = 0 ] && exit 1
echo '{"acc":0.9}' >"$KX_UNIT_DIR/r" && mv "$KX_UNIT_DIR/r" "$KX_UNIT_DIR/result.json"`
    const ctx = await launched({ unitScript })
    await tickUntil(ctx, (o) => o.state === 'finished')
    const former = open(ctx).map((finding) => finding.findingId)
    expect(former.length).toBeGreaterThan(0)
    const receipt = ctx.run.state().latest.Receipt as Proof
    await waitUntil(() => Date.now() > Math.max(...open(ctx).map((finding) => finding.openedAtMs)))
    await ctx.run.append('proof.made', { ...receipt, id: 'receipt-2', atMs: Date.now() })
    await tick(ctx)
    // What still holds is said again, with the figures of now.
    expect(open(ctx).map((finding) => finding.rule)).toContain('unit-failed')
    expect(open(ctx).filter((finding) => former.includes(finding.findingId))).toEqual([])
    await tick(ctx)
    expect(open(ctx).filter((finding) => finding.rule === 'unit-failed').length).toBe(1)
  })

  it('calls a killed runner dead only after a second look', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    await tickUntil(ctx, (o) => o.counts.running === 2)
    const thresholds = { deadRecheckSeconds: 1 }
    // A unit has a pid on record, and a group of its own, a moment after it is running.
    const groups = await waitUntil(() => {
      try {
        const pids = [0, 1].map((n) =>
          Number(readFileSync(join(ctx.box, 'units', unitId(ctx, n), 'pid'), 'utf8').split(' ')[0]),
        )
        return pids.every((pid) => process.kill(-pid, 0)) ? pids : null
      } catch {
        return null
      }
    })
    process.kill(ctx.handle.process.pid, 'SIGKILL')
    for (const pid of groups) process.kill(-pid, 'SIGKILL')
    const first = await tickUntil(ctx, (o) => o.signals.isProcessAlive === false, { thresholds })
    expect(first.observation.state).toBe('unknown')
    expect(first.observation.exitCode).toBe(4)
    expect(ctx.run.state().latest.Outcome).toBeUndefined()
    const later = await tickUntil(ctx, (o) => o.state === 'dead', { thresholds })
    expect(later.observation.exitCode).toBe(1)
    expect(open(ctx).map((finding) => [finding.rule, finding.recipe])).toContainEqual(['dead', 'why-gone'])
  })

  it('is unknown when another machine answers, and touches nothing', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    const identity = await ctx.host.identity()
    const other = { ...ctx, host: { ...ctx.host, identity: async () => ({ ...identity, machineId: 'f'.repeat(32) }) } }
    const seen = await tick(other)
    expect(seen.observation).toMatchObject({ state: 'unknown', exitCode: 4 })
    expect(open(ctx).map((finding) => finding.rule)).toContain('another-machine')
    expect((await tick(ctx)).observation.state).toBe('running')
    expect(open(ctx).map((finding) => finding.rule)).not.toContain('another-machine')
  })

  it('is unknown when the host does not answer, and the last figures stay', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    await tickUntil(ctx, (o) => o.counts.running === 2)
    const lost = { kind: 'unknown', reason: 'link lost' } as const
    const nothing = {
      ending: lost,
      timedOut: false,
      stdout: new Uint8Array(),
      stderr: new Uint8Array(),
      stdoutBytes: 0,
      stderrBytes: 0,
      startedAtMs: Date.now(),
      durationMs: 1,
    }
    const broken = {
      ...ctx,
      host: {
        ...ctx.host,
        script: async () => nothing,
        exec: async () => nothing,
        identity: async () => Promise.reject(new Error('link lost')),
      },
    }
    const seen = await tick(broken)
    expect(seen.observation).toMatchObject({ state: 'unknown', exitCode: 4, unitsDone: null })
    expect(seen.observation.disks.every((disk) => disk.usedFraction === null)).toBe(true)
    expect(seen.observation.troubles.length).toBeGreaterThan(0)
    expect(seen.observation.gpu.kind).toBe('unknown')
  })

  it('reads a huge or odd log in bounded pieces', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    await tickUntil(ctx, (o) => o.counts.running === 2)
    const log = join(ctx.box, 'units', unitId(ctx, 0), 'log')
    appendFileSync(log, Buffer.alloc(6_000_000, 0))
    appendFileSync(log, `\n${'x'.repeat(200_000)}\nCUDA out of memory. Tried\n`)
    writeFileSync(join(ctx.box, 'units', unitId(ctx, 1), 'metrics.jsonl'), '\u0000\xff{{{\n{"step":1,"loss":1}\n', {
      flag: 'a',
    })
    const seen = await tickUntil(ctx, () => open(ctx).some((finding) => finding.rule === 'crash-mark'))
    expect(seen.observation.state).toBe('running')
    expect(open(ctx).find((finding) => finding.rule === 'crash-mark')).toMatchObject({
      unit: unitId(ctx, 0),
      recipe: 'vram-fit',
    })
  })
})

describe('abort', () => {
  it('journals the intent first, ends the group and sees it gone', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    await tickUntil(ctx, (o) => o.counts.running === 2)
    const result = await abort(ctx, 'wrong\nlearning rate', 3)
    expect(result.exitCode).toBe(0)
    const intent = ctx.run.state().intents.at(-1)
    expect(intent).toMatchObject({
      act: 'abort',
      closed: { outcome: 'done' },
      payload: { reason: 'wrong learning rate', by: 'ada' },
    })
    expect(await ctx.host.isAlive(ctx.handle.process)).toBe(false)
    expect(existsSync(join(ctx.box, 'exit.json'))).toBe(true)
    expect((ctx.run.state().latest.Outcome as Proof<OutcomePayload>).payload).toMatchObject({
      state: 'finished',
      exit: { reason: 'stopped' },
    })
    const again = await abort(ctx, 'again', 3)
    expect(again.exitCode).toBe(0)
    expect(ctx.run.state().intents.length).toBe(2)
  })

  it('closes what a killed kx has left open of it, at the next abort or when the end is seen', async () => {
    const ctx = await launched({ env: { STEPS: '400' } })
    const begun = (attempt: number) =>
      openIntent(ctx.run, {
        intentId: `killed-${attempt}`,
        act: 'abort',
        token: `kx-${ctx.run.id}-abort-${attempt}`,
        host: 'local',
        payload: { reason: 'enough', by: 'ada', receiptId: 'receipt-1', folder: ctx.box },
      })
    await begun(1)
    await tickUntil(ctx, (o) => o.counts.running === 2)
    expect(ctx.run.state().intents.at(-1)?.closed).toBeNull()
    expect((await abort(ctx, 'once more', 3)).exitCode).toBe(0)
    expect(ctx.run.state().intents.map((intent) => intent.closed?.outcome)).toEqual(['done', 'done'])
    await begun(3)
    await tick(ctx)
    expect(ctx.run.state().intents.at(-1)?.closed?.outcome).toBe('done')
  })
})
