import type { Progress } from '../../src/run/act.ts'
import type { CheckedItem } from '../../src/walk/item.ts'
import type { LiveAct } from './input.ts'

const maxLines = 200

/** Takes one step of progress into what is drawn of the running act. */
export function withProgress(before: LiveAct, progress: Progress): LiveAct {
  const live = progress.commandId === undefined ? before : atStep(before, progress.commandId)
  const items: readonly CheckedItem[] =
    progress.item === undefined ? live.items : [...live.items.filter((i) => i.id !== progress.item?.id), progress.item]
  const output = progress.output === undefined ? live.output : [...live.output, ...progress.output].slice(-maxLines)
  // A step that only brings an item or output keeps the words that were there.
  const { done = live.progress?.done, total = live.progress?.total } = progress
  const text = progress.text === '' ? (live.progress?.text ?? '') : progress.text
  const counts = { ...(done === undefined ? {} : { done }), ...(total === undefined ? {} : { total }) }
  return { ...live, items, output, progress: { text, ...counts } }
}

/** The next act of a walk begins with nothing checked, counted or printed; the same one again goes on as it is. */
function atStep(live: LiveAct, stepId: string): LiveAct {
  return live.stepId === stepId ? live : { ...live, stepId, items: [], output: [], progress: null }
}
