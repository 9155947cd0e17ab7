import { nearestIndex } from '../../src/compare/rules.ts'
import type { CompareView } from '../../src/compare/types.ts'
import type { CurveView } from '../../src/compare/views/types.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import { cutMiddle, pad, textWidth } from '../../src/ui/text-fit.ts'
import type { PaneModel, Span, StyledLine } from '../workbench/model.ts'
import { numberOf, optionOf, picture } from './options.ts'
import { eventLetters, inkOf, plotLines } from './plot.ts'

/** Least cells of an entry of the legend: a letter, some of a name, and a figure with its step. */
const entryCells = 33

/** Point of a curve that is nearest to a place; without one its last. Null: it has none. */
export function pointAt(
  { xs, values }: CurveView,
  x: number | null,
): { readonly x: number; readonly value: number } | null {
  const at = x === null ? xs.length - 1 : nearestIndex(xs, x)
  const value = values[at]
  return value === undefined ? null : { x: xs[at] as number, value }
}

const figure = (value: number) =>
  Number.isFinite(value) ? shortNumber(value) : Number.isNaN(value) ? 'NaN' : String(value)

/** What stands behind a name: the figure there, where it is, and what it is smoothed to. */
function figureText(curve: CurveView, x: number | null): string {
  const point = pointAt(curve, x)
  if (point === null) return 'no points'
  const at = x === null ? curve.xs.length - 1 : nearestIndex(curve.xs, x)
  const smooth = curve.smooth === null ? '' : ` ~${figure(curve.smooth[at] as number)}`
  return `${figure(point.value)}${smooth} @${shortNumber(point.x)}`
}

/** The legend, in as many columns as there is room for: letter, name shortened in its middle, figure at the cursor. */
export function legendLines(curves: readonly CurveView[], x: number | null, width: number): StyledLine[] {
  const columns = Math.max(1, Math.min(curves.length, Math.floor(width / entryCells)))
  const cells = Math.floor(width / columns)
  const rows = Math.ceil(curves.length / columns)
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => row + column * rows).flatMap((at): Span[] => {
      const curve = curves[at]
      if (curve === undefined) return []
      const text = figureText(curve, x)
      const room = Math.max(4, cells - 4 - textWidth(text))
      const name = cutMiddle(curve.name, room)
      return [{ text: `${inkOf(at).letter} `, token: inkOf(at).token }, { text: pad(`${name} ${text}`, cells - 2) }]
    }),
  )
}

/** What the letters of the row of events mean, for those that stand there. */
export function eventWords(curves: readonly CurveView[]): string {
  const kinds = [...new Set(curves.flatMap(({ events }) => events.map(({ kind }) => kind)))]
  return kinds.map((kind) => `${eventLetters[kind]} ${kind}`).join('  ')
}

/** Title of the pane: what is drawn, and how it was smoothed. */
export function curvesTitle(view: CompareView | null): string {
  if (view === null || view.curvesOf === '') return 'Curves'
  return view.smoothing === 'off' ? view.curvesOf : `${view.curvesOf}, running ${view.smoothing}, raw behind`
}

/** Curves of the metric under the cursor over each other. */
export function curvesPane(
  view: CompareView | null,
  options: readonly string[],
  isUnicode: boolean,
  id = 'curves',
): PaneModel {
  const curves = view?.curves ?? []
  const cursor = numberOf(options, 'x')
  const isLog = optionOf(options, 'log') === 'yes'
  const empty = 'move to a metric that has a curve'
  const note = view === null ? '' : `over ${view.axis}${isLog ? ', log' : ''}`
  return picture({
    id,
    title: curvesTitle(view),
    note,
    basis: [curves, view?.curvesVersion, cursor, isLog, isUnicode],
    draw: (width, height) => {
      if (curves.length === 0) return [empty]
      const words = eventWords(curves)
      const legend = legendLines(curves, cursor, width)
      const marks: StyledLine[] = words === '' ? [] : [[{ text: words, token: 'text.muted' }]]
      // A picture of a few rows says more than the last entries of a legend.
      const head = [...legend, ...marks].slice(0, Math.max(1, height - 5))
      return [...head, ...plotLines(curves, width, height - head.length, { isLog, isUnicode, cursor, hasAxes: true })]
    },
    words: () => (curves.length === 0 ? [empty] : curves.flatMap((curve, at) => curveWords(curve, at, cursor))),
  })
}

/** A curve in words: how many points, its ends, its extremes with their places, what is not finite, what happened. */
function curveWords(curve: CurveView, at: number, cursor: number | null): string[] {
  const { xs, values, smooth, events, name } = curve
  let [least, most, finite, last, first] = [-1, -1, 0, -1, -1]
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (!Number.isFinite(value)) continue
    finite++
    if (first < 0) first = i
    last = i
    if (least < 0 || value < (values[least] as number)) least = i
    if (most < 0 || value > (values[most] as number)) most = i
  }
  const at2 = (i: number) => `${values[i]} at ${shortNumber(xs[i] as number)}`
  const broken = values.length - finite
  const lines = [
    finite === 0
      ? `${inkOf(at).letter} ${name}: no finite points, ${broken} NaN or infinite`
      : `${inkOf(at).letter} ${name}: ${finite} points, first ${at2(first)}, last ${at2(last)}, least ${at2(least)}, most ${at2(most)}${broken > 0 ? `, ${broken} NaN or infinite` : ''}`,
  ]
  const point = cursor === null ? null : pointAt(curve, cursor)
  if (point !== null) lines.push(`  at the cursor: ${figure(point.value)} at ${shortNumber(point.x)}`)
  if (smooth !== null && last >= 0) lines.push(`  smoothed, last: ${figure(smooth[last] as number)}`)
  for (const { kind, x, text } of events.slice(0, 20)) lines.push(`  ${kind} at ${shortNumber(x)}: ${text}`)
  return lines
}
