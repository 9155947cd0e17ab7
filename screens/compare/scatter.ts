import type { CompareView } from '../../src/compare/types.ts'
import type { Parameter, ScatterScene } from '../../src/compare/views/types.ts'
import { Canvas, type Ink } from '../../src/ui/canvas.ts'
import { axisLabels, type Scale, scaleOver, shareOf } from '../../src/ui/scale.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import { cutMiddle, toWidth, wrap } from '../../src/ui/text-fit.ts'
import type { PaneModel, Span, StyledLine } from '../workbench/model.ts'
import { optionOf, picture } from './options.ts'
import { gutter } from './plot.ts'

const point: Ink = { token: 'curve.1', letter: 'o' }
const baseline: Ink = { token: 'curve.2', letter: '@' }

/** One parameter against one metric, a point a run. */
export function scatterPane(view: CompareView | null, options: readonly string[], isUnicode: boolean): PaneModel {
  const scene = view?.scene?.kind === 'scatter' ? view.scene : null
  const isLog = optionOf(options, 'log') === 'yes'
  const { parameter = null, parameters = [], metric = '' } = scene ?? {}
  const at = parameter === null ? 0 : parameters.indexOf(parameter.key) + 1
  return picture({
    id: 'view',
    title: parameter === null ? 'Scatter' : `${metric} against ${parameter.key}`,
    note:
      parameter === null ? '' : [`setting ${at} of ${parameters.length} that vary`, `${at} of ${parameters.length}`],
    basis: [scene, view?.baseline, isLog, isUnicode],
    draw: (width, height) => drawn(scene, view, width, height, isLog, isUnicode),
    words: () => (scene === null ? ['reading runs'] : inWords(scene, view)),
  })
}

function drawn(
  scene: ScatterScene | null,
  view: CompareView | null,
  width: number,
  height: number,
  isLog: boolean,
  isUnicode: boolean,
): readonly StyledLine[] {
  if (scene === null) return ['reading runs']
  const { parameter, points } = scene
  if (parameter === null) return ['no setting varies over these runs']
  if (points.length === 0) return ['no run has both on record; up and down choose another metric']
  const below = [...scene.words, ...missingWords(scene)].flatMap((line) => wrap(line, width, '  '))
  const legend = `${isUnicode ? '•' : 'o'} a run, or a digit for several  @ the baseline`
  const rows = Math.max(2, height - Math.min(below.length, Math.max(1, height - 6)) - 2)
  const inner = Math.max(4, width - gutter)
  const y = scaleOver(
    points.map((each) => each.y),
    isLog,
  )
  if (y === null) return ['no value is positive: u goes back to a plain axis']
  const x = scaleX(parameter)
  const canvas = new Canvas(inner, rows)
  const counts = new Map<number, number>()
  const cells = points.flatMap((each) => {
    const [right, up] = [shareOf(x, each.x), shareOf(y, each.y)]
    if (Number.isNaN(right) || Number.isNaN(up)) return []
    const [column, row] = [Math.round(right * (inner - 1)), Math.round((1 - up) * (rows - 1))]
    const cell = row * inner + column
    counts.set(cell, (counts.get(cell) ?? 0) + 1)
    return [{ column, row, cell, isBaseline: each.run === view?.baseline }]
  })
  for (const { column, row, cell } of cells) {
    const count = counts.get(cell) ?? 1
    canvas.put(column, row, count === 1 ? (isUnicode ? '•' : 'o') : count > 9 ? '+' : String(count), point)
  }
  for (const { column, row } of cells.filter((each) => each.isBaseline)) canvas.put(column, row, '@', baseline)
  const labels = axisLabels(y, rows)
  const left = (text: string): Span => ({ text: `${toWidth(text, gutter - 1, 'right')} `, token: 'text.muted' })
  return [
    ...canvas.render(isUnicode).map((runs, row): StyledLine => [left(labels[row] ?? ''), ...runs]),
    [left(''), { text: xLabels(parameter, x, inner), token: 'text.muted' }],
    [{ text: legend, token: 'text.muted' }],
    ...below,
  ]
}

/** Categories stand in columns with room on both sides. */
function scaleX(parameter: Parameter): Scale {
  if (parameter.categories !== null) return { from: -0.5, to: parameter.categories.length - 0.5, isLog: false }
  const known = parameter.places.filter((place) => place !== null)
  return scaleOver(known, parameter.isLog) ?? { from: 0, to: 1, isLog: false }
}

function xLabels({ categories, isLog, key }: Parameter, x: Scale, width: number): string {
  if (categories === null) {
    const [from, to] = [shortNumber(x.from), shortNumber(x.to)]
    return from + toWidth(`${key}${isLog ? ', log' : ''}`, width - from.length - to.length, 'center') + to
  }
  const room = Math.floor(width / categories.length)
  return categories.map((each) => toWidth(cutMiddle(each, Math.max(1, room - 1)), room, 'center')).join('')
}

const missingWords = ({ missing }: ScatterScene) =>
  missing === 0 ? [] : [`${missing} ${missing === 1 ? 'run has' : 'runs have'} not both on record.`]

function inWords(scene: ScatterScene, view: CompareView | null): string[] {
  const { parameter, points } = scene
  if (parameter === null) return ['no setting varies over these runs']
  const place = (x: number) => parameter.categories?.[x] ?? String(x)
  return [
    ...scene.words,
    ...missingWords(scene),
    ...points.map(
      ({ run, x, y }) =>
        `${view?.runs[run]?.name ?? '?'}${run === view?.baseline ? ' (baseline)' : ''}: ${parameter.key} ${place(x)}, ${scene.metric} ${y}`,
    ),
    `Settings that vary: ${scene.parameters.join(', ')}.`,
  ]
}
