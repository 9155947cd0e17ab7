import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { plainResult } from '../../../src/cli/print.ts'
import { checkPlan } from '../../../src/plan/service.ts'
import type { PlanPayload } from '../../../src/plan/types.ts'
import { unitDigest } from '../../../src/spec/digest.ts'
import { gateFor } from '../../../src/walk/gates.ts'
import { samplePlan } from '../spec/sample.ts'
import { testContext } from './context.ts'

describe('checkPlan', () => {
  it('appends a proof that is bound to what lies on disk, and blocks nothing in a good project', async () => {
    const { ctx, run, progress } = await testContext()
    const result = await checkPlan(ctx)
    expect(result.exitCode, result.summary).toBe(0)
    const proof = run.state().latest.PlanDigest
    expect(proof).toEqual(result.proof)
    expect(proof?.boundTo).toEqual(ctx.loaded.digests)
    const payload = proof?.payload as PlanPayload
    expect(payload).toMatchObject({ unitCount: 6, workers: 2, profile: 'local', code: { files: 2 } })
    expect(payload.firstCommand).toEqual(['node', 'train.mjs', '--groups=0,1', '--seed=0'])
    expect(payload.data[0]).toMatchObject({ name: 'data/set.csv', bytes: 20 })
    expect(progress.filter((p) => p.item !== undefined).length).toBe(proof?.items.length)
  })

  it('says which items block, and lets a reason open them', async () => {
    const { ctx, run, put, said } = await testContext()
    await put('train.mjs', 'console.log(1)\n')
    await put('kx.yaml', samplePlan.replace(", '--seed={seed}'", ''))
    const result = await checkPlan(ctx)
    expect(result.exitCode).toBe(1)
    expect(result.summary).toContain('plan.seeds')
    expect(said.join('\n')).toContain('plan.seeds')
    await run.append('override.given', { itemId: 'plan.seeds', reason: 'no randomness in it', by: 'ada', atMs: 1 })
    const second = await checkPlan(ctx)
    expect(second.exitCode, second.summary).toBe(0)
    expect(second.proof?.items.find((i) => i.id === 'plan.seeds')?.override?.reason).toBe('no randomness in it')
    // The reason was given for that code, not for this.
    await put('train.mjs', 'console.log(Math.random())\n')
    const third = await checkPlan(ctx)
    expect(third.exitCode).toBe(1)
    expect(third.proof?.items.find((i) => i.id === 'plan.seeds')).toMatchObject({
      lapsed: { override: { reason: 'no randomness in it' }, why: 'the code has changed since' },
    })
    expect(third.proof?.items.find((i) => i.id === 'plan.seeds')?.override).toBeUndefined()
    expect(plainResult(third, false).join('\n')).toMatch(
      /override of .+ ago was for another state: the code has changed/,
    )
  })

  it('finds real facts: a secret, an untracked lock file, a program that is not sent', async () => {
    const { ctx, put, folder } = await testContext()
    execFileSync('git', ['init', '-q'], { cwd: folder })
    await put('.gitignore', 'train.mjs\n')
    await put('requirements.txt', 'numpy==2.3.1\n')
    await put('keys.txt', `a\n${'AKIA'}QWERTYUIOPASDFGH\n`)
    await put(
      'kx.yaml',
      samplePlan.replace('{ kind: system, interpreter: node }', '{ kind: uv, requirements: requirements.txt }'),
    )
    const { proof } = await checkPlan(ctx)
    const summary = (id: string) => proof?.items.find((i) => i.id === id)?.evidence.summary
    expect(summary('plan.secrets-by-name')).toBe('keys.txt:2 looks like an AWS access key id')
    expect(summary('plan.lockfile')).toContain('git does not track it')
    expect(summary('plan.required-inputs')).toBe('train.mjs: there, but not in the list that is sent')
    expect((proof?.payload as PlanPayload | undefined)?.git).toEqual({ commit: null, isDirty: true })
    expect(JSON.stringify(proof)).not.toContain('QWERTYUIOP')
  })

  it('reads config files and what they name', async () => {
    const { ctx, put } = await testContext()
    await put('c.yaml', 'train: { lr: 0.5, root: data }\n')
    await put(
      'kx.yaml',
      `${samplePlan}configFiles: [c.yaml]
configChecks:
  - { form: range, id: lr-main, key: train.lr, minimum: 0.00001, maximum: 0.01 }
  - { form: exists, id: data-root, key: train.root }
`,
    )
    const result = await checkPlan(ctx)
    expect(result.exitCode).toBe(1)
    const found = (id: string) => result.proof?.items.find((i) => i.id === id)
    expect(found('config.lr-main')).toMatchObject({ result: 'fail', severity: 'error' })
    expect(found('config.data-root')).toMatchObject({ result: 'pass' })
  })

  it('tells what is wrong with a plan that does not read any more, and makes no proof', async () => {
    const { ctx, run, put } = await testContext()
    await put('kx.yaml', samplePlan.replace('goal:', 'gaol:'))
    const result = await checkPlan(ctx)
    expect(result).toMatchObject({ exitCode: 1, summary: expect.stringContaining('kx.yaml:3') })
    expect(result.proof).toBeUndefined()
    expect(run.state().proofs).toEqual([])
  })

  it('knows an earlier, smaller run that was launched', async () => {
    const small = samplePlan.replace('groups: 4, choose: 2', 'groups: 3, choose: 1')
    const { ctx, run, put, again } = await testContext(small)
    await checkPlan(ctx)
    const receipt = {
      id: 'r',
      kind: 'Receipt',
      phase: 'launch',
      atMs: 1,
      boundTo: {},
      needs: [],
      items: [],
      payload: {},
    }
    await run.append('proof.made', receipt)
    await put('kx.yaml', samplePlan)
    const { proof } = await checkPlan(await again())
    expect(proof?.items.find((i) => i.id === 'plan.scale-ladder')).toMatchObject({ result: 'pass' })
  })
})

