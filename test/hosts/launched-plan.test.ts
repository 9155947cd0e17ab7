import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { abort } from '../../src/commands/launch.ts'
import { walkCommands } from '../../src/commands/list/walk.ts'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import type { ActResult } from '../../src/run/act.ts'
import type { VerifiedPayload } from '../../src/teardown/types.ts'
import { until } from '../engines/tools/box.ts'
import { commandEnvironment, prove, type WalkContext, type WalkOptions, walkContext } from '../engines/tools/context.ts'

let ctx: WalkContext
const receiptOf = () => ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
async function does(id: string, args: object = {}): Promise<ActResult> {
  const spec = walkCommands.find((each) => each.id === id)
  if (spec?.run === undefined) throw new Error(`no command ${id}`)
  return spec.run(commandEnvironment(ctx), spec.args.parse(args))
}
async function launched(options: WalkOptions): Promise<void> {
  ctx = await walkContext(options)
  for (const name of ['STATE', 'CONFIG', 'CACHE']) vi.stubEnv(`XDG_${name}_HOME`, join(ctx.home, name))
  vi.stubEnv('HOME', ctx.home)
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
  expect((await launch(ctx)).exitCode).toBe(0)
}
/** The plan that was launched, as a person would have it in the project. */
const writePlan = (change: object) =>
  writeFileSync(
    join(ctx.loaded.projectFolder, 'kx.yaml'),
    JSON.stringify({ ...JSON.parse(JSON.stringify(ctx.loaded.plan)), ...change }),
  )

beforeEach(() => vi.unstubAllEnvs())
afterEach(async () => {
  vi.unstubAllEnvs()
  await ctx.run.refresh()
  const receipt = receiptOf()
  if (receipt !== undefined) await boxEngine.cancel(ctx.host, receipt.handle, 'test over', 1)
})

describe('a launched run, while its plan file is being edited', () => {
  it('can be looked at and stopped when the file cannot be read', async () => {
    await launched({ env: { STEPS: '400' } })
    writeFileSync(join(ctx.loaded.projectFolder, 'kx.yaml'), 'version: 1\nname: [unfinished')
    const seen = await does('patrol.tick')
    expect(seen.data).toMatchObject({ state: 'running', unitsTotal: 4 })
    expect(await abort(commandEnvironment(ctx), { reason: 'enough' })).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining('stopped'),
    })
    expect(existsSync(join(ctx.box, 'exit.json'))).toBe(true)
  })

  it('is judged by the units, the metrics and the steps that it was launched with', async () => {
    await launched({ env: { STEPS: '400' } })
    writePlan({ units: { range: { from: 1, to: 40 } } })
    const seen = (await does('patrol.tick')).data as Observation
    expect(seen.unitsTotal).toBe(4)
    expect(seen.units.map((row) => row.unit)).toEqual(['value-1', 'value-2', 'value-3', 'value-4'])
  })

  it('loses nothing that the launched plan declared, and pulls what was added', async () => {
    await launched({})
    await until(() => existsSync(join(ctx.box, 'exit.json')))
    for (let seen = await does('patrol.tick'); seen.proof === undefined; ) seen = await does('patrol.tick')
    writePlan({ artifacts: [{ glob: 'summary', minimumCount: 1, kind: 'other' }] })
    const verified = await does('teardown.verify')
    const payload = verified.proof?.payload as VerifiedPayload | undefined
    expect(payload?.totals.found).toBe(5)
    expect(existsSync(join(ctx.run.folder, 'artifacts/units/value-1/result.json'))).toBe(true)
    expect(readFileSync(join(ctx.run.folder, 'artifacts/summary'), 'utf8')).toContain('4')
  })
})
