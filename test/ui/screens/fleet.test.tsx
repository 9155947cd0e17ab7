import { describe, expect, it } from 'vitest'
import { freshPane } from '../../../screens/workbench/ui-state.ts'
import { allCommands } from '../../../src/commands/list/all.ts'
import { whyDisabled } from '../../../src/commands/registry.ts'
import { foldRecords } from '../../../src/run/fold.ts'
import { viewOf } from '../../../src/run/host-view.ts'
import { livenessOf, stageOf } from '../../../src/run/reader.ts'
import type { JournalKind, JournalRecord, RunState } from '../../../src/run/types.ts'
import { phaseStates } from '../../../src/walk/rail.ts'
import { draw, themes } from './draw.tsx'
import { nowMs, type Scene, sceneAt } from './fixture.ts'

/** A run on three hosts as its journal tells it: one works, one is silent since an hour, one has given its units back. */
function stateOf(): RunState {
  let sequence = 0
  const record = (kind: JournalKind, payload: unknown, agoMinutes = 0): JournalRecord => ({
    v: 1,
    sequence: ++sequence,
    fence: 1,
    previous: '',
    atMs: nowMs - agoMinutes * 60_000,
    kind,
    payload,
  })
  const identity = (host: string) => ({ host, hostname: host, machineId: host, bootId: 'b', user: '1000' })
  const receipt = (host: string) =>
    record(
      'proof.made',
      {
        ...{ id: `r-${host}`, kind: 'Receipt', phase: 'launch', atMs: nowMs - 7_200_000, host: identity(host) },
        ...{ boundTo: {}, needs: [], items: [], payload: { workers: 2, token: `t-${host}` } },
      },
      120,
    )
  const look = (host: string, state: string, done: number, agoMinutes: number) =>
    record(
      'host.observation',
      {
        host,
        observation: {
          ...{ v: 1, atMs: nowMs - agoMinutes * 60_000, state, sinceMs: 0, reasons: [`${state} it is`] },
          units: ['a', 'b', 'c'].map((unit, i) => ({
            unit: `${host}-${unit}`,
            ...{ index: i, state: i < done ? 'done' : 'running', seconds: 100 },
          })),
          gpu: {
            kind: 'known',
            gpus: [
              {
                name: 'NVIDIA H200',
                utilisationPercent: 97,
                memoryUsedMiB: 50,
                memoryTotalMiB: 100,
                temperatureCelsius: 71,
              },
            ],
          },
          disks: [{ usedFraction: 0.42, freeBytes: 1e9 }],
          eta: null,
        },
      },
      agoMinutes,
    )
  const state = foldRecords(null, [
    record('run.created', {
      runId: 'run-1',
      project: 'p',
      projectFolder: '/p',
      planName: 'n',
      planSha256: '',
      by: 'ada',
    }),
    record('fleet.set', { hosts: ['alpha', 'beta', 'gamma'] }),
    record('units.assigned', {
      ...{ generation: 1, from: null, why: 'equal', by: 'ada', planSha256: '' },
      shares: ['alpha', 'beta', 'gamma'].map((host) => ({ host, units: ['a', 'b', 'c'].map((u) => `${host}-${u}`) })),
    }),
    ...['alpha', 'beta', 'gamma'].map(receipt),
    ...['alpha', 'beta', 'gamma'].map((host) =>
      record(
        'meter.opened',
        { meterId: host, what: 'box', host, usdPerHour: 2.5, leaseUntilMs: nowMs + 3_600_000 },
        120,
      ),
    ),
    look('beta', 'running', 1, 90),
    look('beta', 'unknown', 1, 1),
    look('gamma', 'dead', 0, 30),
    record('units.assigned', {
      ...{ generation: 2, from: 'gamma', why: 'dead', by: 'ada', planSha256: '' },
      shares: [{ host: 'alpha', units: ['gamma-a', 'gamma-b', 'gamma-c'] }],
    }),
    look('alpha', 'running', 2, 0),
  ])
  if (state === null) throw new Error('no state')
  return state
}

async function sceneOf(state: RunState): Promise<Scene> {
  return { ...(await sceneAt('failed')), run: state }
}

const text = (lines: readonly string[]) => lines.join('\n')

describe('the screen of hosts', () => {
  it('shows every host with its state, the age of the last truth, units, cards, disk and money', async () => {
    const scene = await sceneOf(stateOf())
    const wide = text(draw({ scene, screen: 'fleet', columns: 200, rows: 60 }))
    expect(wide).toMatch(/alpha +running +just now +2\/1\/3 +1 at 97 %/)
    // Silent for a minute, and what it last said is an hour and a half old: unknown, with that age and no running units.
    expect(wide).toMatch(/beta +unknown +1 h/)
    expect(wide).toMatch(/1\/\?\/2/)
    expect(wide).toMatch(/gamma +dead, given/)
    expect(wide).toContain('3 hosts: 1 dead, 1 unknown, 1 running, 3 of 9 units, $7.50/h')
  })

  it('keeps host, state, age and units at 80 columns, in ASCII and without colour', async () => {
    const scene = await sceneOf(stateOf())
    const lines = draw({ scene, screen: 'fleet', columns: 80, rows: 24, theme: themes.ascii })
    expect(text(lines)).toMatch(/beta +unknown +1 h .*1\/\?\/2/)
    expect(text(lines)).toMatch(/gamma +dead, given/)
    expect(text(lines)).not.toMatch(/[^\x00-\x7f]/)
  })

  it('shows marks and the order that a person chose', async () => {
    const scene = await sceneOf(stateOf())
    const ui = {
      panes: {
        'fleet/#marks': { ...freshPane, open: ['alpha', 'beta', 'gone'] },
        'fleet/#sort': { ...freshPane, filter: 'state' },
      },
    }
    const shown = text(draw({ scene, screen: 'fleet', columns: 160, rows: 30, ui }))
    expect(shown).toContain('2 marked, by state')
    expect(shown).toMatch(/gamma +dead[\s\S]*\* +beta +unknown[\s\S]*\* +alpha +running/)
  })

  it('says of each act why it cannot be done with the host under the cursor', () => {
    const registry = allCommands()
    const why = (id: string, selection: string) => {
      const spec = registry.get(id)
      if (spec === undefined) throw new Error(`no command ${id}`)
      return whyDisabled(spec, { screen: 'fleet', run: stateOf(), hasPlan: true, busyWith: null, selection, nowMs })
    }
    expect(why('fleet.give-back', 'gamma')).toBe('gamma has no units to give back')
    expect(why('fleet.give-back', 'beta')).toBeNull()
    expect(why('fleet.remove', 'alpha')).toBe('nothing of alpha is verified yet; pull first (v)')
    expect(why('fleet.look', 'alpha')).toBeNull()
  })
})

describe('a run over several hosts as a whole', () => {
  it('is not called running while nobody knows how one of its hosts is', () => {
    const state = stateOf()
    expect(livenessOf(state, nowMs)).toMatchObject({ liveness: 'unknown', reason: expect.stringContaining('beta') })
    expect(livenessOf(viewOf(state, 'alpha'), nowMs).liveness).toBe('running')
    expect(stageOf(state)).toBe('launched')
    const { patrol, launch } = phaseStates(state, null, nowMs, null, { liveness: 'unknown' })
    expect([patrol.state, launch.state]).toEqual(['unknown', 'passed'])
  })
})
