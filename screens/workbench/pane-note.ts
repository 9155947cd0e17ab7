import { formatBytes } from '../../src/text/format.ts'
import { logStatus, textWidth } from '../../src/ui/index.ts'
import { indexOf, logStateOf } from './logs.ts'
import { type PaneModel, rowIdsOf } from './model.ts'
import { rowCount, scrolledTop } from './pane-rows.ts'
import type { PaneState } from './ui-state.ts'

/** Which pane of the screen this is, where not all of them are on it: how a newcomer learns of the others. */
export interface PanePlace {
  readonly at: number
  readonly count: number
  /** Titles of the panes that Tab goes to, the next one first. */
  readonly others: string
}

/** Note of a pane from long to short: counts and ages, then what can be left out. */
export function notesOf(pane: PaneModel): readonly string[] {
  return pane.note === undefined ? [] : typeof pane.note === 'string' ? [pane.note] : pane.note
}

/** The pane as it is shown, whose count is of the rows that a filter left, with how many there are. */
export function counted(pane: PaneModel, shown: PaneModel): PaneModel {
  const all = rowIdsOf(pane).length
  const left = rowIdsOf(shown).length
  if (left === all) return shown
  // A note on the columns holds whatever rows are left.
  const own = shown.kind === 'table' && shown.fit !== undefined ? notesOf(shown) : []
  return { ...shown, note: [...own.map((note) => `${left} of ${all}; ${note}`), `${left} of ${all}`] }
}

function scrollNote(pane: PaneModel, state: PaneState, width: number, height: number): string {
  const count = rowCount(pane, width)
  if (count <= height) return ''
  const top = scrolledTop(pane, state, count, height)
  return `${top + 1}-${Math.min(count, top + height)} of ${count}`
}

function stateNotes(pane: PaneModel, state: PaneState, width: number, height: number): readonly string[] {
  switch (pane.kind) {
    case 'log': {
      const index = indexOf(pane)
      if (index === null) return []
      const skipped = pane.log?.skippedBytes ?? 0
      const how = `${skipped > 0 ? `, ${formatBytes(skipped)} skipped` : ''}${state.isFollowing ? '' : ', G follows'}`
      return [
        `${logStatus(logStateOf(pane, state), index)}${how}`,
        state.isFollowing ? 'following' : 'paused, G follows',
      ]
    }
    case 'text':
    case 'markdown':
    case 'static':
    case 'meters':
      return [scrollNote(pane, state, width, height)]
    default:
      return []
  }
}

const joined = (...parts: readonly string[]) => parts.filter((p) => p !== '').join('  ')

/** What stands at the right end of the title line: the most that fits whole, for half a note says the wrong thing. */
export function paneNote(
  pane: PaneModel,
  title: string,
  state: PaneState,
  size: { readonly width: number; readonly height: number },
  place: PanePlace | null,
): string {
  const own = [...notesOf(pane), '']
  const moved = [...stateNotes(pane, state, size.width - 2, size.height - 2), '']
  const at =
    place === null
      ? ['']
      : [
          `pane ${place.at} of ${place.count}, Tab: ${place.others}`,
          `pane ${place.at} of ${place.count}, Tab`,
          `${place.at}/${place.count} Tab`,
          '',
        ]
  // Border, focus sign and the blanks around title and note.
  const room = size.width - 2 - (textWidth(title) + 4) - 1 - 2
  for (const own1 of own)
    for (const moved1 of moved)
      for (const at1 of at) {
        const note = joined(own1, moved1, at1)
        // Where panes are hidden the way to them is never left out for a longer note.
        if (textWidth(note) <= room && (at1 !== '' || place === null)) return note
      }
  return ''
}
