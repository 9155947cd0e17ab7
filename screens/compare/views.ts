import type { CompareView } from '../../src/compare/types.ts'
import type { ViewName } from '../../src/compare/views/types.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, ScreenModel } from '../workbench/model.ts'
import { curvesPane } from './curves.ts'
import { multiplesPane } from './multiples.ts'
import { optionOf } from './options.ts'
import { parallelPane } from './parallel.ts'
import { scatterPane } from './scatter.ts'
import { splitsPane } from './splits.ts'
import { stripsPane } from './strips.ts'
import { textPane } from './text.ts'

type Maker = (view: CompareView | null, options: readonly string[], input: ScreenInput) => PaneModel

/** Every view beside the table, with the cells of the terminal that it takes against those of the table. */
const views: Readonly<Partial<Record<ViewName, { readonly weight: number; readonly pane: Maker }>>> = {
  curves: { weight: 3, pane: (view, options, { isUnicode }) => curvesPane(view, options, isUnicode, 'view') },
  splits: { weight: 3, pane: (view, _, { isUnicode }) => splitsPane(view, isUnicode) },
  text: { weight: 4, pane: (view, options, { isUnicode }) => textPane(view, options, isUnicode) },
  multiples: { weight: 4, pane: (view, options, { isUnicode }) => multiplesPane(view, options, isUnicode) },
  scatter: { weight: 3, pane: (view, options, { isUnicode }) => scatterPane(view, options, isUnicode) },
  strips: { weight: 3, pane: (view, options, { isUnicode }) => stripsPane(view, options, isUnicode) },
  parallel: { weight: 4, pane: (view, options, { isUnicode }) => parallelPane(view, options, isUnicode) },
}

/** The screen in the view that a person chose: it comes first, and beside it stands the table. */
export function inView(view: CompareView | null, input: ScreenInput, table: ScreenModel): ScreenModel {
  const options = input.options ?? []
  const chosen = views[optionOf(options, 'view') as ViewName]
  if (chosen === undefined) return table
  const others = table.panes.filter(({ id }) => id !== 'curves')
  return {
    ...table,
    panes: [chosen.pane(view, options, input), ...others],
    columns: [
      { weight: 2, panes: [{ id: 'rows', weight: 1 }] },
      { weight: chosen.weight, panes: [{ id: 'view', weight: 1 }] },
    ],
  }
}
