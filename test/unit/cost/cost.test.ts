import { describe, expect, it } from 'vitest'
import { extrapolationOf } from '../../../src/cost/extrapolate.ts'
import { capShortfall, pricePlan } from '../../../src/cost/price.ts'
import { costRules } from '../../../src/cost/rules.ts'
import { approve, price } from '../../../src/cost/service.ts'
import { smokeEvidence } from '../../../src/cost/smoke-evidence.ts'
import type { ApprovalPayload, CostInput, PricedPayload } from '../../../src/cost/types.ts'
import { checkPlan } from '../../../src/plan/service.ts'
import type { Profile } from '../../../src/profile/schema.ts'
import type { Plan } from '../../../src/spec/schema.ts'
import { isBlocking } from '../../../src/walk/item.ts'
import type { Proof } from '../../../src/walk/proof.ts'
import { testContext } from '../plan/context.ts'
import { basePlan, localProfile, nowMs } from '../plan/rule-input.ts'
import { samplePlan } from '../spec/sample.ts'

const smokePayload = {
  unitSeconds: [50],
  stepSeconds: Array.from({ length: 40 }, (_, i) => (i % 8 === 7 ? 2 : 1)),
  stepsPerUnit: 100,
  peakRssBytes: 1e8,
  checkpointBytes: 5000,
  checkpointSeconds: 0.2,
  units: ['split-00-01'],
  machineClass: 'cpu-x86_64-2c',
  droppedSteps: 5,
  resume: null,
  folder: '/x',
}
const rented = (usdPerHour: number | null): Profile => {
  const local = localProfile()
  return {
    ...local,
    platform: 'rented',
    kind: 'ssh-rental',
    billing: { ...local.billing, currency: 'USD', usdPerHour },
  }
}
function inputOf(
  change: { plan?: Partial<Record<keyof Plan, unknown>>; profile?: Profile; smoke?: object; nowMs?: number } = {},
): CostInput {
  const plan = basePlan(change.plan)
  const profile = change.profile ?? localProfile()
  const smoke = smokeEvidence({ ...smokePayload, ...change.smoke })
  return {
    plan,
    profile,
    smoke,
    priced: pricePlan({ plan, profile, smoke, codeBytes: 100 }),
    nowMs: change.nowMs ?? nowMs,
  }
}
const itemOf = (id: string, change: Parameters<typeof inputOf>[0] = {}) => {
  const found = costRules(inputOf(change)).find((i) => i.id === id)
  if (found === undefined) throw new Error(id)
  return found
}

describe('pricePlan', () => {
  it('costs nothing here, and says so', () => {
    const { priced } = inputOf()
    // 100 steps of 1 s + (50 - 45 x 1) s, six units on two workers.
    expect(priced.hoursP50).toBeCloseTo((3 * 105) / 3600)
    expect(priced).toMatchObject({ usdP50: 0, usdP90: 0, usdPerHour: 0, unitCount: 6, workers: 2, stepSamples: 40 })
    expect(priced.leaseHours).toBeCloseTo(Math.min(1, Math.max(0.25, (priced.hoursP90 ?? 0) * 1.5)))
    expect(priced.disk).toEqual({ needBytes: 2 * 5000 + 12 + 100, checkpointBytes: 5000, isMeasured: true })
  })
  it('keeps the lease within the cap', () => {
    const { priced } = inputOf({ plan: { budget: { usd: 0, hours: 0.2 } } })
    expect((priced.hoursP90 ?? 0) * 1.5).toBeGreaterThan(0.2)
    expect(priced.leaseHours).toBe(0.2)
  })
  it('never makes a zero of a price that is not known', () => {
    const { priced } = inputOf({ profile: rented(null) })
    expect(priced).toMatchObject({ usdPerHour: null, usdP50: null, usdP90: null })
    expect(capShortfall(priced)).toContain('money is not known')
  })
  it('takes nonsense in a payload for not measured', () => {
    expect(smokeEvidence('x')).toMatchObject({ unitSeconds: [], stepsPerUnit: null })
    expect(smokeEvidence({ ...smokePayload, unitSeconds: [-1], stepsPerUnit: Number.NaN })).toMatchObject({
      unitSeconds: [],
      stepsPerUnit: null,
      droppedSteps: 5,
    })
  })
})

