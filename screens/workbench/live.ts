import type { Progress } from '../../src/run/act.ts'
import type { CheckedItem } from '../../src/walk/item.ts'
import type { LiveAct } from './input.ts'

const maxLines = 200

/** Takes one step of progress into what is drawn of the running act. */
export function withProgress(live: LiveAct, progress: Progress): LiveAct {
  const items: readonly CheckedItem[] =
    progress.item === undefined ? live.items : [...live.items.filter((i) => i.id !== progress.item?.id), progress.item]
  const output = progress.output === undefined ? live.output : [...live.output, ...progress.output].slice(-maxLines)
  // A step that only brings an item or output keeps the words that were there.
  const text = progress.text === '' ? (live.progress?.text ?? '') : progress.text
  return { ...live, items, output, progress: { ...live.progress, ...progress, text } }
}
