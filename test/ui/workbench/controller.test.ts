import { describe, expect, it } from 'vitest'
import { screenIds } from '../../../src/commands/types.ts'
import { waitUntil } from '../../harness/wait.ts'
import { makeStage } from './stage.ts'

const homeRows = {
  runs: ['a', 'b', 'c'].map((id, i) => ({
    runId: `20261122-000${i}-plan-000${i}`,
    project: 'demo',
    projectFolder: '/demo',
    name: id,
    state: 'planned',
    progress: '',
    seenAtMs: null,
    usdPerHour: 0,
    openFindings: 0,
    isArchived: false,
    reason: null,
  })),
  meters: [],
  warnings: [],
}

describe('keys on a screen', () => {
  it('go to phases by number, back and forward', async () => {
    const stage = makeStage()
    await stage.press('2')
    expect(stage.controller.ui.screen).toBe('audit')
    await stage.press('5', '[')
    expect(stage.controller.ui.screen).toBe('audit')
    await stage.press(']')
    expect(stage.controller.ui.screen).toBe('launch')
  })

  it('wait inside a chord and say what may follow; Esc leaves it', async () => {
    const stage = makeStage()
    await stage.press('g')
    const { pending } = stage.controller.get()
    expect(pending?.typed).toBe('g')
    expect(pending?.next.map((n) => n.title)).toContain('Checklists')
    await stage.press('esc')
    expect(stage.controller.get().pending).toBeNull()
    await stage.press('g', 'x')
    expect(stage.controller.ui.screen).toBe('checklists')
  })

  it('are never ignored: those of another screen say where they work', async () => {
    const stage = makeStage({ ui: { screen: 'smoke' } })
    const said = () => stage.controller.get().message?.text
    await stage.press('X')
    expect(said()).toBe('X works on Patrol, Launch, Fleet, Notebook')
    await stage.press('a')
    expect(said()).toMatch(/^a works on Cost, Patrol/)
    await stage.press('ctrl+t')
    expect(said()).toBe('Ctrl-T is not bound here; ? lists the keys')
  })

  it('say why a command cannot run', async () => {
    const stage = makeStage()
    await stage.press('2', 'r')
    expect(stage.controller.get().message).toMatchObject({ tone: 'warn', text: expect.stringContaining('no kx.yaml') })
    expect(stage.controller.get().hints.find((h) => h.text === 'audit')?.isDisabled).toBe(true)
  })

  it('keep the cursor on its row when rows come above it', async () => {
    const stage = makeStage({ shelves: { home: homeRows } })
    await stage.press('j')
    expect(stage.controller.ui.panes['home/runs']?.rowId).toBe('20261122-0001-plan-0001')
    expect(stage.remembered.at(-1)?.panes['home/runs']?.index).toBe(1)
    await stage.press('G', 'k')
    expect(stage.controller.ui.panes['home/runs']?.rowId).toBe('20261122-0001-plan-0001')
  })

  it('copy the row under the cursor and say how', async () => {
    const stage = makeStage({ shelves: { home: homeRows } })
    await stage.press('y')
    expect(stage.acts[0]).toContain('20261122-0000-plan-0000')
    expect(stage.controller.get().message?.text).toBe('copied')
  })
})

describe('Enter', () => {
  const hint = (stage: ReturnType<typeof makeStage>) =>
    stage.controller.get().hints.find((h) => h.key === 'Enter')?.text

  it('opens the run under the cursor and goes to where it goes on', async () => {
    const rows = homeRows.runs.map((r, i) => ({ ...r, state: ['planned', 'running', 'torn down'][i] ?? '' }))
    for (const [at, screen] of ['audit', 'patrol', 'report'].entries()) {
      const ran: unknown[] = []
      const open = async (_env: unknown, args: unknown) => {
        ran.push(args)
        return { summary: '', exitCode: 0, data: null } as const
      }
      const stage = makeStage({ shelves: { home: { ...homeRows, runs: rows } }, runs: { 'run.open': open } })
      expect(hint(stage)).toBe('open run')
      await stage.press(...Array.from({ length: at }, () => 'j'), 'enter')
      expect(ran).toEqual([{ run: rows[at]?.runId }])
      expect(stage.controller.ui.screen).toBe(screen)
    }
  })

  it('goes to the project of a run of another one, on the screen where that goes on', async () => {
    const runs = homeRows.runs.map((r) => ({ ...r, projectFolder: '/other', state: 'running' }))
    const meter = { meterId: 'm', what: 'box', host: 'local', usdPerHour: 0, openedAtMs: 0, leaseUntilMs: null }
    const home = { ...homeRows, runs, meters: [{ ...meter, runId: runs[2]?.runId ?? '' }] }
    const stage = makeStage({ shelves: { home } })
    await stage.press('j', 'enter')
    await stage.press('tab', 'enter')
    expect(stage.acts).toEqual([`project /other ${runs[1]?.runId} patrol`, `project /other ${runs[2]?.runId} patrol`])
    expect(stage.controller.ui.screen).toBe('home')
  })

  it('is not offered where there is nothing to open, and then stays where it is', async () => {
    const stage = makeStage()
    expect(hint(stage)).toBeUndefined()
    await stage.press('enter')
    expect(stage.controller.ui.focus.home).toBeUndefined()
    expect(stage.controller.get().message?.text).toBe('there is nothing to open here')
  })
})

