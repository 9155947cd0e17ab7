import { describe, expect, it } from 'vitest'
import { textOf } from '../../../screens/workbench/model.ts'
import { paneLines } from '../../../screens/workbench/plain.ts'
import type { GuardFigure, HostLine, Observation } from '../../../src/patrol/types.ts'
import type { RunState } from '../../../src/run/types.ts'
import { asciiGlyphs } from '../../../src/ui/glyphs.ts'
import { draw, mount, themes } from './draw.tsx'
import { nowMs, type Scene, sceneAt } from './fixture.ts'

const hour = 3_600_000
const then = 'save and raise an alarm, and let the work go on (nothing bills)'
const guard = (more: Partial<GuardFigure> = {}): GuardFigure => ({
  ...{ atMs: nowMs - 2000, word: 'armed', number: 2, leftSeconds: 7200, alarm: null, why: null },
  ...more,
})

/** What is on record of each host of several: its newest look. */
const looksOf = (hosts: readonly HostLine[]) =>
  Object.fromEntries(
    hosts.map(({ host, state, truthAtMs }) => [
      host,
      { atMs: truthAtMs, payload: { state, unitsDone: 0, unitsTotal: 3 } },
    ]),
  )

/** A run whose lease was fixed by its launch and made longer by ada; `hosts` makes it one of several. */
async function leased(
  change: {
    readonly look?: Partial<Observation>
    readonly hosts?: readonly HostLine[]
    readonly untilMs?: number
  } = {},
): Promise<Scene> {
  const scene = await sceneAt('running')
  const run = scene.run as RunState
  const names = change.hosts?.map(({ host }) => host) ?? ['local']
  const { Approval: approval, Receipt: receipt } = run.latest
  if (approval === undefined || receipt === undefined) throw new Error('not launched')
  const of = (host: string) => ({
    ...receipt,
    id: `r-${host}`,
    host: { ...receipt.host, host } as NonNullable<typeof receipt.host>,
    payload: { ...(receipt.payload as object), token: host, leaseEnd: then },
  })
  const receipts = names.map(of)
  const state = {
    ...run,
    proofs: [...run.proofs.filter((each) => each !== receipt), ...receipts],
    latest: { ...run.latest, Receipt: receipts.at(-1) },
    intents: names.map((host) => ({
      ...{ intentId: host, act: 'launch', token: host, host, atMs: nowMs - hour, closed: { outcome: 'done' } },
      payload: { approvalId: approval.id, leaseUntilMs: change.untilMs ?? nowMs + hour },
    })),
    leaseExtensions: names.slice(0, 1).map((host) => ({
      ...{ approvalId: approval.id, token: host, host, number: 2, hours: 3, usd: 0, by: 'ada', atMs: nowMs - 600_000 },
      untilMs: change.untilMs ?? nowMs + 2 * hour + 59_000,
    })),
    ...(change.hosts === undefined
      ? {}
      : { fleet: { hosts: names, assignments: [], observations: looksOf(change.hosts) } }),
  } as unknown as RunState
  const observation = {
    ...(run.observation?.payload as Observation),
    guard: guard(),
    ...change.look,
    hosts: change.hosts,
  } as Observation
  return { ...scene, run: { ...state, observation: { atMs: observation.atMs, payload: observation } } }
}

function paneOf(scene: Scene, size: readonly [number, number] = [80, 24]) {
  const ui = { focus: { patrol: 'lease' } }
  const drawn = mount({ scene, screen: 'patrol', columns: size[0], rows: size[1], ui })
  const lines = drawn.lines()
  drawn.unmount()
  const pane = drawn.snapshot.model.panes.find(({ id }) => id === 'lease')
  if (pane?.kind !== 'text') throw new Error('no pane of the lease')
  return { pane, lines, texts: pane.lines.map(textOf) }
}

