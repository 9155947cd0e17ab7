import type { CompareScene, CurveView, Smoothing, ViewName } from './views/types.ts'

/** Where a row of the comparison stands. */
export type RowBand = 'changed' | 'metrics' | 'findings'

/** What a row's token is made from; a word always says it too. */
export type RowMark = 'better' | 'worse' | 'warning' | 'critical' | 'plain' | 'muted'

/** One line of the comparison, in words. */
export interface CompareRow {
  readonly id: string
  readonly band: RowBand
  readonly name: string
  /** One a run, in the order of the runs. */
  readonly cells: readonly string[]
  /** Two runs or more do not say the same. */
  readonly isDifferent: boolean
  readonly mark: RowMark
  readonly detail: readonly string[]
  /** Metric whose curves are drawn beside it; empty for none. */
  readonly metric: string
  /** Recipe that serves a finding, and what it takes from it; absent: none does, or the row is no finding. */
  readonly offered?: { readonly recipe: string; readonly parameters: Readonly<Record<string, string>> }
}

export interface CompareView {
  /** `reading`: runs are being read; what is there already is shown. */
  readonly state: 'reading' | 'ready' | 'empty'
  readonly runs: readonly { readonly name: string; readonly path: string; readonly format: string }[]
  readonly baseline: number
  /** One line: whether exactly one thing changed. */
  readonly verdict: string
  readonly rows: readonly CompareRow[]
  readonly aggregator: string
  readonly axis: string
  /** Which of the views `scene` and `curves` were made for. */
  readonly view: ViewName
  readonly smoothing: Smoothing
  /** What the view shows besides curves; null: nothing. */
  readonly scene: CompareScene | null
  /** The choices that it was made for. */
  readonly sceneFor: string
  /** Curves of the metric under the cursor. */
  readonly curves: readonly CurveView[]
  readonly curvesOf: string
  /** Changes with every new set of curves. */
  readonly curvesVersion: number
  /** What a person must know: runs that could not be read, axes that are missing. */
  readonly notes: readonly string[]
}

/** What a person chose on the screen. */
export interface CompareChoice {
  /** Path of the run that others are held against; empty: the first. */
  readonly baseline: string
  readonly aggregator: 'last' | 'min' | 'max' | 'tail-mean' | 'first'
  readonly axis: 'step' | 'epoch' | 'tokens' | 'relative' | 'time'
  readonly view: ViewName
  readonly smoothing: Smoothing
  /** Which of the others stands first beside the baseline. */
  readonly first: number
  /** Setting that is drawn against the metric; empty: the first that varies. */
  readonly parameter: string
  /** Which of the texts of two runs is shown; empty: the first. */
  readonly document: string
  /** Words that were given to `kx compare`; none: all runs of the project. */
  readonly paths: readonly string[]
}