describe('the command line', () => {
  it('remembers a half-typed line after every key', async () => {
    const stage = makeStage()
    await stage.press(':', '"go.pa"')
    expect(stage.remembered.at(-1)?.prompt).toMatchObject({ kind: 'command', text: 'go.pa' })
    const again = makeStage({ ui: stage.remembered.at(-1) ?? {} })
    expect(again.controller.get().field?.editor.text).toBe('go.pa')
  })

  it('runs what was typed, and finds it again with the up key', async () => {
    const stage = makeStage()
    await stage.press(':', '"go.patrol"', 'enter')
    expect(stage.controller.ui.screen).toBe('patrol')
    await stage.press(':', 'up')
    expect(stage.controller.get().field?.editor.text).toBe('go.patrol')
  })

  it('completes with Tab and says what is wrong', async () => {
    const stage = makeStage()
    await stage.press(':', '"go.noteb"', 'tab')
    expect(stage.controller.get().field?.editor.text.trim()).toBe('go.notebook')
    await stage.press('ctrl+u', '"nonsense"', 'enter')
    expect(stage.controller.get().message?.tone).toBe('error')
  })
})

describe('the editor', () => {
  it('is given the plan of the project, also while that cannot be read', async () => {
    const plan = { status: 'bad', file: 'kx.yaml', problems: ['kx.yaml:3:1 workers: found "two"'] } as const
    const stage = makeStage({ plan, ui: { screen: 'plan' } })
    await stage.press('e', 'e')
    await waitUntil(() => stage.acts.includes('reload'), { what: 'the editor closed and the plan read again' })
    expect(stage.acts.filter((act) => act.startsWith('edit'))).toEqual([
      `edit ${stage.controller.get().input.projectFolder}/kx.yaml`,
    ])
  })
})

describe('palette and help', () => {
  it('finds by name before it finds in descriptions', async () => {
    const stage = makeStage()
    await stage.press('ctrl+p', 'r', 'e', 'p', 'o')
    const { overlay } = stage.controller.get()
    const titles = overlay?.kind === 'list' ? overlay.rows.map((row) => row.title) : []
    const named = ['Go to Report', 'Report on one run', 'Report on this run', 'Write the report']
    expect(titles.slice(0, 4).sort()).toEqual(named)
  })

  it('show their own keys while they are open, and help and the way out at any width', async () => {
    const stage = makeStage({ size: { columns: 60, rows: 20 } })
    const hints = () => stage.controller.get().hints.map((hint) => `${hint.key} ${hint.text}`)
    expect(hints().slice(-2)).toEqual(['? help', 'q quit'])
    await stage.press('ctrl+p')
    expect(hints()).toContain('Esc close')
    await stage.press('esc', ':')
    expect(hints()).toContain('Tab complete')
  })

  it('find what works on another screen too, and say where', async () => {
    const stage = makeStage({ ui: { screen: 'teardown' } })
    await stage.press('?', '"abort"')
    const { overlay } = stage.controller.get()
    const rows = overlay?.kind === 'list' ? overlay.rows : []
    expect(rows[0]).toMatchObject({ id: 'patrol.abort', keys: 'X on Patrol, Launch' })
    expect(rows.map((r) => r.id)).not.toContain('app.quit')
  })

  it('find a command by a few letters and run it', async () => {
    const stage = makeStage()
    await stage.press('ctrl+p', '"gosmoke"')
    const { overlay } = stage.controller.get()
    expect(overlay?.kind === 'list' && overlay.rows[0]?.id).toBe('go.smoke')
    await stage.press('enter')
    expect(stage.controller.ui.screen).toBe('smoke')
    expect(stage.controller.get().overlay).toBeNull()
  })

  it('list every key of the screen, with the reason for those that cannot run', async () => {
    const stage = makeStage({ ui: { screen: 'audit' } })
    await stage.press('?')
    const { overlay } = stage.controller.get()
    const rows = overlay?.kind === 'list' ? overlay.rows : []
    expect(rows[0]?.why).toContain('kx.yaml')
    expect(rows.map((r) => r.id)).toContain('audit.run')
    expect(rows.map((r) => r.id)).not.toContain('smoke.run')
  })
})

describe('forms and questions', () => {
  it('ask for what a key cannot give', async () => {
    const stage = makeStage()
    await stage.press('n')
    expect(stage.controller.get().overlay?.kind).toBe('form')
    await stage.press('esc')
    expect(stage.controller.get().overlay).toBeNull()
  })

  it('never take pasted text for keys', async () => {
    const stage = makeStage()
    stage.controller.onPaste('q\n')
    expect(stage.acts).toEqual([])
    await stage.press(':')
    stage.controller.onPaste('go.plan\nq')
    await stage.press('g')
    expect(stage.controller.get().field?.editor.text).toBe('go.plan qg')
  })
})

describe('filters', () => {
  it('narrow rows while typing and are remembered', async () => {
    const stage = makeStage({ shelves: { home: homeRows } })
    await stage.press('/', '"0002"')
    expect(stage.controller.ui.panes['home/runs']?.filter).toBe('0002')
    await stage.press('enter')
    await stage.press('y')
    expect(stage.acts[0]).toContain('20261122-0002-plan-0002')
  })
})

describe('what means the same everywhere', () => {
  it('repaints and suspends also inside a field', async () => {
    const stage = makeStage()
    await stage.press(':', 'ctrl+l', 'ctrl+z')
    expect(stage.acts).toEqual(['repaint', 'suspend'])
  })

  it('quits with q', async () => {
    const stage = makeStage()
    await stage.press('q')
    expect(stage.acts).toEqual(['quit 0'])
  })
})

it('draws every screen as plain lines, with nothing loaded', async () => {
  for (const screen of screenIds) {
    const stage = makeStage({ ui: { screen } })
    const text = stage.text()
    expect(text.split('\n').length, screen).toBeGreaterThan(2)
    expect(text, screen).toMatch(/^[\x20-\x7e\n]*$/)
  }
})
