import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { giveBack } from '../../../src/launch/shares.ts'
import type { ActContext, ActResult, LoadedPlan } from '../../../src/run/act.ts'
import { openRun } from '../../../src/run/handle.ts'
import type { JournalKind } from '../../../src/run/types.ts'
import { newRun, temporaryFolder } from '../run/support.ts'

/** What the walk asks for stands in for the real commands; the run, its journal and the giving back are real. */
const acts = vi.hoisted(
  () => new Map<string, (args: Readonly<Record<string, unknown>>) => Promise<{ exitCode: number }>>(),
)
vi.mock('../../../src/commands/list/all.ts', () => ({
  allCommands: () => ({
    get: (id: string) => ({
      id,
      title: id,
      args: { parse: (args: object) => args },
      run: (_env: unknown, args: Readonly<Record<string, unknown>>) => acts.get(id)?.(args),
    }),
  }),
}))
const { walkAuto } = await import('../../../src/commands/auto.ts')

const hosts = ['box1', 'box2']
const units = ['a', 'b', 'c', 'd']

beforeEach(() => {
  acts.clear()
  vi.stubEnv('XDG_STATE_HOME', temporaryFolder())
})
afterEach(() => {
  vi.unstubAllEnvs()
})

/** A run that was launched on two hosts, of which the first look finds the second as `second` says. */
async function walkWhere(second: 'dead' | 'unknown') {
  const { run, options, projectFolder } = await newRun()
  const { folder } = run
  await run.close()
  const append = async (...records: readonly (readonly [JournalKind, unknown])[]) => {
    const open = await openRun(folder, options)
    for (const [kind, payload] of records) await open.append(kind, payload)
    await open.close()
  }
  let made = 0
  const proof = (kind: string, host: string, payload: unknown, needs: readonly string[] = []) => {
    made += 1
    return [
      'proof.made',
      {
        ...{ id: kind === 'Receipt' ? `r-${host}-${(payload as { token: string }).token}` : `p-${made}`, kind, needs },
        ...{ phase: 'launch', atMs: Date.now(), boundTo: {}, items: [], payload },
        host: { host, hostname: host, machineId: host, bootId: 'b', user: '0' },
      },
    ] as const
  }
  const look = (host: string, state: string, done: readonly string[], of: readonly string[]) =>
    [
      'host.observation',
      {
        host,
        observation: {
          ...{ v: 1, atMs: Date.now(), state, sinceMs: 0, reasons: [`${state} it is`] },
          units: of.map((unit, index) => ({ unit, index, state: done.includes(unit) ? 'done' : 'running' })),
        },
      },
    ] as const
  const ended = (host: string, token: string, state: string) =>
    proof('Outcome', host, { state, reasons: ['no process and no exit file'] }, [`r-${host}-${token}`])

  const steps: string[] = []
  const act = (id: string, body: (args: Readonly<Record<string, unknown>>) => Promise<Partial<ActResult>>) =>
    acts.set(id, async (args) => {
      steps.push([id, ...Object.values(args)].join(' '))
      return { summary: id, exitCode: 0, data: null, ...(await body(args)) }
    })
  for (const id of ['plan.check', 'audit.run', 'smoke.run', 'cost.price', 'cost.approve']) act(id, async () => ({}))
  for (const id of ['teardown.verify', 'report.write']) act(id, async () => ({}))
  act('launch.start', async () => {
    const isFirst = steps.filter((step) => step === 'launch.start').length === 1
    if (!isFirst) await append(proof('Receipt', 'box1', { token: 't2' }))
    else
      await append(
        ['fleet.set', { hosts }],
        ...hosts.map((host) => proof('AuditReport', host, {})),
        [
          'units.assigned',
          {
            ...{ generation: 1, from: null, why: 'equal', by: 'ada', planSha256: '' },
            shares: [
              { host: 'box1', units: ['a', 'b'] },
              { host: 'box2', units: ['c', 'd'] },
            ],
          },
        ],
        ...hosts.map((host) => proof('Receipt', host, { token: 't1' })),
      )
    return {}
  })
  act('patrol.tick', async () => {
    const isFirst = steps.filter((step) => step === 'patrol.tick').length === 1
    if (!isFirst) {
      await append(look('box1', 'finished', ['a', 'b', 'd'], ['a', 'b', 'd']), ended('box1', 't2', 'finished'))
      return {}
    }
    await append(
      look('box1', 'running', ['a'], ['a', 'b']),
      look('box2', second, ['c'], ['c', 'd']),
      ...(second === 'dead' ? [ended('box2', 't1', 'dead')] : []),
    )
    return { exitCode: 1, summary: 'a finding' }
  })
  act('fleet.give-back', async ({ host }) => {
    const open = await openRun(folder, options)
    const plan = { hosts, units: { sequential: false }, resources: { compute: 'cpu', workers: 1 } }
    const given = await giveBack(
      {
        run: open,
        loaded: { plan, units: units.map((id) => ({ id })) } as unknown as LoadedPlan,
        who: 'ada',
        cell: { say: () => undefined },
      } as unknown as ActContext,
      { host: String(host), why: null, isLost: false },
    )
    await open.close()
    return given
  })
  const result = await walkAuto(
    {
      ...{ projectFolder, via: 'cli', who: 'ada', runId: null, settings: {}, signal: new AbortController().signal },
      progress: () => undefined,
    } as unknown as CommandEnvironment,
    {},
  )
  const open = await openRun(folder, options)
  const { fleet } = open.state()
  await open.close()
  return { result, steps: steps.slice(steps.indexOf('launch.start')), assignments: fleet?.assignments ?? [] }
}

describe('a walk that watches several hosts', () => {
  it('gives what a host that is seen dead had not finished to the others, starts it, and goes on to the end', async () => {
    const { result, steps, assignments } = await walkWhere('dead')
    expect(steps).toEqual([
      'launch.start',
      'patrol.tick',
      'fleet.give-back box2',
      'launch.start',
      'patrol.tick',
      'teardown.verify',
      'report.write',
    ])
    // What it had finished stays its own.
    expect(assignments.at(-1)).toMatchObject({ generation: 2, from: 'box2', shares: [{ host: 'box1', units: ['d'] }] })
    expect(result.exitCode).toBe(3)
    expect((result.data as { steps: { step: string }[] }).steps.map(({ step }) => step)).toContain(
      'fleet.give-back box2',
    )
  })

  it('gives nothing back for a host that is only silent: it stops and says so', async () => {
    const { result, steps, assignments } = await walkWhere('unknown')
    expect(steps).toEqual(['launch.start', 'patrol.tick'])
    expect(assignments).toHaveLength(1)
    expect([result.exitCode, result.summary]).toEqual([1, 'stopped at patrol.tick: a finding'])
  })
})
