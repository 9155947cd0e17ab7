import { expect, it } from 'vitest'
import { profilesModel } from '../../../screens/profiles/model.ts'
import type { ScreenInput } from '../../../screens/workbench/input.ts'

type Profiles = ScreenInput['shelves']['profiles']
const model = (profiles: Profiles, selected: string | null = null) =>
  profilesModel({ shelves: { profiles }, selected: () => selected } as unknown as ScreenInput)

const local = { id: 'local', title: 'This machine', lines: ['1 Launch'], note: 'built-in, facts of 2026-11' }

it('says of each platform what is stale, unread, wrong or overridden, in words and in the facts', () => {
  const vast = {
    ...local,
    id: 'vast',
    title: 'vast.ai',
    note: 'yours, over another, facts of 2026-06',
    stale: 6,
    unread: 3,
    overriddenBy: ['~/vast.yaml'],
    wrong: ['vast.yaml:3:1 park: no'],
  }
  const shown = model([local, vast], 'vast')
  expect(shown.summary).toBe('2 platforms known, 1 wrong, 1 stale, 1 with clocks to read, 1 overridden by you')
  const [list, facts] = shown.panes
  expect(list?.kind === 'table' && list.rows.map((r) => [r.cells[2], r.token])).toEqual([
    ['built-in, facts of 2026-11', undefined],
    ['1 wrong, 6 stale, 3 to read, overridden, yours, over another, facts of 2026-06', 'state.fail'],
  ])
  const words =
    facts?.kind === 'text' ? facts.lines.map((l) => (typeof l === 'string' ? l : l.map((s) => s.text).join(''))) : []
  expect(words).toEqual([
    'wrong: vast.yaml:3:1 park: no',
    '6 facts not verified for six months: no cost is promised on them',
    '3 danger clocks to read and acknowledge (a)',
    'overridden by ~/vast.yaml; each such line names its place',
    '',
    '1 Launch',
  ])
})

it('shows the facts alone where nothing is to be said, and waits for what is not read yet', () => {
  expect(model([local]).panes[1]).toMatchObject({ lines: ['1 Launch'] })
  expect(model([local]).summary).toBe('1 platform known')
  expect(model(null).summary).toBe('reading the profiles …')
})
