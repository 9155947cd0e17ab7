import { describe, expect, it } from 'vitest'
import { freshPane } from '../../../screens/workbench/ui-state.ts'
import { makeStage } from '../workbench/stage.ts'
import { sceneAt } from './fixture.ts'

const patrol = async (focus: string) => {
  const { run, plan, shelves } = await sceneAt('failed')
  return makeStage({
    run,
    plan,
    shelves,
    ui: { screen: 'patrol', focus: { patrol: focus } },
    size: { columns: 80, rows: 24 },
  })
}
const paneState = (stage: Awaited<ReturnType<typeof patrol>>, pane: string) =>
  stage.controller.ui.panes[`patrol/${pane}`]

it('names no unit of the run that was open before', async () => {
  const { run, plan, shelves } = await sceneAt('planned')
  const panes = { 'patrol/units': { ...freshPane, rowId: 'split-07-08', index: 3 } }
  const stage = makeStage({ run, plan, shelves, ui: { screen: 'patrol', panes } })
  expect(stage.text()).not.toContain('split-07-08')
})

describe('keys on the patrol screen', () => {
  it('open and close the findings of a rule', async () => {
    const stage = await patrol('findings')
    await stage.press('j', 'enter')
    expect(paneState(stage, 'findings')?.open).toEqual(['unit-slow'])
    await stage.press('enter')
    expect(paneState(stage, 'findings')?.open).toEqual([])
  })

  it('pause a log by moving up, keep its line, and follow again with G', async () => {
    const stage = await patrol('log')
    await stage.press('k', 'k')
    const paused = paneState(stage, 'log')
    expect(paused?.isFollowing).toBe(false)
    await stage.press('j')
    expect(paneState(stage, 'log')).toMatchObject({ top: (paused?.top ?? 0) + 1, isFollowing: false })
    await stage.press('G')
    expect(paneState(stage, 'log')?.isFollowing).toBe(true)
  })

  it('filter a log, and copy all lines that pass', async () => {
    const stage = await patrol('log')
    await stage.press('/', '"/ 1199\\d/"', 'enter', 'Y')
    const copied = stage.acts.find((a) => a.startsWith('copy ')) ?? ''
    expect(copied.slice(5).trim().split('\n')).toHaveLength(10)
    expect(copied).toContain('epoch 11990/300')
  })

  it('move in the grid and say in its title which unit that is', async () => {
    const stage = await patrol('grid')
    await stage.press('l', 'l')
    expect(stage.text()).toContain('Split grid, split-00-03 done')
    await stage.press('j', 'h')
    expect(stage.controller.ui.panes['patrol/grid']?.index).toBe(31)
    await stage.press('k', 'k')
    expect(stage.controller.ui.panes['patrol/grid']?.index).toBe(1)
  })

  it('show the log of the cell of the grid that Enter is pressed on', async () => {
    const stage = await patrol('grid')
    await stage.press('l', 'l', 'enter')
    expect(paneState(stage, 'units')?.rowId).toBe('split-00-03')
    expect(stage.controller.ui.focus.patrol).toBe('log')
    expect(stage.text()).toContain('Log of split-00-03')
  })
})
