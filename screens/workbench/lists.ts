import { showChord } from '../../src/commands/chord.ts'
import type { Keymap } from '../../src/commands/keymap.ts'
import { type Registry, whyDisabled } from '../../src/commands/registry.ts'
import type { CommandSpec, CommandState } from '../../src/commands/types.ts'
import { fuzzyMatch } from '../../src/ui/fuzzy.ts'
import { otherScreens } from './elsewhere.ts'
import type { ListRow } from './snapshot.ts'

/** Rows of the palette (every command) or of help (those of this screen; searched, every one), best match first. */
export function listRows(
  kind: 'palette' | 'help',
  query: string,
  registry: Registry,
  keymap: Keymap,
  state: CommandState,
  isUnicode: boolean,
): readonly ListRow[] {
  const isHere = (s: CommandSpec) => s.where !== 'global' && s.where.includes(state.screen)
  const offered = registry.specs.filter((s) =>
    kind === 'help' && query.trim() === ''
      ? s.where === 'global' || isHere(s)
      : s.where === 'global' || s.where.length > 0,
  )
  const rows = offered.flatMap((spec) => {
    const chords = (keymap.chords.get(spec.id) ?? []).map((c) => showChord(c, !isUnicode)).join(', ')
    const elsewhere = kind === 'help' && chords !== '' ? otherScreens(spec, state.screen) : ''
    const keys = elsewhere === '' ? chords : `${chords} on ${elsewhere}`
    const why = whyDisabled(spec, state)
    // Keys within what it opens are found in the help as well; there they open it.
    const inner = kind === 'help' ? (spec.innerKeys ?? []) : []
    return [
      { spec, row: { id: spec.id, title: spec.title, keys, why, description: spec.description } },
      ...inner.map(([chord, does]) => ({
        spec,
        row: {
          id: spec.id,
          title: `${spec.title}: ${does}`,
          keys: showChord(chord, !isUnicode),
          why,
          description: does,
        },
      })),
    ]
  })
  if (query.trim() === '') return rows.sort((a, b) => Number(isHere(b.spec)) - Number(isHere(a.spec))).map((r) => r.row)
  return rows
    .flatMap((r) => {
      const byName = fuzzyMatch(query, `${r.row.title} ${r.row.id}`)
      // Descriptions are long: some letters of them fit almost any query, so whole words are asked of them.
      const words = query.toLowerCase().trim().split(/\s+/)
      const isDescribed = words.every((word) => r.row.description.toLowerCase().includes(word))
      return byName === null && !isDescribed
        ? []
        : [{ row: r.row, isByName: byName !== null, score: byName?.score ?? 0 }]
    })
    .sort((a, b) => Number(b.isByName) - Number(a.isByName) || b.score - a.score)
    .map((r) => r.row)
}
