import { expect, it } from 'vitest'
import type { RunState } from '../../../src/run/types.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'
import { host, item, proof } from '../../unit/walk/support.ts'
import { makeStage } from './stage.ts'

const full: CheckedItem = { ...item('audit.disk-bytes', 'fail'), recipe: 'free-disk' }

function stageOf(...items: readonly CheckedItem[]) {
  const given: unknown[] = []
  const take = async (_env: unknown, args: unknown) => {
    given.push(args)
    return { summary: 'planned', exitCode: 0 as const, data: null }
  }
  const report = proof('AuditReport', { host: { ...host, host: 'b' }, items })
  const lists = { intents: [], meters: [], findings: [], leaseExtensions: [], guardActs: [], cells: [], warnings: [] }
  const fleet = { hosts: ['a', 'b'], assignments: [], observations: {} }
  const run = { runId: 'r1', proofs: [report], latest: {}, observation: null, overrides: {}, ...lists, fleet }
  const stage = makeStage({
    run: run as unknown as RunState,
    ui: { screen: 'audit', runId: 'r1' },
    size: { columns: 120, rows: 40 },
    runs: { 'recipe.offer': take },
  })
  return { stage, given }
}

it('an item of the audit that is not well offers its recipe, in the hint and in the detail', async () => {
  const { stage, given } = stageOf(full)
  const hint = stage.controller.get().hints.find(({ key }) => key === 'F')
  expect(hint).toMatchObject({ text: 'recipe', isDisabled: false })
  expect(stage.text()).toContain('recipe: free-disk (F goes to it')
  await stage.press('F')
  expect(given).toEqual([{ finding: 'audit.disk-bytes', host: 'b' }])
})

it('an item that is well says that there is nothing to mend', async () => {
  const { stage, given } = stageOf(item('audit.disk-bytes', 'pass'))
  await stage.press('H')
  expect(stage.controller.get().hints.find(({ key }) => key === 'F')?.isDisabled).toBe(true)
  await stage.press('F')
  expect(given).toEqual([])
  expect(stage.controller.get().message?.text).toContain('audit.disk-bytes is well: there is nothing to mend')
})

it('an id that is given counts, and not the item under the cursor', async () => {
  const { stage, given } = stageOf(item('audit.disk-bytes', 'pass'))
  // The item that is well is under the cursor.
  await stage.press('H')
  await stage.press(':', '"recipe.offer audit.inodes"', 'enter')
  await stage.press(':', '"recipe.offer --finding audit.inodes"', 'enter')
  expect(given).toMatchObject([{ finding: 'audit.inodes' }, { finding: 'audit.inodes' }])
})
