import type { CompareView } from '../../src/compare/types.ts'
import type { StripGroup, StripsScene } from '../../src/compare/views/types.ts'
import { plural } from '../../src/text/format.ts'
import { Canvas, type Ink } from '../../src/ui/canvas.ts'
import { type Scale, scaleOver, shareOf } from '../../src/ui/scale.ts'
import { shortNumber } from '../../src/ui/sparkline-model.ts'
import { cutMiddle, pad, toWidth } from '../../src/ui/text-fit.ts'
import type { PaneModel, Span, StyledLine } from '../workbench/model.ts'
import { optionOf, picture } from './options.ts'

const dots: Ink = { token: 'curve.1', letter: '.' }
const reach: Ink = { token: 'curve.2', letter: '-' }
const middle: Ink = { token: 'text.strong', letter: 'M' }

const directionOf = (goal: StripsScene['goal']) =>
  goal === null ? '' : goal === 'lower' ? ', less is better' : ', more is better'

/** The spread of one metric over the seeds of each group: a line of dots each, with mean and interval. */
export function stripsPane(view: CompareView | null, options: readonly string[], isUnicode: boolean): PaneModel {
  const scene = view?.scene?.kind === 'strips' ? view.scene : null
  const isLog = optionOf(options, 'log') === 'yes'
  return picture({
    id: 'view',
    title: scene === null ? 'Spread' : `${scene.metric} over seeds${directionOf(scene.goal)}`,
    note: scene === null ? '' : `${plural(scene.groups.length, 'group')}${isLog ? ', log' : ''}`,
    basis: [scene, isLog, isUnicode],
    draw: (width, height) => drawn(scene, width, height, isLog, isUnicode),
    words: () =>
      scene === null
        ? ['reading runs']
        : scene.groups.length === 0
          ? [none]
          : scene.groups.map((group) => inWords(group)),
  })
}

const none = 'no run has a value of this metric; up and down choose another one'

/** Two rows a group: its name with the figures, and its strip. */
function drawn(
  scene: StripsScene | null,
  width: number,
  height: number,
  isLog: boolean,
  isUnicode: boolean,
): readonly StyledLine[] {
  if (scene === null) return ['reading runs']
  const scale = scaleOver(
    scene.groups.flatMap(({ values, interval }) => [
      ...values,
      ...(interval === null ? [] : [interval.low, interval.high]),
    ]),
    isLog,
  )
  if (scene.groups.length === 0) return [none]
  if (scale === null) return ['no value is positive: u goes back to a plain axis']
  const shown = scene.groups.slice(0, Math.max(1, Math.floor((height - 3) / 2)))
  const more = scene.groups.length - shown.length
  const [from, to] = [shortNumber(scale.from), shortNumber(scale.to)]
  return [
    ...shown.flatMap((group) => stripOf(group, scale, width, isUnicode)),
    [{ text: from + toWidth('', width - from.length - to.length) + to, token: 'text.muted' }],
    [
      {
        text: 'dots: values, several on each other  M mean  [ ] 95 % of the mean',
        token: 'text.muted',
      },
    ],
    ...(more > 0 ? [`${plural(more, 'more group')} without room; kx view compare --view strips has all`] : []),
  ]
}

function stripOf(group: StripGroup, scale: Scale, width: number, isUnicode: boolean): StyledLine[] {
  const canvas = new Canvas(width, 1)
  const column = (value: number) => Math.round(shareOf(scale, value) * (canvas.columns - 1))
  if (group.interval !== null) {
    const [low, high] = [column(group.interval.low), column(group.interval.high)]
    canvas.line(Number.isNaN(low) ? 0 : low, 3, high, 3, reach)
  }
  const heights = new Map<number, number>()
  for (const value of group.values) {
    const x = column(value)
    if (Number.isNaN(x)) continue
    const height = heights.get(x) ?? 0
    heights.set(x, height + 1)
    // Several values at one place stand on each other, up to the height of the cell.
    canvas.dot(x, Math.max(0, 2 - height), dots)
  }
  const cell = (value: number) => Math.floor(column(value) / 2)
  if (group.interval !== null) {
    canvas.put(cell(group.interval.low), 0, '[', reach)
    canvas.put(cell(group.interval.high), 0, ']', reach)
  }
  canvas.put(cell(group.mean), 0, 'M', middle)
  const said = figuresOf(group)
  const name = `${cutMiddle(group.name, Math.max(8, width - said.length - 12))}${group.isBaseline ? ' (baseline)' : ''}`
  const head: Span[] = [
    { text: pad(name, Math.max(0, width - said.length)), token: group.isBaseline ? 'text.strong' : 'text.normal' },
    { text: said, token: 'text.muted' },
  ]
  return [head, ...canvas.render(isUnicode)]
}

const figuresOf = ({ values, mean, interval }: StripGroup) =>
  ` n ${values.length}, mean ${shortNumber(mean)}${interval === null ? '' : `, ${shortNumber(interval.low)} to ${shortNumber(interval.high)}`}`

function inWords(group: StripGroup): string {
  const sorted = [...group.values].sort((a, b) => a - b)
  const { interval } = group
  const between =
    interval === null
      ? 'too few for an interval'
      : `95 % of the mean ${shortNumber(interval.low)} to ${shortNumber(interval.high)}`
  return `${group.name}${group.isBaseline ? ' (baseline)' : ''}: n ${sorted.length}, mean ${shortNumber(group.mean)}, ${between}; values ${sorted.map(shortNumber).join(', ')}`
}
