import { phases } from '../walk/phase.ts'
import { showChord } from './chord.ts'
import type { Keymap } from './keymap.ts'
import type { Registry } from './registry.ts'
import type { CommandSpec, ScreenId } from './types.ts'

/**
 * A text that names commands of the shell (`kx approve`), for somebody who is in the workbench: with the keys that do it
 * from the open screen (`4 a`), or the line to type (`:plan --new-run`) where there is no key or arguments are needed.
 */
export function withKeys(text: string, registry: Registry, keymap: Keymap, screen: ScreenId): string {
  return text.replace(/\bkx ([a-z][a-z-]*)( [a-z][a-z-]*)?(?=( [-<]\S)?)/g, (whole, first: string, second, hasArgs) => {
    const named = (words: readonly string[]) =>
      registry.specs.find((spec) => spec.cli !== undefined && spec.cli.join(' ') === words.join(' '))
    const both = second === undefined ? undefined : named([first, second.trim()])
    const spec = both ?? named([first])
    if (spec === undefined) return whole
    const rest = both === undefined ? (second ?? '') : ''
    // A word behind it may be an argument, or the sentence that goes on: only the line to type keeps it.
    const keys = hasArgs === undefined && rest === '' ? keysFor(spec, keymap, screen) : null
    return keys === null ? `:${whole.slice(3)}` : keys
  })
}

function keysFor(spec: CommandSpec, keymap: Keymap, screen: ScreenId): string | null {
  const chord = keymap.chords.get(spec.id)?.[0]
  if (chord === undefined) return null
  if (spec.where === 'global' || spec.where.includes(screen)) return showChord(chord)
  const at = phases.findIndex((phase) => (spec.where as readonly string[]).includes(phase))
  if (at >= 0) return `${at + 1} ${showChord(chord)}`
  return spec.where.includes('home') ? `0 ${showChord(chord)}` : null
}
