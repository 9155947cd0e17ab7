import type { CompareView } from '../../src/compare/types.ts'
import type { MultiplesScene } from '../../src/compare/views/types.ts'
import { plural } from '../../src/text/format.ts'
import { parseLogFilter } from '../../src/ui/log-filter.ts'
import type { Scale } from '../../src/ui/scale.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import { cutMiddle, textWidth, wrap } from '../../src/ui/text-fit.ts'
import { type PaneModel, type Span, type StyledLine, textOf } from '../workbench/model.ts'
import { pointAt } from './curves.ts'
import { numberOf, optionOf, picture } from './options.ts'
import { extentX, inkOf, letters, plotLines } from './plot.ts'

const leastWidth = 36
const leastHeight = 6
const mostHeight = 11

type Charts = MultiplesScene['charts']

/** Charts that a filter lets through, by the names of their metrics. */
export function chartsFor({ charts }: MultiplesScene, filter: string): Charts {
  if (filter === '') return charts
  const known = filteredCharts.get(charts)
  if (known?.filter === filter) return known.charts
  const { test } = parseLogFilter(filter)
  const found = charts.filter(({ metric }) => test(metric))
  filteredCharts.set(charts, { filter, charts: found })
  return found
}
const filteredCharts = new WeakMap<Charts, { readonly filter: string; readonly charts: Charts }>()

/** How charts stand in a pane of this size: side by side, one below another, and on how many pages. */
export function gridOf(count: number, width: number, height: number) {
  const columns = Math.max(1, Math.min(count, Math.floor(width / leastWidth)))
  const wanted = Math.max(1, Math.ceil(count / columns))
  const rows = Math.max(1, Math.min(wanted, Math.floor(height / leastHeight)))
  const chartHeight = Math.max(2, Math.min(mostHeight, Math.floor(height / rows)))
  return {
    columns,
    rows,
    chartHeight,
    cells: Math.floor(width / columns),
    pages: Math.max(1, Math.ceil(count / (columns * rows))),
  }
}

/** Letters of the runs, the same in every chart. */
const legendOf = ({ names }: MultiplesScene, width: number): readonly string[] => {
  const room = Math.max(8, Math.floor((width * 2) / Math.max(1, names.length)) - 5)
  return wrap(names.map((name, at) => `${letters[at]} ${cutMiddle(name, room).replaceAll(' ', '_')}`).join('  '), width)
}

/** Rows that are left for charts. */
export const chartRoom = (scene: MultiplesScene, width: number, height: number): number =>
  Math.max(2, height - legendOf(scene, width).length)

const extents = new WeakMap<Charts, Scale | null>()
function extentOf(charts: Charts): Scale | null {
  const known = extents.get(charts)
  if (known !== undefined) return known
  const found = extentX(charts.flatMap(({ curves }) => curves))
  extents.set(charts, found)
  return found
}

/** Small charts of all metrics over one x axis, with one cursor. */
export function multiplesPane(
  view: CompareView | null,
  options: readonly string[],
  isUnicode: boolean,
  filter = '',
): PaneModel {
  const scene = view?.scene?.kind === 'multiples' ? view.scene : null
  const cursor = numberOf(options, 'x')
  const isLog = optionOf(options, 'log') === 'yes'
  const page = numberOf(options, 'page') ?? 0
  const charts = scene === null ? [] : chartsFor(scene, filter)
  const smoothed = view === null || view.smoothing === 'off' ? '' : `, running ${view.smoothing}, raw behind`
  return picture({
    id: 'view',
    title: `All metrics${smoothed}`,
    note: view === null ? '' : `${plural(charts.length, 'chart')} over ${view.axis}${isLog ? ', log' : ''}`,
    basis: [scene, cursor, isLog, page, isUnicode, filter],
    draw: (width, height) => {
      if (scene === null) return ['reading points']
      if (charts.length === 0) return [filter === '' ? 'no metric has a curve' : `nothing matches ${filter}`]
      return drawn(scene, charts, page, width, height, { cursor, isLog, isUnicode })
    },
    words: () => (scene === null ? ['reading points'] : inWords(scene, charts, cursor)),
    ...(filter === '' ? { filteredBy: (typed: string) => multiplesPane(view, options, isUnicode, typed) } : {}),
  })
}

interface Drawing {
  readonly cursor: number | null
  readonly isLog: boolean
  readonly isUnicode: boolean
}

function drawn(
  scene: MultiplesScene,
  charts: Charts,
  page: number,
  width: number,
  height: number,
  options: Drawing,
): readonly StyledLine[] {
  const { columns, rows, cells, chartHeight, pages } = gridOf(charts.length, width, chartRoom(scene, width, height))
  const at = Math.max(0, Math.min(pages - 1, page))
  const over = extentOf(scene.charts)
  const shown = charts.slice(at * columns * rows, (at + 1) * columns * rows)
  const lines: StyledLine[] = []
  for (let row = 0; row * columns < shown.length; row++) {
    const beside = shown
      .slice(row * columns, (row + 1) * columns)
      .map((chart) => chartLines(chart, cells - 2, chartHeight, options, over))
    for (let line = 0; line < chartHeight; line++)
      lines.push(beside.flatMap((chart) => padded(chart[line] ?? '', cells)))
  }
  const where = pages > 1 ? `page ${at + 1} of ${pages}, up and down turn; ` : ''
  const legend = legendOf(scene, width - where.length)
  return [...lines, ...legend.map((text, i): StyledLine => legendLine(`${i === 0 ? where : ''}${text}`))]
}

/** Letters in the style of their curves. */
function legendLine(text: string): Span[] {
  return text.split(/(?<=^|\s)([A-H])(?=\s)/).map((part) => {
    const at = letters.indexOf(part as (typeof letters)[number])
    return { text: part, token: at < 0 ? 'text.muted' : inkOf(at).token }
  })
}

/** A chart with its name, its extent, and what the baseline has at the cursor. */
function chartLines(
  { metric, curves }: Charts[number],
  width: number,
  height: number,
  options: Drawing,
  over: Scale | null,
): readonly StyledLine[] {
  const first = curves.findIndex(({ xs }) => xs.length > 0)
  const point = curves[first] === undefined ? null : pointAt(curves[first], options.cursor)
  const said = point === null ? '' : ` ${letters[first]} ${shortNumber(point.value)} @${shortNumber(point.x)}`
  const title: Span[] = [
    { text: cutMiddle(metric, Math.max(4, width - textWidth(said))), token: 'text.strong' },
    { text: said, token: 'text.muted' },
  ]
  return [
    title,
    ...plotLines(
      curves,
      width,
      height - 1,
      { ...options, hasAxes: height >= leastHeight + 2, isRuleShort: true },
      over,
    ),
  ]
}

function padded(line: StyledLine, width: number): readonly Span[] {
  const spans = typeof line === 'string' ? [{ text: line }] : line
  return [...spans, { text: ' '.repeat(Math.max(0, width - textWidth(textOf(line)))) }]
}

function inWords({ names }: MultiplesScene, charts: Charts, cursor: number | null): string[] {
  return charts.flatMap(({ metric, curves }) => [
    `${metric}:`,
    ...curves.map((curve, at) => {
      const point = pointAt(curve, cursor)
      const where = cursor === null ? 'last' : 'at the cursor'
      return `  ${letters[at]} ${names[at]}: ${point === null ? 'not recorded' : `${where} ${point.value} at ${shortNumber(point.x)}`}`
    }),
  ])
}
