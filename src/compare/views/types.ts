import type { RunEvent } from '../../reader/types.ts'

/** What a person may look at on the compare screen: the table with all beside it, or one of the others. */
export const viewNames = ['table', 'curves', 'splits', 'text', 'multiples', 'scatter', 'strips', 'parallel'] as const
export type ViewName = (typeof viewNames)[number]

/** How curves are smoothed for the eye; verdicts take the raw points. */
export const smoothings = ['off', 'mean 0.9', 'mean 0.97', 'median 9'] as const
export type Smoothing = (typeof smoothings)[number]

/** Something that happened to a run, at a place of the axis. */
export interface CurveEvent {
  readonly kind: RunEvent['kind']
  readonly x: number
  readonly text: string
}

/** One curve with all its points, by rising place. A value that is not finite is one, and is shown as such. */
export interface CurveView {
  readonly name: string
  readonly xs: Float64Array
  readonly values: Float64Array
  /** The same smoothed; null: as it was logged. */
  readonly smooth: Float64Array | null
  readonly events: readonly CurveEvent[]
}

/** One unit (split, fold) of two runs. */
export interface SplitRow {
  readonly unit: string
  /** null: this run has no such unit. */
  readonly a: number | null
  readonly b: number | null
  readonly delta: number | null
  /** Empty where nobody knows which way is better, or there is no pair. */
  readonly word: 'better' | 'worse' | 'same' | ''
}

/** All units of one metric of two runs, held in pairs. */
export interface SplitTable {
  readonly metric: string
  readonly goal: 'lower' | 'higher' | null
  readonly rows: readonly SplitRow[]
  readonly pairs: number
  /** Of the pairs, those in which the second run has more, less, as much. */
  readonly up: number
  readonly down: number
  readonly equal: number
  /** Mean of the differences; null without a pair. */
  readonly delta: number | null
  readonly interval: { readonly low: number; readonly high: number } | null
  /** What the interval rests on, or why there is none. */
  readonly how: string
}

/** Units of two runs side by side. */
export interface SplitsScene {
  readonly kind: 'splits'
  readonly a: string
  readonly b: string
  readonly tables: readonly SplitTable[]
  /** Why there is nothing to show; empty where there is. */
  readonly why: string
}

/** A setting that varies over the runs, as it can be drawn. */
export interface Parameter {
  readonly key: string
  /** Columns of words where a value is no figure. */
  readonly categories: readonly string[] | null
  /** All figures are positive and span more than two decades. */
  readonly isLog: boolean
  /** Of each run: its figure, or the place of its category; null: not recorded. */
  readonly places: readonly (number | null)[]
}

export interface ScatterPoint {
  /** Place of the run. */
  readonly run: number
  readonly x: number
  readonly y: number
}

/** One parameter against one metric, a point a run. */
export interface ScatterScene {
  readonly kind: 'scatter'
  readonly metric: string
  readonly goal: 'lower' | 'higher' | null
  /** Keys of all that could be chosen. */
  readonly parameters: readonly string[]
  /** null: nothing varies. */
  readonly parameter: Parameter | null
  readonly points: readonly ScatterPoint[]
  /** Runs that lack one of the two. */
  readonly missing: number
  readonly rho: number | null
  /** What may be said of it, and what not. */
  readonly words: readonly string[]
}

/** Values of one group of runs that differ by their seeds alone. */
export interface StripGroup {
  readonly name: string
  readonly values: readonly number[]
  readonly mean: number
  /** 95 %, by Student's t; null for fewer than three values. */
  readonly interval: { readonly low: number; readonly high: number } | null
  readonly isBaseline: boolean
}

export interface StripsScene {
  readonly kind: 'strips'
  readonly metric: string
  readonly goal: 'lower' | 'higher' | null
  readonly groups: readonly StripGroup[]
}

export interface ParallelRun {
  readonly name: string
  readonly path: string
  /** Of each axis, 0 (least) to 1; null: not recorded. */
  readonly shares: readonly (number | null)[]
  readonly texts: readonly string[]
  /** From 1, the best first; null: has no figure of the metric. */
  readonly rank: number | null
}

/** Runs as lines over their varying settings and one metric. */
export interface ParallelScene {
  readonly kind: 'parallel'
  readonly metric: string
  readonly goal: 'lower' | 'higher' | null
  readonly axes: readonly {
    readonly name: string
    readonly low: string
    readonly high: string
    readonly isLog: boolean
  }[]
  /** By rank, those without one last. */
  readonly runs: readonly ParallelRun[]
  /** Varying settings for which there was no axis left. */
  readonly leftOut: readonly string[]
}

/** Small charts of many metrics over one axis. */
export interface MultiplesScene {
  readonly kind: 'multiples'
  readonly names: readonly string[]
  readonly charts: readonly { readonly metric: string; readonly curves: readonly CurveView[] }[]
}

/** A line of two texts side by side: in both, in one, changed in part, or a count of equal lines that were left out. */
export interface TextLine {
  readonly kind: 'same' | 'removed' | 'added' | 'changed' | 'cut'
  /** Line of each text, from 1; null: not in it. */
  readonly a: number | null
  readonly b: number | null
  readonly pieces: readonly { readonly kind: 'same' | 'removed' | 'added'; readonly text: string }[]
}

export interface TextsScene {
  readonly kind: 'text'
  readonly a: string
  readonly b: string
  /** What could be compared, with how it stands. */
  readonly documents: readonly string[]
  readonly document: string
  readonly lines: readonly TextLine[]
  /** Places in `lines` where a change begins. */
  readonly changes: readonly number[]
  readonly added: number
  readonly removed: number
  /** What a run has not recorded, what was cut. */
  readonly notes: readonly string[]
}

export type CompareScene = SplitsScene | ScatterScene | StripsScene | ParallelScene | MultiplesScene | TextsScene