describe('the plan of a run that was launched', () => {
  async function launched() {
    const made = await testContext()
    const { ctx, run } = made
    await run.append('proof.made', {
      id: 'r1',
      kind: 'Receipt',
      phase: 'launch',
      atMs: ctx.clock.nowMs(),
      boundTo: ctx.loaded.digests,
      needs: [],
      items: [],
      payload: { unitSha256: unitDigest(ctx.loaded.plan) },
    })
    return made
  }
  const id = 'plan.same-as-launched'
  const close = { id: 'm1', kind: 'MeterStopped', phase: 'teardown', boundTo: {}, needs: [], items: [], payload: {} }

  it('says at once that other units cannot go on in it, and how to begin anew', async () => {
    const { run, put, again } = await launched()
    const same = await checkPlan(await again())
    expect(same.exitCode, same.summary).toBe(0)
    expect(same.proof?.items.find((i) => i.id === id)).toMatchObject({ result: 'pass' })
    await put('kx.yaml', samplePlan.replace(", '--seed={seed}'", ", '--seed={seed}', '--lr=1'"))
    const result = await checkPlan(await again())
    expect(result).toMatchObject({
      exitCode: 1,
      summary: 'this run was launched with another plan; new run: kx plan --new-run',
    })
    const gate = gateFor('audit', {
      state: run.state(),
      digests: result.proof?.boundTo ?? null,
      nowMs: Date.now(),
      host: null,
    })
    expect(gate.missing.map((missing) => missing.why).join()).toContain(id)
  })

  it('lets code change while it may go on, and not when the run is over', async () => {
    const { run, put, again } = await launched()
    await put('train.mjs', 'console.log(process.env.KX_SEED, 2)\n')
    expect((await checkPlan(await again())).exitCode).toBe(0)
    await run.append('proof.made', { ...close, atMs: 1 })
    const result = await checkPlan(await again())
    expect(result).toMatchObject({ exitCode: 1, summary: expect.stringContaining('over, and its code changed') })
  })

  it('is no matter before a launch', async () => {
    const { ctx } = await testContext()
    expect((await checkPlan(ctx)).proof?.items.some((item) => item.id === id)).toBe(false)
  })
})
