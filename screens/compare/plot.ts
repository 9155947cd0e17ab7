import { extentsOf } from '../../src/compare/downsample.ts'
import type { CurveView } from '../../src/compare/views/types.ts'
import { Canvas, type Ink } from '../../src/ui/canvas.ts'
import { axisLabels, type Scale, scaleOver, shareOf } from '../../src/ui/scale.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import { toWidth } from '../../src/ui/text-fit.ts'
import { curveTokens, type Token } from '../../src/ui/theme.ts'
import type { Span, StyledLine } from '../workbench/model.ts'

/** Every curve has a letter beside its colour: on the line, in the legend, and on the rows below. */
export const letters = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'] as const
export const inks: readonly Ink[] = letters.map((letter, at) => ({ letter, token: curveTokens[at] as Token }))
export const inkOf = (at: number): Ink => inks[at % inks.length] as Ink
/** Points as they were logged, behind a smoothed line. */
const behind: Ink = { letter: '.', token: 'text.muted' }

/** Cells left of a picture, for the labels of its axis. */
export const gutter = 9

export interface PlotOptions {
  readonly isLog: boolean
  readonly isUnicode: boolean
  /** Place of the cursor on the x axis; null: none. */
  readonly cursor: number | null
  /** Whether labels stand beside the picture. */
  readonly hasAxes: boolean
  /** The cursor stands at both ends of its column alone. */
  readonly isRuleShort?: boolean
}

/** Letter of what happened, as it stands below the curves. */
export const eventLetters = { checkpoint: 'c', restart: 'r', alert: '!', phase: 'p' } as const

interface Base {
  readonly canvas: Canvas
  readonly y: Scale
  readonly x: Scale
  /** By cell: letters of the curves that are not finite there, or have no place on a logarithmic axis. */
  readonly outside: readonly string[]
  readonly events: readonly string[]
}

/** What does not depend on the cursor is drawn once for its curves, size and axis. */
const bases = new WeakMap<readonly CurveView[], Map<string, Base | null>>()
const mostSizes = 8

/** Least and greatest place over some curves. */
export function extentX(curves: readonly CurveView[]): Scale | null {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { xs } of curves)
    for (const x of xs) {
      if (x < from) from = x
      if (x > to) to = x
    }
  return from > to || !Number.isFinite(from) || !Number.isFinite(to) ? null : { from, to, isLog: false }
}

/** The figures of all curves, one after the other. */
function* figuresOf(curves: readonly CurveView[]): Generator<number> {
  for (const { values } of curves) yield* values
}

function baseOf(curves: readonly CurveView[], width: number, height: number, isLog: boolean, over: Scale | null) {
  const key = `${width} ${height} ${isLog} ${over?.from} ${over?.to}`
  const known = bases.get(curves) ?? new Map<string, Base | null>()
  bases.set(curves, known)
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size >= mostSizes) known.clear()
  const made = drawBase(curves, width, height, isLog, over)
  known.set(key, made)
  return made
}

function drawBase(
  curves: readonly CurveView[],
  width: number,
  height: number,
  isLog: boolean,
  over: Scale | null,
): Base | null {
  const x = over ?? extentX(curves)
  const y = scaleOver(figuresOf(curves), isLog)
  if (x === null) return null
  const canvas = new Canvas(width, height)
  const outside = Array.from({ length: width }, () => '')
  const events = Array.from({ length: width }, () => '')
  const scale = y ?? { from: 0, to: 1, isLog: false }
  for (const [at, { xs, values, smooth }] of curves.entries()) {
    if (smooth !== null) drawCurve(canvas, xs, values, x, scale, behind, isLog)
    const seen = extentsOf(xs, isLog ? positive(values) : values, x.from, x.to, canvas.columns)
    for (let column = 0; column < canvas.columns; column++) {
      const cell = column >> 1
      const letter = letters[at % letters.length] as string
      if (seen.nonFinite[column] === 1 && !outside[cell]?.includes(letter)) outside[cell] += letter
    }
  }
  // Later ones stand above earlier ones: the baseline, which is the first, is drawn last.
  for (let at = curves.length - 1; at >= 0; at--) {
    const { xs, values, smooth, events: marks } = curves[at] as CurveView
    drawCurve(canvas, xs, smooth ?? values, x, scale, inkOf(at), isLog)
    for (const { kind, x: place } of marks) {
      const cell = cellOf(x, place, width)
      if (cell < 0) continue
      const letter = eventLetters[kind]
      events[cell] = events[cell] === '' || events[cell] === letter ? letter : '+'
    }
  }
  for (const [at, { xs, values, smooth }] of curves.entries())
    letterCurve(canvas, xs, smooth ?? values, x, scale, at, curves.length)
  return { canvas, x, y: scale, outside, events }
}

/** What has no place on a logarithmic axis counts with what is not finite: it is shown, below. */
const positive = (values: Float64Array) => values.map((value) => (value > 0 ? value : Number.NaN))

/** Cell of a place of the x axis; -1: outside. */
export function cellOf(x: Scale, place: number, width: number): number {
  if (!(place >= x.from && place <= x.to)) return -1
  return x.to > x.from ? Math.min(width - 1, Math.floor(((place - x.from) / (x.to - x.from)) * width)) : 0
}

