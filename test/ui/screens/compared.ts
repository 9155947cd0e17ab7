import type { CompareView } from '../../../src/compare/types.ts'
import type { CurveView } from '../../../src/compare/views/types.ts'

/** A curve with a point a step. */
export const curve = (name: string, values: readonly number[], more: Partial<CurveView> = {}): CurveView => ({
  name,
  xs: Float64Array.from(values, (_, at) => at),
  values: Float64Array.from(values),
  smooth: null,
  events: [],
  ...more,
})
/** What the compare screen is given, with these curves. */
export const viewWith = (curves: readonly CurveView[], more: Partial<CompareView> = {}): CompareView => ({
  state: 'ready',
  runs: curves.map(({ name }) => ({ name, path: name, format: 'jsonl' })),
  baseline: 0,
  columns: curves.map(({ name }, at) => ({
    id: `run ${name}`,
    kind: 'run',
    name,
    paths: [name],
    isBaseline: at === 0,
  })),
  shown: curves.map((_, at) => at),
  held: 1,
  canGroup: false,
  sortedBy: '',
  words: '',
  pool: [],
  saved: null,
  scope: [`${curves.length} runs`],
  verdict: '',
  rows: [],
  aggregator: 'last',
  axis: 'step',
  view: 'table',
  smoothing: 'off',
  scene: null,
  sceneFor: '',
  curves,
  curvesOf: 'loss',
  curvesVersion: 1,
  notes: [],
  ...more,
})
