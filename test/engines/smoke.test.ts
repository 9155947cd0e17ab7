import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createRegistry } from '../../src/secret/registry.ts'
import { smoke } from '../../src/smoke/service.ts'
import type { SmokePayload } from '../../src/smoke/types.ts'
import { sha256Hex } from '../../src/spec/digest.ts'
import { planSchema } from '../../src/spec/schema.ts'
import { expandUnits } from '../../src/spec/units.ts'
import { redactValue } from '../../src/text/redact.ts'
import { processesOf } from './tools/box.ts'
import { prove, type WalkContext, type WalkOptions, walkContext } from './tools/context.ts'

async function ready(options?: WalkOptions): Promise<WalkContext> {
  const ctx = await walkContext(options)
  await prove(ctx, 'PlanDigest')
  return ctx
}
const proofOf = (ctx: WalkContext) => ctx.run.state().latest.SmokeProof
const payloadOf = (ctx: WalkContext) => proofOf(ctx)?.payload as SmokePayload
const item = (ctx: WalkContext, id: string) => proofOf(ctx)?.items.find((i) => i.id === id)
const failed = (ctx: WalkContext) =>
  proofOf(ctx)
    ?.items.filter((i) => i.result === 'fail' && i.severity === 'error')
    .map((i) => i.id)

/** Steps of a tenth of a second at most, times with fractions, and the fault that a test wants in `odd`. */
const script = (odd: { start?: string; result?: string; load?: string; end?: string } = {}) => `
${
  odd.load ??
  `step=0
if [ -f "$KX_CHECKPOINT_DIR/latest" ]; then
  [ "$(wc -c <"$KX_CHECKPOINT_DIR/latest")" -ge 64 ] || { echo 'checkpoint cannot be read' >&2; exit 5; }
  read -r step rest <"$KX_CHECKPOINT_DIR/latest"
fi`
}
[ -f "$KX_UNIT_DIR/result.json" ] && exit 0
${odd.start ?? ''}
while [ "$step" -lt 20 ]; do
  step=$((step + 1))
  echo "{\\"step\\":$step,\\"steps\\":20,\\"time\\":$(date +%s.%N),\\"loss\\":0.5,\\"checkpoint_s\\":0.001}" >>"$KX_UNIT_DIR/metrics.jsonl"
  if [ -f "$KX_CHECKPOINT_DIR/latest" ]; then cp "$KX_CHECKPOINT_DIR/latest" "$KX_CHECKPOINT_DIR/previous"; fi
  echo "$step ................................................................" >"$KX_CHECKPOINT_DIR/l.tmp"
  mv "$KX_CHECKPOINT_DIR/l.tmp" "$KX_CHECKPOINT_DIR/latest"
  sleep 0.03
done
echo '${odd.result ?? '{"acc":0.9,"nan_count":0}'}' >"$KX_UNIT_DIR/r.tmp" && mv "$KX_UNIT_DIR/r.tmp" "$KX_UNIT_DIR/result.json"
${odd.end ?? ''}
`

