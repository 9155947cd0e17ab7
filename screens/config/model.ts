import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

export function configModel(input: ScreenInput): ScreenModel {
  const rows = input.shelves.config
  return {
    id: 'config',
    title: 'Settings',
    summary: [
      {
        text: 'built-in < user file < .kxrc < KX_* < flags; keys: .kxrc.example',
        token: 'text.muted',
      },
    ],
    panes: [
      {
        kind: 'table',
        id: 'keys',
        title: 'Settings',
        columns: [
          column(0, 'key', { width: 31 }),
          column(1, 'value', { flex: 2, min: 12 }),
          column(2, 'from', { flex: 3, min: 12 }),
        ],
        rows: (rows ?? []).map((r) => ({
          id: r.key,
          cells: [r.key, r.value === 'null' ? 'not set' : r.value, r.origin],
          token: r.origin === 'built-in' ? 'text.muted' : 'text.normal',
        })),
        empty: rows === null ? 'reading …' : 'no settings',
      },
    ],
  }
}