/** Each column from its least to its greatest point, and a line from one column to the next. */
function drawCurve(
  canvas: Canvas,
  xs: Float64Array,
  values: Float64Array,
  x: Scale,
  y: Scale,
  ink: Ink,
  isLog: boolean,
): void {
  const seen = extentsOf(xs, isLog ? positive(values) : values, x.from, x.to, canvas.columns)
  const row = (value: number) => (canvas.rows - 1) * (1 - shareOf(y, value))
  let [lastColumn, lastRow] = [-1, 0]
  for (let column = 0; column < canvas.columns; column++) {
    const least = seen.least[column] as number
    if (Number.isNaN(least)) continue
    const first = row(seen.first[column] as number)
    if (lastColumn >= 0) canvas.line(lastColumn, lastRow, column, first, ink)
    canvas.line(column, row(least), column, row(seen.most[column] as number), ink)
    lastColumn = column
    lastRow = row(seen.last[column] as number)
  }
}

/** The letter of a curve stands on it here and there, each curve at places of its own, and at its end. */
function letterCurve(
  canvas: Canvas,
  xs: Float64Array,
  values: Float64Array,
  x: Scale,
  y: Scale,
  at: number,
  count: number,
): void {
  const spacing = Math.max(12, count * 3)
  const ink = inkOf(at)
  const places = new Set<number>()
  let last = -1
  for (let i = xs.length - 1; i >= 0 && last < 0; i--)
    if (Number.isFinite(shareOf(y, values[i] as number))) last = cellOf(x, xs[i] as number, canvas.width)
  const seen = extentsOf(xs, values, x.from, x.to, canvas.width)
  const offset = Math.floor((at * spacing) / Math.max(1, count)) + 2
  for (let cell = offset; cell < canvas.width; cell += spacing) places.add(cell)
  if (last >= 0) places.add(last)
  for (const cell of places) {
    const share = shareOf(y, seen.last[cell] as number)
    if (!Number.isFinite(share)) continue
    const row = Math.max(0, Math.min(canvas.height - 1, Math.floor(((canvas.rows - 1) * (1 - share)) / 4)))
    canvas.put(cell, row, ink.letter, ink)
  }
}

/**
 * Curves with their axes, what is not finite on a row of its own, and marks of what happened. Every point is within the
 * extent of its column: a spike cannot vanish.
 *
 * @param over places that the x axis spans; null: those of the curves
 */
export function plotLines(
  curves: readonly CurveView[],
  width: number,
  height: number,
  options: PlotOptions,
  over: Scale | null = null,
): readonly StyledLine[] {
  const left = options.hasAxes ? gutter : 0
  const inner = width - left
  if (inner < 4 || height < 2) return []
  const hasOutside = curves.some(({ values }) =>
    values.some((value) => !Number.isFinite(value) || (options.isLog && value <= 0)),
  )
  const hasEvents = curves.some(({ events }) => events.length > 0)
  const below = (options.hasAxes ? 1 : 0) + (hasOutside ? 1 : 0) + (hasEvents ? 1 : 0)
  const rows = Math.max(1, height - below)
  const base = baseOf(curves, inner, rows, options.isLog, over)
  if (base === null) return ['no curve has a place on this axis']
  const rule = options.cursor === null ? -1 : cellOf(base.x, options.cursor, inner)
  const labels = options.hasAxes ? axisLabels(base.y, rows) : []
  const labelled = (label: string, spans: readonly Span[]): StyledLine =>
    left === 0 ? spans : [{ text: `${toWidth(label, left - 1, 'right')} `, token: 'text.muted' }, ...spans]
  const lines = base.canvas
    .render(options.isUnicode, rule, options.isRuleShort === true)
    .map((runs, row) => labelled(labels[row] ?? '', runs))
  if (hasOutside) lines.push(labelled(options.isLog ? 'no place' : 'NaN/inf', markRow(base.outside)))
  if (hasEvents)
    lines.push(labelled('events', [{ text: base.events.map((mark) => mark || ' ').join(''), token: 'severity.warn' }]))
  if (options.hasAxes) lines.push(labelled('', [{ text: axisRow(base.x, inner, options.cursor), token: 'text.muted' }]))
  return lines
}

/** A letter a column; several curves at one place are a star. */
function markRow(marks: readonly string[]): Span[] {
  return marks.map((mark) =>
    mark.length === 0
      ? { text: ' ' }
      : mark.length > 1
        ? { text: '*', token: 'severity.error' }
        : { text: mark, token: inkOf(letters.indexOf(mark as (typeof letters)[number])).token },
  )
}

/** Ends of the x axis, and between them where the cursor is. */
function axisRow(x: Scale, width: number, cursor: number | null): string {
  const [from, to] = [shortNumber(x.from), shortNumber(x.to)]
  const at = cursor === null ? -1 : cellOf(x, cursor, width)
  const middle = at < 0 ? '' : shortNumber(cursor as number)
  const row = toWidth(from, width - to.length) + to
  if (middle === '') return row
  const start = Math.max(0, Math.min(width - middle.length, at - Math.floor(middle.length / 2)))
  const isFree = start > from.length && start + middle.length < width - to.length
  if (isFree) return row.slice(0, start) + middle + row.slice(start + middle.length)
  const said = `cursor ${middle}`
  const room = width - from.length - to.length
  return room < said.length + 2 ? row : from + toWidth(said, room, 'center') + to
}
