import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createWorkspace } from '../../../src/cli/workspace.ts'
import { systemClock } from '../../../src/commands/open.ts'
import { type CellDeps, openCell } from '../../../src/notebook/cell-writer.ts'
import { createRun } from '../../../src/run/folder.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import { waitUntil } from '../../harness/wait.ts'
import { makeStage } from './stage.ts'

let folder = ''
const undo: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-live-'))
  vi.stubEnv('HOME', folder)
  vi.stubEnv('XDG_STATE_HOME', join(folder, 'state'))
})
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

async function newRun(planName: string): Promise<WritableRun> {
  const about = { projectFolder: folder, project: 'demo', planName, planText: '', by: 'ada' }
  const run = await createRun({ ...about, clock: systemClock })
  undo.push(() => run.close())
  return run
}
const ids = [0]
const plain = () => ({ push: (chunk: Uint8Array | string) => String(chunk), end: () => '', count: 0 })
const deps: CellDeps = {
  clock: systemClock,
  newId: () => `01LIVE${ids.push(0)}`,
  who: 'ada',
  via: 'key',
  host: null,
  createSanitiser: plain,
  createRedactor: plain,
}
const cellOn = (run: WritableRun, title: string) =>
  openCell(run, { name: 'audit.run', title, args: {}, risk: 'read', source: title }, deps)

/** A workbench on the files of a project, as it is opened. */
async function workbench(runId: string) {
  const said: string[] = []
  const workspace = createWorkspace({
    projectFolder: folder,
    settings: {},
    runId,
    onTrouble: (text) => said.push(text),
  })
  undo.push(() => workspace.close())
  const at = makeStage({ workspace, ui: { screen: 'notebook' }, size: { columns: 120, rows: 40 } })
  undo.push(() => at.controller.close())
  await workspace.begin()
  at.controller.loadSoon()
  return { at, workspace, said }
}

describe('the notebook of a project on disk', () => {
  it('is opened at a cell by its address, also at one of another run', async () => {
    const other = await newRun('first')
    for (const title of ['Oldest', 'Middle', 'Newest'])
      await (await cellOn(other, title)).end({ state: 'done', summary: `${title} is done` })
    const wanted = other.state().cells[1]?.started.cellId
    const open = await newRun('second')
    await (await cellOn(open, 'Elsewhere')).end({ state: 'done', summary: 'done' })
    const { at, workspace } = await workbench(open.id)
    expect(at.text()).toContain('Elsewhere')
    await at.press('/', '"failed"', 'enter', 'g', 'p')
    await at.press(':', `"run.open ${other.id}#2"`, 'enter')
    await waitUntil(() => at.controller.ui.panes['notebook/cells']?.rowId === wanted, {
      what: 'the cursor on the cell',
      describe: () => at.text(),
    })
    expect(workspace.run()?.runId).toBe(other.id)
    expect(at.controller.ui).toMatchObject({ screen: 'notebook', runId: other.id })
    expect(at.text()).toContain('Middle is done')
    await at.press(':', `"run.open ${other.id}#9"`, 'enter')
    await waitUntil(() => at.controller.get().message?.text.includes('there is no cell 9') === true, {
      what: 'why it is not opened',
      describe: () => at.text(),
    })
  })

  it('follows what a running cell prints, until it has ended', async () => {
    const run = await newRun('live')
    const cell = await cellOn(run, 'Long look')
    cell.stdout('first line\n')
    const { at } = await workbench(run.id)
    const shows = (what: string) => waitUntil(() => at.text().includes(what), { what, describe: () => at.text() })
    await shows('first line')
    expect(at.text()).toContain('Output of Long look')
    // It is the cell of somebody else: neither is it called over, nor is its kx called dead.
    expect(at.text()).toContain('no end on record: another kx')
    cell.stdout('second line\n')
    await shows('second line')
    await cell.end({ state: 'done', summary: 'it was long' })
    await shows('it was long')
  })
})
