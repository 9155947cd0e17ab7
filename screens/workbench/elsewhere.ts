import { showChord } from '../../src/commands/chord.ts'
import type { Keymap } from '../../src/commands/keymap.ts'
import type { CommandSpec, ScreenId } from '../../src/commands/types.ts'

const name = (screen: ScreenId) => `${screen.charAt(0).toUpperCase()}${screen.slice(1)}`

/** `Patrol, Launch`: the screens of a command that is not here; empty for one of this screen or of all. */
export function otherScreens(spec: CommandSpec, screen: ScreenId): string {
  return spec.where === 'global' || spec.where.includes(screen) ? '' : spec.where.map(name).join(', ')
}

/** What is said of a key that does nothing on this screen: where it works, or how to find what does. */
export function unboundText(
  presses: readonly string[],
  specs: readonly CommandSpec[],
  keymap: Keymap,
  screen: ScreenId,
  isUnicode: boolean,
): string {
  const chord = presses.join(' ')
  const shown = showChord(chord, !isUnicode)
  const there = specs.filter(
    (spec) => otherScreens(spec, screen) !== '' && keymap.chords.get(spec.id)?.includes(chord) === true,
  )
  const [only, ...more] = there
  if (only === undefined) return `${shown} is not bound here; ? lists the keys`
  const screens = [...new Set(there.flatMap((spec) => otherScreens(spec, screen).split(', ')))].join(', ')
  return more.length === 0 ? `${shown} (${only.title}) works on ${screens}` : `${shown} works on ${screens}`
}
