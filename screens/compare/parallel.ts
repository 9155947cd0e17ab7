import type { CompareView } from '../../src/compare/types.ts'
import type { ParallelRun, ParallelScene } from '../../src/compare/views/types.ts'
import { Canvas, type Ink } from '../../src/ui/canvas.ts'
import { cutMiddle, textWidth, wrap } from '../../src/ui/text-fit.ts'
import type { PaneModel, StyledLine } from '../workbench/model.ts'
import { optionOf, picture } from './options.ts'

/** By rank, best first: a quarter of the runs each. The letter says the same where there is no colour. */
const quarters: readonly Ink[] = [
  { token: 'curve.3', letter: '1' },
  { token: 'curve.1', letter: '2' },
  { token: 'curve.2', letter: '3' },
  { token: 'curve.5', letter: '4' },
]
const unranked: Ink = { token: 'text.muted', letter: '?' }
const chosen: Ink = { token: 'text.strong', letter: '#' }
const axis: Ink = { token: 'border', letter: '|' }

/** Run that stands out; the best one until a person chooses. */
export function selectedRun(scene: ParallelScene, options: readonly string[]): ParallelRun | null {
  const path = optionOf(options, 'run')
  return scene.runs.find((run) => run.path === path) ?? scene.runs[0] ?? null
}

/** Runs as lines over the settings that vary and one metric. */
export function parallelPane(view: CompareView | null, options: readonly string[], isUnicode: boolean): PaneModel {
  const scene = view?.scene?.kind === 'parallel' ? view.scene : null
  const selected = scene === null ? null : selectedRun(scene, options)
  return picture({
    id: 'view',
    title: scene === null ? 'Parallel coordinates' : `Settings and ${scene.metric}`,
    note: scene === null ? '' : [`${scene.runs.length} runs, ${rankWord(scene)}`, `${scene.runs.length} runs`],
    basis: [scene, selected?.path, isUnicode],
    draw: (width, height) => (scene === null ? ['reading runs'] : drawn(scene, selected, width, height, isUnicode)),
    words: () => (scene === null ? ['reading runs'] : inWords(scene)),
  })
}

const rankWord = ({ goal }: ParallelScene) =>
  goal === null
    ? 'ranked by value: nobody knows which way is better'
    : `the best has the ${goal === 'lower' ? 'least' : 'most'}`

const inkFor = ({ rank }: ParallelRun, ranked: number): Ink =>
  rank === null ? unranked : (quarters[Math.min(3, Math.floor(((rank - 1) * 4) / Math.max(1, ranked)))] as Ink)

/** All runs without the chosen one apart: drawn once for a size, and drawn on by a copy. */
const drawnRuns = new WeakMap<ParallelScene, { readonly key: string; readonly canvas: Canvas }>()

function allRuns(scene: ParallelScene, width: number, room: number): Canvas {
  const key = `${width} ${room}`
  const known = drawnRuns.get(scene)
  if (known?.key === key) return known.canvas
  const canvas = new Canvas(width, room)
  const place = (at: number) => (at * (canvas.columns - 1)) / (scene.axes.length - 1)
  const ranked = scene.runs.filter(({ rank }) => rank !== null).length
  for (const at of scene.axes.keys()) canvas.line(place(at), 0, place(at), canvas.rows - 1, axis)
  // The best are drawn last and stand above the others; the chosen one above all.
  for (const run of [...scene.runs].reverse()) drawRun(canvas, run, place, inkFor(run, ranked))
  // The quarter of each stands on its line, half way to the last axis, so that no colour is needed.
  const before = scene.axes.length - 2
  const half = Math.floor((place(before) + place(before + 1)) / 4)
  for (const run of [...scene.runs].reverse()) {
    const [from, to] = [run.shares[before] ?? null, run.shares[before + 1] ?? null]
    if (from === null || to === null || run.rank === null) continue
    const ink = inkFor(run, ranked)
    canvas.put(half, Math.floor(((1 - (from + to) / 2) * (canvas.rows - 1)) / 4), ink.letter, ink)
  }
  drawnRuns.set(scene, { key, canvas })
  return canvas
}

