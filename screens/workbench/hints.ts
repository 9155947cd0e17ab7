import { showChord } from '../../src/commands/chord.ts'
import { whyDisabled } from '../../src/commands/registry.ts'
import type { Desk } from './desk.ts'
import { enterAt } from './enter.ts'
import type { Hint } from './snapshot.ts'

/** Keys of the open screen for the hint bar, those that a message needs first. */
export function screenHints(desk: Desk): readonly Hint[] {
  const { registry, keymap, theme, ui } = desk
  const state = desk.commandState()
  const offered = registry.on(ui.screen).filter((s) => s.hint !== undefined)
  const own = offered.flatMap((spec) => {
    const chord = keymap.chords.get(spec.id)?.[0]
    if (chord === undefined) return []
    const key = showChord(chord, !theme.glyphs.isUnicode)
    if (spec.id === 'view.open') {
      const enter = enterAt(desk)
      // What the Space of a list does is said once.
      return enter === null || enter.kind === 'tick' ? [] : [{ key, text: enter.hint, isDisabled: false }]
    }
    return [{ key, text: spec.hint ?? spec.title, isDisabled: whyDisabled(spec, state) !== null }]
  })
  return [...messageHints(desk), ...own]
}

/** A message that stays says how it is read whole and how it goes away. */
function messageHints(desk: Desk): readonly Hint[] {
  if (desk.message === null || desk.message.tone === 'info') return []
  const hint = (id: string, text: string): readonly Hint[] => {
    const key = desk.keyOf(id)
    return key === '' ? [] : [{ key, text, isDisabled: false }]
  }
  return [
    ...(desk.messageBlock()?.isWhole === false ? hint('message.show', 'whole message') : []),
    ...hint('app.dismiss', 'clear'),
  ]
}
