import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

export function profilesModel(input: ScreenInput): ScreenModel {
  const profiles = input.shelves.profiles
  const chosen = profiles?.find((p) => p.id === input.selected('list')) ?? profiles?.[0]
  return {
    id: 'profiles',
    title: 'Profiles',
    summary:
      profiles === null
        ? 'reading the profiles …'
        : `${profiles.length} platform${profiles.length === 1 ? '' : 's'} known`,
    panes: [
      {
        kind: 'table',
        id: 'list',
        title: 'Platforms',
        columns: [
          column(0, 'id', { flex: 1, min: 10 }),
          column(1, 'platform', { flex: 2, min: 16 }),
          column(2, 'facts', { flex: 2, min: 26, dropOrder: 1 }),
        ],
        rows: (profiles ?? []).map((p) => ({ id: p.id, cells: [p.id, p.title, p.note] })),
        empty: profiles === null ? 'reading …' : 'no profile found',
      },
      { kind: 'text', id: 'facts', title: chosen?.title ?? 'Facts', lines: chosen?.lines ?? [] },
    ],
    columns: [
      { weight: 2, panes: [{ id: 'list', weight: 1 }] },
      { weight: 3, panes: [{ id: 'facts', weight: 1 }] },
    ],
  }
}
