import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { endBeat } from '../../src/commands/beat.ts'
import { walkCommands } from '../../src/commands/list/walk.ts'
import type { CommandEnvironment } from '../../src/commands/types.ts'
import { boxEngine } from '../../src/engine/box/engine.ts'
import { launch } from '../../src/launch/service.ts'
import type { ReceiptPayload } from '../../src/launch/types.ts'
import type { Observation } from '../../src/patrol/types.ts'
import { openRun } from '../../src/run/handle.ts'
import { until } from '../engines/tools/box.ts'
import { commandEnvironment, prove, type WalkContext, walkContext } from '../engines/tools/context.ts'

let ctx: WalkContext
async function look(via: CommandEnvironment['via'] = 'auto'): Promise<Observation> {
  const spec = walkCommands.find((each) => each.id === 'patrol.tick')
  if (spec?.run === undefined) throw new Error('no look')
  return (await spec.run(commandEnvironment(ctx, via), spec.args.parse({}))).data as Observation
}
/** Rows of writers in the lock file: who has the run open now. */
function writers(): number {
  const db = new DatabaseSync(join(ctx.run.folder, 'journal.lock'), { readOnly: true })
  try {
    return Number(db.prepare('SELECT count(*) AS n FROM writer').get()?.n)
  } finally {
    db.close()
  }
}
/** Shells that stay open between looks: children of this process. */
const shells = () =>
  readdirSync('/proc').filter((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return stat.includes('(sh)') && parent === String(process.pid) && state !== 'Z'
    } catch {
      return false
    }
  }).length

beforeEach(async () => {
  ctx = await walkContext({ env: { STEPS: '600' } })
  for (const name of ['STATE', 'CONFIG', 'CACHE']) vi.stubEnv(`XDG_${name}_HOME`, join(ctx.home, name))
  vi.stubEnv('HOME', ctx.home)
  await prove(ctx, 'PlanDigest', 'AuditReport', 'SmokeProof', 'PricedPlan', 'Approval')
  expect((await launch(ctx)).exitCode).toBe(0)
})
afterEach(async () => {
  await endBeat()
  vi.unstubAllEnvs()
  await ctx.run.refresh()
  const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload | undefined
  if (receipt !== undefined) await boxEngine.cancel(ctx.host, receipt.handle, 'test over', 1)
})

describe('looks that come every second', () => {
  it('keep one run and its shells open, see what is written, and close all of it at the end', async () => {
    const before = writers()
    const shellsBefore = shells()
    const first = await look()
    expect(writers()).toBe(before + 1)
    const open = shells()
    expect(open).toBeGreaterThan(shellsBefore)
    const writes = (seen: Observation) => Math.max(...seen.units.map((u) => u.lastWriteMs ?? 0))
    let last = first
    // Files grow while nobody opens the run again.
    for (const end = Date.now() + 20_000; writes(last) <= writes(first) && Date.now() < end; ) last = await look()
    expect(writes(last)).toBeGreaterThan(writes(first))
    expect([writers(), shells()]).toEqual([before + 1, open])
    await endBeat()
    await until(() => shells() === shellsBefore)
    expect(writers()).toBe(before)
  })

  it('give the run up before any other act begins', async () => {
    const before = writers()
    await look()
    expect(writers()).toBe(before + 1)
    await look('key')
    expect(writers()).toBe(before)
  })

  it('go on under a new number when another kx has taken the run over', async () => {
    await look()
    const other = await openRun(ctx.run.folder, { clock: { nowMs: () => Date.now() }, fence: 'take' })
    await other.append('note', { text: 'taken over' })
    // The end of the runner is written down: a look that only reads would not notice the fence.
    const receipt = ctx.run.state().latest.Receipt?.payload as ReceiptPayload
    await boxEngine.cancel(ctx.host, receipt.handle, 'stopped by another', 1)
    await until(async () => (await look()).state !== 'running')
    await other.refresh()
    expect(other.state().latest.Outcome).toBeDefined()
    await other.close()
  })

  it('read everything anew when the folder of the run was replaced', async () => {
    await look()
    const aside = `${ctx.run.folder}-aside`
    renameSync(ctx.run.folder, aside)
    expect(await look().catch(() => null)).toBeNull()
    renameSync(aside, ctx.run.folder)
    expect(existsSync(ctx.run.folder)).toBe(true)
    expect((await look()).state).toBe('running')
  })
})
