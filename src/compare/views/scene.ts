import type { CompareModel } from '../model.ts'
import type { CompareChoice } from '../types.ts'
import { mostCurves } from './curves.ts'
import { multiplesOf } from './multiples.ts'
import { parallelOf } from './parallel.ts'
import { scatterOf } from './scatter.ts'
import { splitsOf } from './splits.ts'
import { stripsOf } from './strips.ts'
import { type TextSide, textsOf } from './texts.ts'
import type { CompareScene, CurveView } from './types.ts'

/** Place of the run that stands beside the baseline; null: there is none. */
export function otherRun({ runs, baseline }: Pick<CompareModel, 'runs' | 'baseline'>, first: number): number | null {
  const others = runs.map((_, at) => at).filter((at) => at !== baseline)
  return others.length === 0 ? null : (others[first % others.length] ?? null)
}

/** What a view needs of runs besides their digests. */
export interface SceneSource {
  /** Texts of a run by its place. */
  texts(run: number): Promise<TextSide>
  readonly masked: (text: string) => string
  /** Small curves of all metrics of a run by its place. */
  curves(run: number): Promise<ReadonlyMap<string, readonly CurveView[]>>
}

/** What the chosen view shows besides curves; null: the view has nothing but them. */
export async function sceneOf(
  model: CompareModel,
  choice: CompareChoice,
  metric: string,
  source: SceneSource,
): Promise<CompareScene | null> {
  switch (choice.view) {
    case 'splits':
      return splitsOf(model, otherRun(model, choice.first))
    case 'scatter':
      return scatterOf(model, metric, choice.parameter)
    case 'strips':
      return stripsOf(model, metric)
    case 'parallel':
      return parallelOf(model, metric)
    case 'multiples': {
      const shown = [model.baseline, ...model.runs.keys()].filter((at, i, list) => list.indexOf(at) === i)
      const runs = shown.slice(0, mostCurves)
      const curves: ReadonlyMap<string, readonly CurveView[]>[] = []
      // One after the other: the points of several runs would not fit into memory.
      for (const run of runs) curves.push(await source.curves(run))
      return multiplesOf(
        runs.map((run) => model.runs[run]?.name ?? '?'),
        curves,
      )
    }
    case 'text': {
      const other = otherRun(model, choice.first)
      if (other === null) return null
      const [a, b] = await Promise.all([source.texts(model.baseline), source.texts(other)])
      return textsOf(a, b, choice.document, source.masked)
    }
    default:
      return null
  }
}
