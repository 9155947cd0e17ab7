import { describe, expect, it } from 'vitest'
import type { PaneModel } from '../../../screens/workbench/model.ts'
import { textOf } from '../../../screens/workbench/model.ts'
import { paneLines } from '../../../screens/workbench/plain.ts'
import { unicodeGlyphs } from '../../../src/ui/glyphs.ts'
import { draw, mount } from './draw.tsx'
import { type Stage, sceneAt } from './fixture.ts'

async function patrolAt(stage: Stage, change: (scene: Awaited<ReturnType<typeof sceneAt>>) => object = () => ({})) {
  const scene = await sceneAt(stage)
  const drawn = mount({ scene: { ...scene, ...change(scene) }, screen: 'patrol', columns: 120, rows: 40 })
  const lines = drawn.lines()
  drawn.unmount()
  const { model, input } = drawn.snapshot
  const pane = <K extends PaneModel['kind']>(id: string, kind: K) => {
    const found = model.panes.find((p) => p.id === id)
    if (found?.kind !== kind) throw new Error(`no ${kind} ${id}`)
    return found as Extract<PaneModel, { kind: K }>
  }
  return { model, input, pane, lines }
}
const spansOf = (line: unknown) =>
  typeof line === 'string' ? [{ text: line }] : (line as { text: string; token?: string }[])

describe('how a run stands', () => {
  it('is said with the age of the look', async () => {
    const { model, lines, pane } = await patrolAt('running')
    expect(textOf(model.summary)).toMatch(
      /^running, looked just now – 12 of 45 done, ETA 1 min 49 s \(n=12\), 2 running, 31 queued$/,
    )
    expect(pane('machine', 'meters').note).toBe('looked just now')
    expect(lines[0]).toMatch(/ running .*seen just now$/)
  })

  it('is marked as stale after 15 s without a look, everywhere', async () => {
    const { model, lines, pane } = await patrolAt('stale')
    expect(textOf(model.summary)).toContain('! stale, looked 40 s ago')
    expect(lines[0]).toContain('running ! stale')
    expect(pane('units', 'table').note).toEqual(['12/45  ! stale, looked 40 s ago', '12/45'])
    expect(pane('machine', 'meters').note).toBe('! stale, looked 40 s ago')
    const bars = pane('machine', 'meters').rows.flatMap((r) => (r.kind === 'meter' ? [r] : []))
    for (const bar of bars) expect(bar.text ?? bar.unknown).toMatch(/ ! 40 s old$/)
  })

  it('is unknown when the last look is too old, and never green then', async () => {
    const { model, lines } = await patrolAt('unknown')
    expect(textOf(model.summary)).toMatch(/^unknown, ! stale, looked 21 min ago – .*Not looked at for 21 min\.$/)
    expect(lines[0]).toMatch(/ unknown /)
    expect(lines[0]).not.toContain('running')
    for (const span of spansOf(model.summary)) expect(span.token).not.toBe('state.pass')
  })

  it('does not grow old when the run is over', async () => {
    const { model } = await patrolAt('finished')
    expect(textOf(model.summary)).toMatch(
      /^finished, looked 22 min ago – 1 error, 45 of 45 done {2}completed: 45 of 45 units$/,
    )
  })

  it('is not green when the end is suspect', async () => {
    const { model } = await patrolAt('finished', ({ run }) => {
      const payload = { ...(run?.observation?.payload as object), isSuspect: true }
      return { run: { ...run, observation: { atMs: run?.observation?.atMs, payload } } }
    })
    expect(textOf(model.summary)).toMatch(/^finished \(suspect\)/)
    expect(spansOf(model.summary)[0]?.token).toBe('severity.warn')
  })

  it('is unknown after a launch that nobody has looked at', async () => {
    const { model } = await patrolAt('launched')
    expect(spansOf(model.summary)[0]).toEqual({ text: 'unknown', token: 'state.unknown' })
  })
})

