import { expect, it } from 'vitest'
import { standing } from '../../../src/cli/shelves.ts'
import type { Meter } from '../../../src/run/types.ts'
import { draw, themes } from './draw.tsx'
import { nowMs, type Scene, sceneAt } from './fixture.ts'

const meter: Meter = {
  meterId: 'm1',
  what: 'RunPod pod',
  host: 'pod',
  usdPerHour: 0.4,
  openedAtMs: nowMs - 7_200_000,
  leaseUntilMs: null,
  closedAtMs: null,
  closedBecause: null,
  sights: [
    {
      atMs: nowMs - 60_000,
      kind: 'refuses',
      address: 'pod:22',
      hostKey: null,
      identity: null,
      words: 'pod:22 refuses the connection',
    },
  ],
  statements: [{ atMs: nowMs - 90_000, by: 'ada', what: 'done', verb: 'terminate', text: '' }],
}

async function scene(): Promise<Scene> {
  const torn = await sceneAt('torn-down')
  if (torn.run === null || torn.shelves.home === null) throw new Error('no run')
  const { home } = torn.shelves
  const row = { ...meter, runId: torn.run.runId, note: 'pod:22 refuses the connection' }
  return {
    ...torn,
    run: { ...torn.run, meters: [meter] },
    shelves: {
      ...torn.shelves,
      home: {
        ...home,
        meters: [row],
        runs: home.runs.map((run) => ({ ...run, state: 'unconfirmed', usdPerHour: 0.4 })),
      },
    },
  }
}

for (const theme of ['dark', 'ascii'] as const)
  it(`a meter that nobody saw end stays on the home screen with its price and age (80x24, ${theme})`, async () => {
    const at = { scene: await scene(), screen: 'home', columns: 80, rows: 24, theme: themes[theme] } as const
    expect(draw(at).join('\n')).toMatch(/unconfirmed +0\/45 .*\$0\.40\/h/)
    const text = draw({ ...at, ui: { focus: { home: 'meters' } } }).join('\n')
    expect(text).toMatch(/RunPod pod +pod +\$0\.40\/h +2 h/)
    expect(text).toMatch(/unconfirmed: pod:22 re/)
    expect(text).toContain('1 meter open: $0.40/h')
  })

it('the teardown screen says what was seen and said, and what to do', async () => {
  const text = draw({
    scene: await scene(),
    screen: 'teardown',
    columns: 120,
    rows: 60,
    theme: themes.dark,
    ui: { focus: { teardown: 'manifest' } },
  }).join('\n')
  expect(text).toContain('still billing, unconfirmed: $0.40/h')
  expect(text).toContain('terminate carried out (ada)')
  expect(text).toMatch(/refuses the connection/)
})

it('a run is not called torn down while its meter costs something', () => {
  expect(standing('torn down', [{ usdPerHour: 0.4 }])).toBe('unconfirmed')
  expect(standing('torn down', [{ usdPerHour: null }])).toBe('unconfirmed')
  expect(standing('torn down', [{ usdPerHour: 0 }])).toBe('torn down')
  expect(standing('torn down', [])).toBe('torn down')
  expect(standing('running', [{ usdPerHour: 0.4 }])).toBe('running')
})

it('the title of a run says so as well, until every meter was seen to end', async () => {
  const at = { scene: await scene(), screen: 'teardown', columns: 120, rows: 30, theme: themes.ascii } as const
  expect(draw(at)[0]).toContain('unconfirmed')
  const closed = { ...meter, closedAtMs: nowMs - 1000, closedBecause: 'seen' }
  const run = at.scene.run === null ? null : { ...at.scene.run, meters: [closed] }
  expect(draw({ ...at, scene: { ...at.scene, run } })[0]).toMatch(/torn down/)
})