function drawn(
  scene: ParallelScene,
  selected: ParallelRun | null,
  width: number,
  height: number,
  isUnicode: boolean,
): readonly StyledLine[] {
  if (scene.axes.length < 2) return ['no setting varies over these runs']
  const said = selected === null ? [] : wrap(selectedWords(scene, selected), width, '  ')
  const legend = wrap(legendText(scene, isUnicode), width, '  ')
  const room = Math.max(3, height - 3 - said.length - legend.length)
  const canvas = allRuns(scene, width, room).copy()
  const place = (at: number) => (at * (canvas.columns - 1)) / (scene.axes.length - 1)
  if (selected !== null) {
    drawRun(canvas, selected, place, chosen)
    drawRun(canvas, selected, place, chosen, 1)
    for (const [at, share] of selected.shares.entries())
      if (share !== null)
        canvas.put(
          Math.min(width - 1, Math.floor(place(at) / 2)),
          Math.min(room - 1, Math.floor(((1 - share) * (canvas.rows - 1)) / 4)),
          isUnicode ? '●' : '#',
          chosen,
        )
  }
  return [
    [{ text: edge(scene, width, ({ name, isLog }) => `${name}${isLog ? ' (log)' : ''}`), token: 'text.strong' }],
    [{ text: edge(scene, width, ({ high }) => high), token: 'text.muted' }],
    ...canvas.render(isUnicode),
    [{ text: edge(scene, width, ({ low }) => low), token: 'text.muted' }],
    ...said,
    ...legend.map((text): StyledLine => [{ text, token: 'text.muted' }]),
  ]
}

function drawRun(canvas: Canvas, { shares }: ParallelRun, place: (at: number) => number, ink: Ink, lower = 0): void {
  const row = (share: number) => (1 - share) * (canvas.rows - 1) + lower
  for (let at = 1; at < shares.length; at++) {
    const [from, to] = [shares[at - 1] ?? null, shares[at] ?? null]
    // A line over an axis that has no value would tell one.
    if (from !== null && to !== null) canvas.line(place(at - 1), row(from), place(at), row(to), ink)
  }
}

/** A word an axis, below or above it: the first from its left, the last to its right, the others around them. */
function edge(scene: ParallelScene, width: number, of: (axis: ParallelScene['axes'][number]) => string): string {
  const { axes } = scene
  const room = Math.max(3, Math.floor(width / axes.length) - 1)
  let row = ''
  for (const [at, each] of axes.entries()) {
    const text = cutMiddle(of(each), room)
    const center = (at * (width - 1)) / (axes.length - 1)
    const wanted =
      at === 0 ? 0 : at === axes.length - 1 ? width - textWidth(text) : Math.round(center - textWidth(text) / 2)
    row += ' '.repeat(Math.max(at === 0 ? 0 : 1, wanted - textWidth(row))) + text
  }
  return row
}

function selectedWords(scene: ParallelScene, run: ParallelRun): string {
  const values = scene.axes.map(({ name }, at) => `${name} ${run.texts[at]}`)
  return `${run.name}: ${run.rank === null ? 'no rank' : `rank ${run.rank} of ${scene.runs.length}`}, ${values.join(', ')}`
}

function legendText({ runs, leftOut }: ParallelScene, isUnicode: boolean): string {
  const gaps = runs.filter(({ shares }) => shares.includes(null)).length
  return [
    `${isUnicode ? '● double line' : '#'} the chosen run`,
    `quarters by rank: ${quarters.map(({ letter }, at) => `${letter} ${['best', 'second', 'third', 'last'][at]}`).join(', ')}`,
    ...(gaps > 0 ? [`${gaps} runs have gaps`] : []),
    ...(leftOut.length > 0 ? [`without room: ${leftOut.join(', ')}`] : []),
  ].join('; ')
}

function inWords(scene: ParallelScene): string[] {
  if (scene.axes.length < 2) return ['no setting varies over these runs']
  return [
    ...scene.runs.map((run) => selectedWords(scene, run)),
    ...(scene.leftOut.length > 0 ? [`Settings without room in the picture: ${scene.leftOut.join(', ')}.`] : []),
  ]
}