describe('the items of the cost gate', () => {
  it('let a measured plan on this machine pass, with a reason for what does not apply', () => {
    const items = costRules(inputOf())
    expect(items.filter(isBlocking)).toEqual([])
    for (const i of items) if (i.result === 'not-applicable') expect(i.reason).toBeTruthy()
    expect(items.find((i) => i.id === 'cost.money')?.evidence.summary).toContain('$0')
  })
  it.each([
    ['cost.workload', 'unknown', { smoke: { unitSeconds: [], stepSeconds: [] } }],
    ['cost.time', 'unknown', { smoke: { stepSeconds: [1, 1] } }],
    ['cost.time', 'unknown', { smoke: { unitSeconds: [], stepSeconds: [] } }],
    ['cost.time', 'pass', {}],
    ['cost.money', 'unknown', { profile: rented(null) }],
    ['cost.money', 'pass', { profile: rented(0.5) }],
    ['cost.cap', 'pass', {}],
    ['cost.cap', 'fail', { plan: { budget: { usd: 0, hours: 0.05 } } }],
    ['cost.cap', 'fail', { profile: rented(2), plan: { budget: { usd: 0.01, hours: 1 } } }],
    ['cost.cap', 'unknown', { smoke: { unitSeconds: [], stepSeconds: [] } }],
    ['cost.vram-fit', 'not-applicable', {}],
    [
      'cost.vram-fit',
      'pass',
      { plan: { resources: { compute: 'gpu', gpus: 1, gpuMemoryMiB: 22_888 }, model: { parameters: 5e8 } } },
    ],
    [
      'cost.vram-fit',
      'fail',
      { plan: { resources: { compute: 'gpu', gpus: 1, gpuMemoryMiB: 22_888 }, model: { parameters: 2e9 } } },
    ],
    ['cost.vram-fit', 'unknown', { plan: { resources: { compute: 'gpu', gpus: 1 } } }],
    ['cost.deadline', 'pass', { plan: { deadline: new Date(nowMs + 3_600_000).toISOString() } }],
    ['cost.deadline', 'fail', { plan: { deadline: new Date(nowMs + 60_000).toISOString() } }],
    ['cost.price-stamp', 'pass', {}],
    ['cost.price-stamp', 'fail', { nowMs: Date.UTC(2027, 4, 1) }],
    ['cost.monitor-spend', 'fail', { profile: rented(1) }],
    ['cost.monitor-spend', 'pass', { profile: rented(1), plan: { abort: { costPercent: 90 } } }],
    ['cost.autoscale', 'fail', { profile: rented(1) }],
    ['cost.autoscale', 'pass', { plan: { abort: { idleMinutes: 30 } } }],
    ['cost.balance', 'unknown', { profile: rented(1) }],
    ['cost.local-enough', 'fail', { profile: rented(1) }],
    ['cost.local-enough', 'unknown', { profile: rented(1), smoke: { peakRssBytes: null } }],
    ['cost.meter-table', 'pass', {}],
    ['cost.spot-choice', 'not-applicable', {}],
    ['cost.checkpoint-interval', 'not-applicable', {}],
  ] as const)('%s can be %s', (id, result, change) => {
    expect(itemOf(id, change)).toMatchObject({ id, result })
  })
})

describe('price and approve', () => {
  async function smoked(planText = samplePlan) {
    const test = await testContext(planText)
    const plan = await checkPlan(test.ctx)
    const smoke = {
      id: 'smoke-1',
      kind: 'SmokeProof',
      phase: 'smoke',
      atMs: test.ctx.clock.nowMs(),
      machineClass: 'cpu-x86_64-2c',
      boundTo: test.ctx.loaded.digests,
      needs: [plan.proof?.id ?? ''],
      items: [],
      payload: smokePayload,
    }
    await test.run.append('proof.made', smoke)
    return test
  }

  it('refuses without a smoke and without a price', async () => {
    const { ctx, run } = await testContext()
    expect(await price(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining('kx smoke') })
    expect(await approve(ctx, { by: 'ada' })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('kx cost'),
    })
    expect(run.state().proofs).toEqual([])
  })

  it('prices, then takes a yes with an expiry of a day', async () => {
    const { ctx, run } = await smoked()
    const priced = await price(ctx)
    expect(priced.exitCode, priced.summary).toBe(0)
    expect(priced.proof).toMatchObject({
      kind: 'PricedPlan',
      machineClass: 'cpu-x86_64-2c',
      needs: ['proof-1', 'smoke-1'],
    })
    const approved = await approve(ctx, { by: ' ada ' })
    expect(approved.exitCode, approved.summary).toBe(0)
    const proof = run.state().latest.Approval
    const payload = proof?.payload as ApprovalPayload
    const frozen = priced.proof?.payload as PricedPayload
    expect(payload).toMatchObject({
      by: 'ada',
      capHours: 1,
      capUsd: 0,
      hoursP90: frozen.hoursP90,
      pricedPlanId: priced.proof?.id,
    })
    expect(proof?.expiresAtMs).toBe((proof?.atMs ?? 0) + 24 * 3_600_000)
    expect(proof?.needs).toEqual([priced.proof?.id])
  })

  it('is refused while the cap is below the p90, whatever override was given', async () => {
    const { ctx, run } = await smoked(
      samplePlan.replace('budget: { usd: 0, hours: 1 }', 'budget: { usd: 0, hours: 0.05 }'),
    )
    expect(await price(ctx)).toMatchObject({ exitCode: 1, summary: expect.stringContaining('cost.cap') })
    expect((await approve(ctx, { by: 'ada' })).exitCode).toBe(1)
    await run.append('override.given', { itemId: 'cost.cap', reason: 'it will do', by: 'ada', atMs: 1 })
    const second = await approve(ctx, { by: 'ada' })
    expect(second).toMatchObject({ exitCode: 1, summary: expect.stringContaining('above the cap') })
    expect(run.state().latest.Approval).toBeUndefined()
  })

  it('is refused when the code has changed since', async () => {
    const { ctx, put, again } = await smoked()
    await price(ctx)
    await put('train.mjs', 'console.log(process.env.KX_SEED, 2)\n')
    const result = await approve(await again(), { by: 'ada' })
    expect(result).toMatchObject({ exitCode: 1, summary: expect.stringContaining('stale') })
  })

  it('asks for a name and a sensible expiry', async () => {
    const { ctx } = await smoked()
    await price(ctx)
    expect((await approve(ctx, { by: ' ' })).exitCode).toBe(2)
    for (const expiresHours of [0, -1, Number.NaN, 1000])
      expect((await approve(ctx, { by: 'ada', expiresHours })).exitCode).toBe(2)
    expect((await approve(ctx, { by: 'ada', expiresHours: 2 })).exitCode).toBe(0)
  })

  it('does not outlive the price', async () => {
    const { run, again } = await smoked()
    const nearly = Date.UTC(2027, 4, 1) - 3_600_000
    const ctx = await again({ clock: { nowMs: () => nearly, monotonicMs: () => 0 } })
    const priced = await price(ctx)
    expect(priced.exitCode, priced.summary).toBe(0)
    await approve(ctx, { by: 'ada' })
    expect(run.state().latest.Approval?.expiresAtMs).toBe(Date.UTC(2027, 4, 1))
  })
})