describe('findings', () => {
  it('of one rule are one row with their number, the gravest first, without those that are closed', async () => {
    const { pane } = await patrolAt('failed')
    const { rows, note } = pane('findings', 'table')
    expect(note).toEqual(['21 open, Enter shows each', '21 open'])
    expect(rows.map((r) => [r.id, r.cells[0], r.cells[1]])).toEqual([
      ['nan', 'error', ''],
      ['unit-slow', 'error', '20'],
    ])
    expect(rows[1]?.cells[5]).toBe('1 seen')
  })

  it('are each shown when the row is opened, at 80x24', async () => {
    const scene = await sceneAt('failed')
    const open = { rowId: 'unit-slow', index: 1, top: 0, filter: '', open: ['unit-slow'], isFollowing: true }
    const text = draw({
      scene,
      screen: 'patrol',
      columns: 80,
      rows: 24,
      ui: { focus: { patrol: 'findings' }, panes: { 'patrol/findings': open } },
    }).join('\n')
    expect(text).toContain('error: split-02-06 takes 4 times as long as expected, since 21 min ago')
    expect(text).toMatch(/warn: split-00-02 takes 3 times as long as expected, since 2 min ago, seen/)
    expect(text).toMatch(/and 12 more: split-/)
    expect(text).toContain('remedy: Look whether it advances;')
  })

  it('say that nobody has looked yet, also where a row was open before', async () => {
    const open = { rowId: null, index: 0, top: 0, filter: '', open: ['unit-slow'], isFollowing: true }
    const ui = { focus: { patrol: 'findings' }, panes: { 'patrol/findings': open } }
    const scene = await sceneAt('launched')
    const text = draw({ scene, screen: 'patrol', columns: 80, rows: 24, ui }).join('\n')
    expect(text).toContain('not looked at yet')
    expect(text).not.toContain('none open')
  })

  it('are whole in the plain form', async () => {
    const { pane } = await patrolAt('failed')
    const text = paneLines(pane('findings', 'table'), 80, unicodeGlyphs).join('\n')
    expect(text).toContain('evidence: step 40: loss NaN')
    expect(text).toContain('remedy: Stop and read: lower the learning rate or look at the data.')
  })
})

describe('figures', () => {
  it('that are not known say so with the reason, and are no bar', async () => {
    const { pane } = await patrolAt('failed')
    const rows = pane('machine', 'meters').rows
    const home = rows.find((r) => r.kind === 'meter' && r.label === 'home')
    expect(home).toMatchObject({ fraction: null, unknown: 'df did not answer in time' })
    expect(rows).toContainEqual(expect.objectContaining({ label: 'CPU', fraction: null, unknown: 'needs two looks' }))
  })

  it('of a lost GPU are unknown, never zero', async () => {
    const { pane } = await patrolAt('gpu')
    const rows = pane('gpu', 'meters').rows
    expect(rows.filter((r) => r.kind === 'meter' && r.label === 'GPU 7')).toEqual([
      expect.objectContaining({ fraction: null }),
    ])
    const text = paneLines(pane('gpu', 'meters'), 80, unicodeGlyphs).join('\n')
    expect(text).toContain('lost: GPU 7 is lost')
    expect(text).toContain('Xid in the kernel log: 79')
    expect(text).toContain('GPU 3 is slowed by hardware')
    expect(text).not.toMatch(/\b0 %/)
  })

  it('show no GPU pane where there is no GPU, and one line that says so', async () => {
    const { model, pane } = await patrolAt('running')
    expect(model.panes.map((p) => p.id)).not.toContain('gpu')
    expect(paneLines(pane('machine', 'meters'), 80, unicodeGlyphs)).toContain(
      'GPU: none on this machine (no nvidia-smi)',
    )
  })

  it('take the memory limit of the container where there is one', async () => {
    const { pane } = await patrolAt('gpu')
    expect(pane('machine', 'meters').rows).toContainEqual(
      expect.objectContaining({ label: 'memory', text: '7.17 GiB of 7.45 GiB' }),
    )
  })
})

describe('units', () => {
  it('stand in the grid in tens, by letters that need no colour', async () => {
    const { lines } = await patrolAt('failed')
    const grid = lines.map((l) => /[┃│]│ ?(\d+ [DRFA.? ]+)│$/.exec(l)?.[1]?.trimEnd() ?? '').filter((l) => l !== '')
    expect(grid).toEqual([
      '0 D D D D D D D D D F  F A ? . . . . . . .',
      '20 . . . . . . . . . .  . . . . . . . . . .',
      '40 . . . . .',
    ])
  })

  it('open to all that is known of them', async () => {
    const { pane } = await patrolAt('failed')
    const failed = pane('units', 'table').rows[0]
    expect(failed?.detail?.[0]).toBe('worker 2, try 1, exit 137, 3 NaN, log 609 B, last write 5 s ago')
  })
})