describe('smoke', () => {
  it('proves a good unit: end to end, killed and resumed, broken checkpoint refused, measured', async () => {
    const ctx = await ready({
      unitScript: script(),
      plan: { smoke: { units: 2, timeoutSeconds: 30, killAfterSteps: 4 } },
    })
    const answer = await smoke(ctx)
    expect(answer.exitCode, answer.summary).toBe(0)
    expect(failed(ctx)).toEqual([])
    for (const id of [
      'batches',
      'end-to-end',
      'no-nan',
      'shapes',
      'serialization',
      'above-chance',
      'resume',
      'load-latest',
      'checkpoint-roundtrip',
      'corrupt-checkpoint',
      'checkpoint-backup',
      'checkpoint-time',
      'wrapper',
      'unit-isolation',
      'digest-bound',
    ])
      expect(item(ctx, `smoke.${id}`), id).toMatchObject({ result: 'pass' })
    const payload = payloadOf(ctx)
    expect(payload).toMatchObject({
      stepsPerUnit: 20,
      units: ['value-1', 'value-2'],
      droppedSteps: 5,
      checkpointSeconds: 0.001,
    })
    expect(payload.unitSeconds).toHaveLength(2)
    // 20 steps have 19 gaps; five steps are dropped: 14 of each unit.
    expect(payload.stepSeconds).toHaveLength(28)
    expect(Math.min(...payload.stepSeconds)).toBeGreaterThan(0.02)
    expect(payload.peakRssBytes).toBeGreaterThan(100_000)
    expect(payload.checkpointBytes).toBeGreaterThan(64)
    expect(payload.machineClass).toMatch(/^cpu-/)
    expect(payload.resume?.killedAtStep).toBeGreaterThanOrEqual(4)
    expect(payload.resume?.resumedAtStep).toBeLessThanOrEqual((payload.resume?.killedAtStep ?? 0) + 1)
    expect(payload.resume?.resumedAtStep).toBeGreaterThan(1)
    expect(proofOf(ctx)?.boundTo).toEqual({
      code: ctx.loaded.digests.code,
      config: ctx.loaded.digests.config,
      data: ctx.loaded.digests.data,
    })
    // The evidence stays, the copies go.
    expect(existsSync(join(payload.folder, 'units/value-1/metrics.jsonl'))).toBe(true)
    expect(existsSync(join(payload.folder, 'code'))).toBe(false)
    expect(existsSync(join(payload.folder, 'units/value-1/checkpoints'))).toBe(false)
    expect(processesOf({ folder: payload.folder } as Parameters<typeof processesOf>[0])).toEqual([])
  })

  it('catches a unit that begins again, and one that takes a broken checkpoint for none', async () => {
    const ctx = await ready({ unitScript: script({ load: 'step=0' }) })
    expect(await smoke(ctx)).toMatchObject({ exitCode: 1 })
    expect(item(ctx, 'smoke.resume')).toMatchObject({
      result: 'fail',
      evidence: { summary: expect.stringContaining('began again at step 1') },
    })
    expect(item(ctx, 'smoke.corrupt-checkpoint')).toMatchObject({ result: 'fail' })
    expect(failed(ctx)).toEqual(
      ['smoke.resume', 'smoke.load-latest', 'smoke.corrupt-checkpoint'].sort((a, b) => order(ctx, a) - order(ctx, b)),
    )
  })

  it('catches a file outside the unit, a result cut in half, NaN, chance and a traceback', async () => {
    const stray = await ready({ unitScript: script({ end: 'echo x >"$KX_RUN_DIR/shared.txt"; echo x >cache.bin' }) })
    await smoke(stray)
    expect(failed(stray)).toEqual(['smoke.unit-isolation'])
    expect(item(stray, 'smoke.unit-isolation')?.evidence.detail?.toSorted()).toEqual(['code/cache.bin', 'shared.txt'])

    const cut = await ready({ unitScript: script({ result: '{"acc":0.9,"ok":' }) })
    await smoke(cut)
    expect(failed(cut)).toEqual(expect.arrayContaining(['smoke.end-to-end', 'smoke.serialization', 'smoke.shapes']))

    const nan = await ready({ unitScript: script({ result: '{"acc":0.3,"nan_count":2}' }) })
    await smoke(nan)
    expect(failed(nan)).toEqual(expect.arrayContaining(['smoke.no-nan', 'smoke.above-chance']))

    const crash = await ready({
      unitScript:
        'echo "Traceback (most recent call last):" >&2; echo "ModuleNotFoundError: No module named torch" >&2; exit 1',
    })
    expect(await smoke(crash)).toMatchObject({ exitCode: 1 })
    expect(failed(crash)).toEqual(
      expect.arrayContaining(['smoke.batches', 'smoke.imports', 'smoke.end-to-end', 'smoke.resume']),
    )
    expect(crash.output.join('')).toContain('No module named torch')
  })

  it('ends a unit that hangs when its time is over', async () => {
    const ctx = await ready({
      unitScript: 'sleep 600',
      plan: { smoke: { units: 1, timeoutSeconds: 1, killAfterSteps: 1 } },
    })
    expect(await smoke(ctx)).toMatchObject({ exitCode: 1 })
    expect(item(ctx, 'smoke.batches')?.evidence.summary).toContain('not done within')
    expect(processesOf({ folder: payloadOf(ctx).folder } as Parameters<typeof processesOf>[0])).toEqual([])
  })

  it('stores no secret that a unit prints, and lets nobody else read what it stores', async () => {
    const secrets = createRegistry()
    secrets.add('KEY', 'xK29-hunter-2-hunter', 'test')
    const scrub = (payload: unknown) => redactValue(payload, secrets).value
    const ctx = await ready({ unitScript: script({ start: 'echo "key is xK29-hunter-2-hunter"' }), scrub })
    expect((await smoke(ctx)).exitCode).toBe(0)
    const { folder } = payloadOf(ctx)
    expect(readFileSync(join(folder, 'units/value-1.log'), 'utf8')).toContain('key is ***')
    const under = (path: string): string[] =>
      readdirSync(path, { withFileTypes: true }).flatMap((entry) => [
        join(path, entry.name),
        ...(entry.isDirectory() ? under(join(path, entry.name)) : []),
      ])
    for (const path of under(ctx.run.folder)) {
      expect([path, statSync(path).mode & 0o077]).toEqual([path, 0])
      if (statSync(path).isFile()) expect(readFileSync(path, 'latin1')).not.toContain('hunter')
    }
  })

  it('ends what an earlier smoke left running when its kx was killed, and nothing else', async () => {
    const ctx = await ready({ unitScript: script() })
    const sleeper = (env: Record<string, string>) => spawn('sleep', ['60'], { stdio: 'ignore', env, detached: true })
    const lost = sleeper({ KX_RUN_ID: ctx.run.id, KX_SMOKE: '1' })
    const others = [
      sleeper({ KX_RUN_ID: ctx.run.id, KX_SMOKE: '0' }),
      sleeper({ KX_RUN_ID: `${ctx.run.id}0`, KX_SMOKE: '1' }),
    ]
    const ended = new Promise((resolve) => lost.once('exit', (_, signal) => resolve(signal)))
    const left = join(ctx.run.folder, 'evidence/smoke-of-before')
    mkdirSync(join(left, 'code'), { recursive: true })
    mkdirSync(join(left, 'units/value-1/checkpoints'), { recursive: true })
    writeFileSync(join(left, 'units/value-1/metrics.jsonl'), '')
    try {
      await smoke(ctx)
      expect(await ended).toBe('SIGKILL')
      expect(readdirSync(left)).toEqual(['units'])
      expect(readdirSync(join(left, 'units/value-1'))).toEqual(['metrics.jsonl'])
      expect(ctx.said.join('\n')).toContain('an earlier smoke')
      expect(others.map((each) => each.exitCode ?? each.signalCode)).toEqual([null, null])
    } finally {
      for (const each of [lost, ...others]) each.kill('SIGKILL')
    }
  })

  it('leaves the units of a smoke alone that another kx is at', async () => {
    const ctx = await ready({ unitScript: script() })
    const started = { title: 'Run the smoke', sourceSha256: '0'.repeat(64), args: {}, risk: 'change', dryRun: false }
    const who = { who: 'bob', via: 'cli', host: null }
    for (const cellId of ['c0', ctx.cell.cellId])
      await ctx.run.append('cell.started', { cellId, name: 'smoke.run', ...started, ...who })
    const env = { KX_RUN_ID: ctx.run.id, KX_SMOKE: '1' }
    const theirs = spawn('sleep', ['60'], { stdio: 'ignore', env, detached: true })
    try {
      await smoke(ctx)
      expect(theirs.exitCode ?? theirs.signalCode).toBeNull()
    } finally {
      theirs.kill('SIGKILL')
    }
  })

  describe('of a script that writes only a log', () => {
    const load = `step=0; [ -f "$KX_CHECKPOINT_DIR/s" ] && read -r step <"$KX_CHECKPOINT_DIR/s"`
    const printing = (say: string, before = 'step=0') => `${before}
while [ "$step" -lt 12 ]; do
  step=$((step + 1))
  ${say}
  echo "$step" >"$KX_CHECKPOINT_DIR/s.tmp" && mv "$KX_CHECKPOINT_DIR/s.tmp" "$KX_CHECKPOINT_DIR/s"
  sleep 0.05
done
echo "test acc: 0.9" >&2`
    const named = 'echo "step: $step   loss: 0.5"'
    const logPlan = (checkpoints = 0) => ({
      logPattern: '{name}: {value}',
      checkpoints: { bytes: checkpoints, count: checkpoints },
    })

    it('takes steps, metrics and the primary metric from it', async () => {
      const ctx = await ready({ unitScript: printing(named), plan: logPlan() })
      const answer = await smoke(ctx)
      expect(answer.exitCode, answer.summary).toBe(0)
      for (const id of ['end-to-end', 'one-batch', 'no-nan', 'shapes', 'serialization', 'above-chance', 'fast-finish'])
        expect(item(ctx, `smoke.${id}`), id).toMatchObject({ result: 'pass' })
      expect(item(ctx, 'smoke.above-chance')?.evidence.summary).toContain('0.9000')
      const { stepSeconds, folder } = payloadOf(ctx)
      expect(stepSeconds.length).toBeGreaterThan(3)
      expect(Math.min(...stepSeconds)).toBeGreaterThan(0.02)
      const read = (name: string) => readFileSync(join(folder, 'units/value-1', name), 'utf8')
      expect(JSON.parse(read('result.json'))).toEqual({ loss: 0.5, acc: 0.9, nan_count: 0 })
      expect(read('metrics.jsonl').split('\n')).toHaveLength(14)
    })

    it('fails for NaN, for chance, for a metric that is not there, and where nothing fits', async () => {
      const nan = await ready({ unitScript: printing('echo "loss: nan"'), plan: logPlan() })
      await smoke(nan)
      expect(failed(nan)).toEqual(['smoke.no-nan'])
      const chance = await ready({ unitScript: printing(named).replace('0.9', '0.4'), plan: logPlan() })
      await smoke(chance)
      expect(failed(chance)).toEqual(['smoke.above-chance'])
      const other = await ready({ unitScript: printing(named).replace('acc:', 'accuracy:'), plan: logPlan() })
      await smoke(other)
      expect(failed(other)).toEqual(['smoke.shapes'])
      const silent = await ready({
        unitScript: printing(named),
        plan: { ...logPlan(), logPattern: '{name} => {value}' },
      })
      await smoke(silent)
      expect(failed(silent)).toEqual(expect.arrayContaining(['smoke.end-to-end', 'smoke.one-batch', 'smoke.shapes']))
      expect(item(silent, 'smoke.no-nan')).toMatchObject({ result: 'unknown' })
    })

    it('sees it resume by the steps that it names, and says so where it names none', async () => {
      const resumes = await ready({ unitScript: printing(named, load), plan: logPlan(1) })
      await smoke(resumes)
      expect(item(resumes, 'smoke.resume')).toMatchObject({ result: 'pass' })
      expect(item(resumes, 'smoke.checkpoint-roundtrip')).toMatchObject({ result: 'pass' })
      const begins = await ready({ unitScript: printing(named), plan: logPlan(1) })
      await smoke(begins)
      expect(item(begins, 'smoke.resume')).toMatchObject({ result: 'fail' })
      const counted = await ready({ unitScript: printing('echo "loss: 0.5"', load), plan: logPlan(1) })
      await smoke(counted)
      for (const id of ['resume', 'load-latest', 'checkpoint-roundtrip'])
        expect(item(counted, `smoke.${id}`)).toMatchObject({
          result: 'unknown',
          reason: expect.stringContaining('names no step'),
        })
    })
  })

  it('kills a unit earlier that was over before the plan would kill it', async () => {
    const ctx = await ready({
      unitScript: script().replace('sleep 0.03', 'sleep 0.1').replaceAll('20', '3'),
      plan: { smoke: { units: 1, timeoutSeconds: 30, killAfterSteps: 50 } },
    })
    await smoke(ctx)
    expect(item(ctx, 'smoke.resume')).toMatchObject({ result: 'pass' })
    expect(payloadOf(ctx).resume?.killedAtStep).toBeLessThan(3)
    expect(payloadOf(ctx).resume?.resumedAtStep).toBeGreaterThan(1)
    expect(ctx.said.filter((line) => line.includes('over too soon'))).toHaveLength(1)
  })

  it.each([
    ['saves at its very end', 'echo 1 >"$KX_CHECKPOINT_DIR/last"'],
    ['leaves no checkpoint', ':'],
  ])('says unknown, with the figure, of a short unit that %s', async (_, save) => {
    const metric = `echo '{"step":1,"time":1,"loss":0.5}' >>"$KX_UNIT_DIR/metrics.jsonl"`
    const ctx = await ready({
      unitScript: `[ -f "$KX_UNIT_DIR/result.json" ] && exit 0
${metric}; echo '{"acc":0.9}' >"$KX_UNIT_DIR/result.json"; ${save}`,
    })
    const answer = await smoke(ctx)
    for (const id of ['resume', 'load-latest', 'checkpoint-roundtrip', 'corrupt-checkpoint'])
      expect(item(ctx, `smoke.${id}`), id).toMatchObject({ result: 'unknown', reason: expect.stringMatching(/\d/) })
    expect(answer.exitCode, answer.summary).toBe(4)
  })

  it('fails a unit that had the time to save, and did not', async () => {
    const ctx = await ready({
      unitScript: `echo '{"step":1,"time":1,"loss":0.5}' >>"$KX_UNIT_DIR/metrics.jsonl"; sleep 2.1
echo '{"acc":0.9}' >"$KX_UNIT_DIR/result.json"`,
    })
    await smoke(ctx)
    expect(item(ctx, 'smoke.resume')).toMatchObject({ result: 'fail' })
  })

  it('refuses without a plan, and leaves no proof', async () => {
    const ctx = await walkContext()
    expect(await smoke(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining('PlanDigest') })
    expect(proofOf(ctx)).toBeUndefined()
  })

  it('passes on the sample project', async () => {
    const sample = resolve(import.meta.dirname, '../../examples/cpcv')
    const ctx = await walkContext()
    const paths = (function list(folder: string): string[] {
      return readdirSync(folder).flatMap((name) => {
        const path = join(folder, name)
        if (name === 'out' || name === '.kx') return []
        return statSync(path).isDirectory() ? list(path) : [relative(sample, path)]
      })
    })(sample)
    for (const path of paths) cpSync(join(sample, path), join(ctx.loaded.projectFolder, path), { recursive: true })
    const plan = planSchema.parse({
      ...(parse(readFileSync(join(sample, 'kx.yaml'), 'utf8')) as object),
      environmentVariables: { CPCV_EPOCHS: '60' },
    })
    const code = paths.map((path) => {
      const bytes = readFileSync(join(sample, path))
      return { path, bytes: bytes.byteLength, sha256: sha256Hex(bytes), mode: 0o644 }
    })
    const walked: WalkContext = { ...ctx, loaded: { ...ctx.loaded, plan, units: expandUnits(plan), code } }
    await prove(walked, 'PlanDigest')
    const answer = await smoke(walked)
    expect(answer.exitCode, answer.summary).toBe(0)
    expect(item(ctx, 'smoke.checkpoint-roundtrip')).toMatchObject({
      result: 'pass',
      evidence: { summary: expect.stringContaining('last bit') },
    })
    expect(payloadOf(ctx)).toMatchObject({ stepsPerUnit: 60, units: ['split-00-01'] })
    expect(payloadOf(ctx).stepSeconds).toHaveLength(54)
    expect(payloadOf(ctx).peakRssBytes).toBeGreaterThan(10_000_000)
  })
})

function order(ctx: WalkContext, id: string): number {
  return proofOf(ctx)?.items.findIndex((i) => i.id === id) ?? -1
}
