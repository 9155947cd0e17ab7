import { expect, it } from 'vitest'
import { checklistItem } from '../../../screens/workbench/items.ts'
import { item, nowMs } from '../../unit/walk/support.ts'

it('says of a check whose override was for another state when it was given, and what is different', () => {
  const override = { itemId: 'a', reason: 'known and accepted', by: 'ada', atMs: nowMs - 3 * 3_600_000 }
  const shown = checklistItem({ ...item('a', 'fail'), lapsed: { override, why: 'the code has changed since' } }, nowMs)
  expect(shown.isOverridden).toBe(false)
  expect(shown.detail).toContain(
    'override of 3 h ago was for another state: the code has changed since (ada: known and accepted)',
  )
})