describe('the lease on the patrol screen', () => {
  it('says its end, what is left, the guard with its age, what then happens, and who gave more time', async () => {
    const { pane, texts } = paneOf(await leased())
    expect(texts).toEqual([
      'ends 2026-11-22 14:00 UTC, 2 h left',
      'guard armed, seen just now',
      `then: ${then}`,
      'extended by ada for 3 h, 10 min ago',
    ])
    expect(paneLines(pane, 80, asciiGlyphs).map((line) => line.trim())).toEqual(texts)
  })

  it('is whole at 80x24, in ASCII, and without colour', async () => {
    const scene = await leased()
    const ui = { focus: { patrol: 'lease' } }
    const text = draw({ scene, screen: 'patrol', columns: 80, rows: 24, ui, theme: themes.ascii }).join('\n')
    expect(text.split('\n').slice(3, -1).join('\n')).not.toMatch(/[^\n -~]/)
    for (const part of ['ends 2026-11-22 14:00 UTC, 2 h left', 'guard armed', 'nothing bills)', 'extended by ada'])
      expect(text).toContain(part)
    const wide = draw({ scene, screen: 'patrol', columns: 120, rows: 40 }).join('\n')
    for (const part of ['Lease', '2 h left', 'guard armed', 'let the work go on', 'extended by ada'])
      expect(wide).toContain(part)
  })

  it('calls no guard armed that the newest look did not see, nor one that is gone or raises an alarm', async () => {
    const old = await leased({ look: { guard: guard({ atMs: nowMs - 300_000 }) } })
    expect(paneOf(old).texts[1]).toBe('guard unknown; when last seen, 5 min ago: armed')
    const never = await leased({ look: { guard: undefined } as Partial<Observation> })
    expect(paneOf(never).texts[1]).toBe('guard unknown: no look has told')
    const gone = paneOf(await leased({ look: { guard: guard({ word: 'gone' }) } }))
    expect(gone.texts[1]).toBe('guard gone: nobody on the box ends the meter, seen just now')
    const alarm = paneOf(await leased({ look: { guard: guard({ alarm: 'save-failed', why: 'lease' }) } }))
    expect(alarm.texts[1]).toBe('guard armed, seen just now, alarm save-failed (lease)')
    for (const { pane } of [gone, alarm])
      expect((pane.lines[1] as readonly { token?: string }[])[0]?.token).toBe('severity.error')
    const stale = await leased({ look: { atMs: nowMs - 40_000, guard: guard({ atMs: nowMs - 40_000 }) } })
    expect(paneOf(stale).texts[1]).toBe('guard armed, seen 40 s ago ! 40 s old')
    const over = await leased({ untilMs: nowMs - 120_000 })
    expect(paneOf(over).texts[0]).toBe('ended 2026-11-22 11:58 UTC, 2 min ago')
  })

  it('of several hosts is that of each, with its own end, extension and guard', async () => {
    const line = (host: string, more: Partial<HostLine>): HostLine => ({
      ...{ host, state: 'running', isReleased: false, reason: null, truthAtMs: nowMs - 2000 },
      ...{ unitsDone: 0, unitsRunning: 1, units: 3, etaSeconds: null, guard: guard() },
      ...more,
    })
    const beta = { state: 'unknown', truthAtMs: nowMs - 900_000, guard: guard({ atMs: nowMs - 900_000 }) } as const
    const { texts, lines } = paneOf(await leased({ hosts: [line('alpha', {}), line('beta', beta)] }))
    expect(texts).toEqual([
      ...['alpha', 'ends 2026-11-22 14:00 UTC, 2 h left', 'guard armed, seen just now', `then: ${then}`],
      ...['extended by ada for 3 h, 10 min ago', 'beta', 'ends 2026-11-22 13:00 UTC, 1 h left'],
      ...['guard unknown; when last seen, 15 min ago: armed', `then: ${then}`, 'never extended'],
    ])
    expect(lines.join('\n')).toContain('never extended')
  })
})
