import { split } from '../../src/ui/split.ts'
import type { ScreenModel } from './model.ts'

export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface PlacedPane extends Area {
  readonly id: string
}

/** From here on panes stand beside each other (handbook terminal 9: full, compact, single pane). */
export const wideColumns = 120
const roomyRows = 34

/** Rows of the workbench around the panes: title, rail, summary above; live output, command line, hints below. */
export interface Chrome {
  readonly liveRows: number
  readonly messageRows: number
  readonly panes: Area
}

/**
 * Divides the screen. The live strip is there only while an act runs, and rows above the command row only while a message
 * needs them, so nothing else moves for them.
 */
export function chromeFor(columns: number, rows: number, isLive: boolean, messageRows = 0): Chrome {
  const liveRows = isLive ? (rows >= roomyRows ? 8 : 4) : 0
  const height = Math.max(0, rows - 5 - liveRows - messageRows)
  return { liveRows, messageRows, panes: { x: 0, y: 3, width: columns, height } }
}

/** Id of the pane that has the keys: the remembered one while the screen has it, else the main one. */
export function focusedPane(model: ScreenModel, remembered: string | undefined): string {
  return model.panes.some((p) => p.id === remembered) ? (remembered as string) : (model.panes[0]?.id ?? '')
}

/**
 * Where each pane stands. Narrow or zoomed: the focused one alone; narrow but tall: two, one above the other; wide: as the model
 * says. Pure, so that drawing, page keys and the mouse agree.
 */
export function placePanes(model: ScreenModel, focus: string, isZoomed: boolean, area: Area): readonly PlacedPane[] {
  const alone: PlacedPane[] = [{ id: focus, ...area }]
  if (isZoomed || model.panes.length <= 1) return alone
  if (area.width < wideColumns) {
    const main = model.panes[0]?.id ?? focus
    const second = focus === main ? model.panes[1]?.id : focus
    if (area.height < roomyRows - 5 || second === undefined) return alone
    const [top = 0, bottom = 0] = split(area.height, [{ flex: 3 }, { flex: 2 }])
    return [
      { id: main, ...area, height: top },
      { id: second, ...area, y: area.y + top, height: bottom },
    ]
  }
  const columns = model.columns ?? model.panes.slice(0, 2).map((p) => ({ weight: 1, panes: [{ id: p.id, weight: 1 }] }))
  const { bottom } = model
  const shown = bottom?.id === focus || columns.some((c) => c.panes.some((p) => p.id === focus))
  // A pane that the wide layout leaves out takes the place of the last one while it has the keys.
  const widths = split(
    area.width,
    columns.map((c) => ({ flex: c.weight })),
  )
  const [height = 0, below = 0] =
    bottom === undefined ? [area.height] : split(area.height, [{ flex: bottom.columnsWeight }, { flex: bottom.weight }])
  const placed: PlacedPane[] = []
  let x = area.x
  columns.forEach((c, i) => {
    const known = c.panes.filter((p) => model.panes.some((m) => m.id === p.id))
    const heights = split(
      height,
      known.map((p) => ({ flex: p.weight })),
    )
    let y = area.y
    known.forEach((p, j) => {
      placed.push({ id: p.id, x, y, width: widths[i] ?? 0, height: heights[j] ?? 0 })
      y += heights[j] ?? 0
    })
    x += widths[i] ?? 0
  })
  const last = placed.at(-1)
  const all = shown || last === undefined ? placed : [...placed.slice(0, -1), { ...last, id: focus }]
  return bottom === undefined ? all : [...all, { id: bottom.id, ...area, y: area.y + height, height: below }]
}
