import { formatDuration } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

const took = (ms: number) => formatDuration(ms / 1000)

export function cellsModel(input: ScreenInput): ScreenModel {
  const cells = input.run?.cells ?? []
  const rows = cells.map((c): Row => {
    const state = c.ended?.state ?? (input.live === null ? 'unknown' : 'running')
    return {
      id: c.started.cellId,
      cells: [
        state,
        c.started.title,
        c.ended === null ? '' : took(c.ended.durationMs),
        ageText(input.nowMs - c.startedAtMs),
        c.started.who,
        c.ended?.summary ?? (state === 'unknown' ? 'kx went away before its end was seen' : ''),
      ],
      token:
        state === 'done'
          ? 'text.normal'
          : state === 'failed'
            ? 'state.fail'
            : state === 'running'
              ? 'state.running'
              : 'state.unknown',
    }
  })
  const chosen = input.selected('cells') ?? rows.at(-1)?.id ?? null
  const cell = cells.find((c) => c.started.cellId === chosen)
  const output = input.shelves.cellOutput?.cellId === chosen ? input.shelves.cellOutput.log : null
  return {
    id: 'cells',
    title: 'Cells',
    summary:
      input.run === null
        ? 'no run is open'
        : [{ text: `${cells.length} acts recorded in this run`, token: 'text.muted' }],
    panes: [
      {
        kind: 'table',
        id: 'cells',
        title: 'Acts',
        columns: [
          column(0, 'state', { width: 8 }),
          column(1, 'act', { width: 18 }),
          column(2, 'took', { width: 11, align: 'right' }),
          column(3, 'when', { width: 12 }),
          column(4, 'who', { width: 8, dropOrder: 2 }),
          column(5, 'result', { flex: 1, min: 24, dropOrder: 1 }),
        ],
        rows,
        empty: input.run === null ? 'open a run on the home screen (0)' : 'nothing was done yet',
      },
      {
        kind: 'log',
        id: 'output',
        title: cell === undefined ? 'Output' : `Output of ${cell.started.title}`,
        log: output,
        empty: 'no output kept',
      },
    ],
    columns: [
      {
        weight: 1,
        panes: [
          { id: 'cells', weight: 1 },
          { id: 'output', weight: 1 },
        ],
      },
    ],
  }
}