describe('a smoke of another hardware class', () => {
  const proof = (
    kind: Proof['kind'],
    host: string,
    machineClass: string,
    unitSeconds: readonly number[] = [],
  ): Proof => ({
    id: `${kind}-${host}`,
    kind,
    phase: kind === 'SmokeProof' ? 'smoke' : 'audit',
    atMs: 1,
    host: { host, hostname: host, machineId: null, bootId: null, user: '0' },
    machineClass,
    boundTo: { code: 'c', config: 'd', data: 'e' },
    needs: [],
    items: [],
    payload: { ...smokePayload, unitSeconds },
  })
  const laptop = proof('SmokeProof', 'local', 'cpu-x86_64-2c', [100, 100])
  const audit = proof('AuditReport', 'pod', 'NVIDIA H200')

  it('is marked, with factor and source, and is no p90 while nobody measured the factor', () => {
    const carriedOver = extrapolationOf([laptop, audit], laptop, ['pod'])
    expect(carriedOver).toEqual({
      from: 'cpu-x86_64-2c',
      to: 'NVIDIA H200',
      factor: 1,
      source: 'assumed: no smoke of both classes is at hand',
      isFactorMeasured: false,
    })
    const plan = basePlan()
    const profile = rented(0.5)
    const smoke = smokeEvidence(smokePayload)
    const input = {
      plan,
      profile,
      smoke,
      priced: pricePlan({ plan, profile, smoke, codeBytes: 100, extrapolation: carriedOver }),
      nowMs,
    }
    expect(input.priced.isP90Assumed).toBe(true)
    expect(input.priced.basis).toContain('extrapolated from cpu-x86_64-2c to NVIDIA H200, times 1 (assumed')
    const found = (id: string) => costRules(input).find((i) => i.id === id)
    expect(found('cost.machine-class')).toMatchObject({ result: 'unknown', severity: 'warn' })
    expect(found('cost.time')?.result).toBe('unknown')
  })

  it('is scaled by what both classes measured of the same code', () => {
    const there = proof('SmokeProof', 'pod', 'NVIDIA H200', [20, 20])
    const measured = extrapolationOf([laptop, there, audit], laptop, ['pod'])
    expect(measured).toMatchObject({ factor: 0.2, isFactorMeasured: true })
    const other = { ...there, boundTo: { ...there.boundTo, code: 'x' } }
    expect(extrapolationOf([laptop, other, audit], laptop, ['pod'])?.isFactorMeasured).toBe(false)
    const plan = basePlan()
    const of = (extrapolation: typeof measured) =>
      pricePlan({ plan, profile: rented(0.5), smoke: smokeEvidence(smokePayload), codeBytes: 100, extrapolation })
    expect((of(measured).hoursP50 ?? 0) / (of(null).hoursP50 ?? 1)).toBeCloseTo(0.2)
  })

  it('is nothing to mark where it ran there, or on a machine of that class', () => {
    const there = proof('SmokeProof', 'pod', 'NVIDIA H200')
    expect(extrapolationOf([there, audit], there, ['pod'])).toBeNull()
    expect(extrapolationOf([there], there, ['pod'])).toBeNull()
    expect(extrapolationOf([proof('AuditReport', 'pod2', 'NVIDIA H200'), there], there, ['pod2'])).toBeNull()
    // The same host, of another class than it was when the smoke ran.
    expect(extrapolationOf([there, proof('AuditReport', 'pod', 'NVIDIA L4')], there, ['pod'])?.to).toBe('NVIDIA L4')
  })
})
