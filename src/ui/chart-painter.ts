import { PassThrough } from 'node:stream'
import { type ChartModel, prepareChart } from './chart-model.ts'

/** Colours as blessed names them: of the curves, in order, and of the axes. No curve colours: no colour at all. */
export interface ChartColors {
  readonly lines: readonly string[]
  readonly axes: string
}

/**
 * Draws line charts by blessed-contrib on a screen that nobody sees (handbook terminal 7.2). Each of the returned rows
 * is at most `width` cells wide and carries its own colours. Returns null when there is nothing that could be drawn.
 */
export interface ChartPainter {
  readonly paint: (model: ChartModel, width: number, height: number, colors: ChartColors) => string[] | null
}

/** Rows and columns that the widget leaves blank at its right and below; asked for in addition, then cut off. */
const blankColumns = 6
const blankRows = 3
/** Below this the axes leave no room for a curve. */
export const smallestChart = { columns: 24, rows: 6 } as const

type Listener = (...args: unknown[]) => void

/** Takes away the process listeners that were added during `act`: they would restore a terminal that is not theirs. */
function withoutNewListeners<T>(act: () => T): T {
  const before = new Map(process.eventNames().map((name) => [name, new Set(process.rawListeners(name as 'exit'))]))
  const clean = () => {
    for (const name of process.eventNames()) {
      for (const listener of process.rawListeners(name as 'exit')) {
        if (!before.get(name)?.has(listener)) process.removeListener(name, listener as Listener)
      }
    }
  }
  try {
    return act()
  } finally {
    clean()
  }
}

const stripStyles = (text: string) => text.replace(/\u001b\[[0-9;]*m/g, '')

/** Loads blessed and the one widget: 75 ms or more, so never before the first frame. Rejects where it is not there. */
export async function loadChartPainter(): Promise<ChartPainter> {
  const [{ default: blessed }, { default: Line }] = await Promise.all([
    import('blessed'),
    import('blessed-contrib/lib/widget/charts/line.js'),
  ])
  return {
    paint: (model, width, height, colors) => {
      if (width < smallestChart.columns || height < smallestChart.rows) return null
      const chart = prepareChart(model, width - blankColumns)
      if (chart === null) return null
      return withoutNewListeners(() => {
        const columns = width + blankColumns
        const rows = height + blankRows
        const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
        const output = Object.assign(new PassThrough(), { isTTY: true, columns, rows })
        output.resume()
        const screen = blessed.screen({
          input,
          output,
          terminal: 'xterm-256color',
          forceUnicode: true,
          width: columns,
          height: rows,
        })
        try {
          const line = new Line({
            width: columns,
            height: rows,
            xPadding: 5,
            showLegend: false,
            tags: false,
            minY: chart.min,
            maxY: chart.max,
            numYLabels: Math.max(2, Math.min(5, Math.floor(height / 3))),
            style: { line: colors.lines[0] ?? colors.axes, text: colors.axes, baseline: colors.axes },
          })
          screen.append(line)
          line.setData(
            chart.series.map((s, i) => ({
              title: '',
              x: chart.x,
              y: s.y,
              style: { line: colors.lines[i % Math.max(1, colors.lines.length)] ?? colors.axes },
            })),
          )
          screen.render()
          return screen
            .screenshot()
            .split('\n')
            .slice(0, height)
            .map((row) => (colors.lines.length === 0 ? stripStyles(row) : row).trimEnd())
        } finally {
          screen.destroy()
          input.destroy()
          output.destroy()
        }
      })
    },
  }
}

/** Remembers the last drawing of each chart, so that a chart is drawn again only when its data or its size changed. */
export function cachedPainter(painter: ChartPainter) {
  const last = new Map<string, { readonly key: string; readonly rows: string[] | null }>()
  return (
    id: string,
    version: number | string,
    model: ChartModel,
    width: number,
    height: number,
    colors: ChartColors,
  ) => {
    const key = `${version} ${width} ${height} ${colors.lines.join()} ${colors.axes}`
    const known = last.get(id)
    if (known?.key === key) return known.rows
    if (last.size >= 32) last.clear()
    const rows = painter.paint(model, width, height, colors)
    last.set(id, { key, rows })
    return rows
  }
}
