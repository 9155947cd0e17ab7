import { formatBytes, formatUsd } from '../../text/format.ts'
import { asciiGlyphs, unicodeGlyphs } from '../../ui/glyphs.ts'
import { extentOf, resample, shortNumber, sparklineText } from '../../ui/sparkline-model.ts'
import { textWidth, toWidth } from '../../ui/text-fit.ts'
import type { DisplayLine, DisplaySpan } from '../types.ts'
import type { ChartSeries, Display } from './symbol.ts'

export interface ShowOptions {
  readonly width: number
  readonly isAscii: boolean
}

const text = (value: string, tone: DisplaySpan['tone'] = 'plain'): DisplaySpan => ({ text: value, tone })
const chartRows = 8
const widestCell = 60

/** Draws a display in characters. */
export function showDisplay(display: Display, options: ShowOptions): readonly DisplayLine[] {
  switch (display.kind) {
    case 'table':
      return tableLines(display.columns, display.rows, options)
    case 'chart':
      return chartLines(display.series, display.title, options)
    case 'sparkline':
      return [sparkline(display.values, options)]
    case 'diff':
      return display.lines.map((each) => [
        text(`${each.sign} ${each.text}`, each.sign === '+' ? 'strong' : each.sign === '-' ? 'error' : 'muted'),
      ])
    case 'bytes':
      return [[text(formatBytes(display.bytes), 'number')]]
    case 'usd':
      return [[text(formatUsd(display.usd), 'number')]]
    case 'text':
      return display.text
        .replace(/\n$/, '')
        .split('\n')
        .map((each) => [text(each, display.isError === true ? 'error' : 'plain')])
  }
}

function sparkline(values: readonly (number | null)[], { width, isAscii }: ShowOptions): DisplayLine {
  const extent = extentOf(values)
  if (extent === null) return [text('no values', 'muted')]
  const drawn = sparklineText(values, Math.min(60, Math.max(8, width - 24)), isAscii ? asciiGlyphs : unicodeGlyphs)
  return [text(drawn, 'strong'), text(`  ${shortNumber(extent.min)} to ${shortNumber(extent.max)}`, 'muted')]
}

const cellText = (value: unknown): string => {
  if (value === null || value === undefined) return ''
  if (typeof value === 'object') return Array.isArray(value) ? `[${value.length}]` : '{…}'
  return String(value).replace(/\s+/g, ' ')
}

/** Columns as wide as their widest cell; where they do not fit, the widest give way, and then the last ones go. */
function tableLines(
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
  { width, isAscii }: ShowOptions,
): readonly DisplayLine[] {
  if (columns.length === 0) return [[text('no columns', 'muted')]]
  const cells = rows.map((row) => columns.map((_name, at) => cellText(row[at])))
  const widths = columns.map((name, at) =>
    Math.min(widestCell, Math.max(1, textWidth(name), ...cells.map((row) => textWidth(row[at] ?? '')))),
  )
  let shown = columns.length
  const total = () => widths.slice(0, shown).reduce((sum, each) => sum + each + 2, -2)
  while (total() > width && Math.max(...widths.slice(0, shown)) > 8) {
    const widest = widths.indexOf(Math.max(...widths.slice(0, shown)))
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  while (total() > width && shown > 1) shown -= 1
  const isNumeric = columns.map((_name, at) =>
    rows.every((row) => row[at] === null || row[at] === undefined || typeof row[at] === 'number'),
  )
  const place = (value: string, at: number) =>
    toWidth(value, widths[at] ?? 1, isNumeric[at] === true ? 'right' : 'left')
  const line = (values: readonly string[], tone: DisplaySpan['tone']): DisplayLine => {
    const whole = values.slice(0, shown).map(place).join('  ')
    return [text(whole.trimEnd(), tone)]
  }
  const rule = (isAscii ? '-' : '─').repeat(Math.max(1, Math.min(width, total())))
  const lines: DisplayLine[] = [line(columns, 'name'), [text(rule, 'muted')], ...cells.map((row) => line(row, 'plain'))]
  if (rows.length === 0) lines.push([text('no rows', 'muted')])
  const hidden = columns.slice(shown)
  if (hidden.length > 0) lines.push([text(`not shown for want of room: ${hidden.join(', ')}`, 'muted')])
  return lines
}

const marks = ['*', 'o', '+', 'x']

/** Series as points over eight rows, each with a mark of its own: colour alone would tell nobody. */
function chartLines(series: readonly ChartSeries[], title: string, options: ShowOptions): readonly DisplayLine[] {
  const extents = series.flatMap(({ values }) => extentOf(values) ?? [])
  if (extents.length === 0) return [[text('no values to draw', 'muted')]]
  const min = Math.min(...extents.map((each) => each.min))
  const max = Math.max(...extents.map((each) => each.max))
  const labels = [max, (min + max) / 2, min].map(shortNumber)
  const gutter = Math.max(...labels.map((label) => label.length))
  const columns = Math.max(10, Math.min(100, options.width - gutter - 2))
  const grid = Array.from({ length: chartRows }, () => Array.from({ length: columns }, () => ' '))
  series.slice(0, marks.length).forEach(({ values }, n) => {
    const points = resample(values, columns)
    points.forEach((value, at) => {
      if (value === null) return
      const share = max === min ? 0.5 : (value - min) / (max - min)
      const row = grid[Math.min(chartRows - 1, Math.round((1 - share) * (chartRows - 1)))]
      const column = points.length <= 1 ? 0 : Math.round((at * (columns - 1)) / (points.length - 1))
      if (row !== undefined) row[column] = marks[n] ?? '*'
    })
  })
  const side = options.isAscii ? '|' : '│'
  const lines: DisplayLine[] = title === '' ? [] : [[text(title, 'strong')]]
  grid.forEach((row, at) => {
    const label =
      at === 0 ? labels[0] : at === chartRows - 1 ? labels[2] : at === Math.floor(chartRows / 2) ? labels[1] : ''
    lines.push([text(`${(label ?? '').padStart(gutter)} ${side}`, 'muted'), text(row.join('').trimEnd(), 'strong')])
  })
  const isNamed = series.length > 1 || (series[0]?.name ?? '') !== ''
  if (isNamed)
    lines.push([
      text(
        series
          .slice(0, marks.length)
          .map(({ name }, n) => `${marks[n]} ${name}`)
          .join('   '),
        'muted',
      ),
    ])
  if (series.length > marks.length) lines.push([text(`${series.length - marks.length} more series not drawn`, 'muted')])
  return lines
}
