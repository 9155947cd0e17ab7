import type { QuerySubject } from './query.ts'
import type { CompareScene, CurveView, Smoothing, ViewName } from './views/types.ts'

/** Where a row of the comparison stands. */
export type RowBand = 'changed' | 'metrics' | 'findings' | 'ignored'

/** What a row's token is made from; a word always says it too. */
export type RowMark = 'better' | 'worse' | 'warning' | 'critical' | 'plain' | 'muted'

/** One line of the comparison, in words. */
export interface CompareRow {
  readonly id: string
  readonly band: RowBand
  readonly name: string
  /** One a column, in the order of `columns`. */
  readonly cells: readonly string[]
  /** The same with less in it, for a narrow terminal; absent: there is nothing to leave out. */
  readonly shortCells?: readonly string[]
  /** Two runs or more do not say the same. */
  readonly isDifferent: boolean
  readonly mark: RowMark
  /** What holds for the whole row. */
  readonly detail: readonly string[]
  /** What the verdict on one column rests on; absent: there is none. */
  readonly why?: (column: number) => readonly string[]
  /** Setting that the row is about; empty for none. */
  readonly key: string
  /** Metric whose curves are drawn beside it; empty for none. */
  readonly metric: string
  /** Recipe that serves a finding, and what it takes from it; absent: none does, or the row is no finding. */
  readonly offered?: { readonly recipe: string; readonly parameters: Readonly<Record<string, string>> }
}

/** A column of the table: one run, or the runs of a group. */
export interface ColumnView {
  readonly id: string
  readonly kind: 'run' | 'group'
  readonly name: string
  /** Paths of its runs. */
  readonly paths: readonly string[]
  readonly isBaseline: boolean
}

/** Choices of the compare screen that were kept under a name. */
export interface SavedView {
  readonly name: string
  /** As the workbench keeps them: `name=value`. */
  readonly words: readonly string[]
  /** Filter of the rows. */
  readonly filter: string
  /** Why nothing of it is believed; empty: it is whole. */
  readonly problem: string
}

/** A run that was found, in the list that runs are picked from. */
export interface PoolRun {
  readonly subject: QuerySubject
  readonly name: string
  /** When it began; where nobody wrote that down, when its files were last written. */
  readonly atMs: number
  /** The settings in which the runs of the list differ, in one line. */
  readonly brief: string
}

export interface CompareView {
  /** `reading`: runs are being read; what is there already is shown. */
  readonly state: 'reading' | 'ready' | 'empty'
  readonly runs: readonly {
    readonly name: string
    readonly path: string
    readonly format: string
    /** By which a command finds exactly this one. */
    readonly word?: string
  }[]
  readonly baseline: number
  /** All that rows have cells for. */
  readonly columns: readonly ColumnView[]
  /** Places of the columns that are shown, in their order: the baseline first. */
  readonly shown: readonly number[]
  /** So many of `shown` stay at the left: the baseline, and what a person pinned. */
  readonly held: number
  /** Some runs differ by their seeds alone. */
  readonly canGroup: boolean
  /** What the columns are sorted by; empty: nothing. */
  readonly sortedBy: string
  /** The choices that the order of the columns rests on. */
  readonly words: string
  /** All runs that were found and read, where the list or a query asks for them; empty elsewhere. */
  readonly pool: readonly PoolRun[]
  /** Views that were kept in the project; null: nobody has asked for them. */
  readonly saved: readonly SavedView[] | null
  /** Which runs these are, from long to short. */
  readonly scope: readonly string[]
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
  /** Whether the list of all runs is open. */
  readonly isPicking: boolean
  /** Whether the saved views are listed. */
  readonly isListing: boolean
  /** Query that says which of the runs are compared; empty: all. */
  readonly where: string
  /** Paths of the runs that were picked one by one; none: those of the query. */
  readonly picks: readonly string[]
  /** Whether runs that differ by their seeds alone share a column. */
  readonly grouping: 'auto' | 'yes' | 'no'
  /** Ids of groups whose runs stand behind them. */
  readonly opened: readonly string[]
  /** As `parseSort` reads it; empty: the order in which the runs were found. */
  readonly sort: string
  /** Only the best so many, by this metric; null: all runs. */
  readonly top: number | null
  readonly by: string | null
  /** Ids of columns that stay beside the baseline. */
  readonly pins: readonly string[]
  /** Regular expression for the names of the runs that have a column; empty: all. */
  readonly columns: string
  /** Settings that are left out, and those that are looked at although they are called like noise. */
  readonly ignored: readonly string[]
  readonly heeded: readonly string[]
  /** Words that were given to `kx compare`; none: all runs of the project. */
  readonly paths: readonly string[]
}
