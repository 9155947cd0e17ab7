import { resolve } from 'node:path'
import { optionOf, optionsOf } from '../compare/options.ts'
import { columnOrder } from '../compare/table.ts'
import type { Desk } from './desk.ts'
import { comparePane, paneOf } from './ui-state.ts'

/** Arguments with which `kx compare` says the same as the screen. */
export function exportArguments(desk: Desk): Readonly<Record<string, unknown>> {
  const view = desk.workspace.shelves().compare
  const options = paneOf(desk.ui, comparePane).open
  const baseline = optionOf(options, 'baseline')
  const [, top, by] = /^([1-9]\d*) ?(.*)$/s.exec(optionOf(options, 'top')) ?? []
  const where = optionOf(options, 'where')
  const picks = optionsOf(options, 'pick')
  const columns = optionOf(options, 'columns')
  const sort = view?.sortedBy ?? ''
  return {
    runs: optionsOf(options, 'path'),
    aggregator: view?.aggregator ?? 'last',
    group: optionOf(options, 'groups') || 'auto',
    ignore: optionsOf(options, 'ignore'),
    heed: optionsOf(options, 'heed'),
    ...(picks.length > 0 ? { pick: picks } : where === '' ? {} : { where }),
    ...(baseline === '' ? {} : { baseline }),
    ...(top === undefined ? {} : { top: Number(top) }),
    ...(by === undefined || by === '' ? {} : { by }),
    ...(columns === '' ? {} : { columns }),
    ...(sort === '' ? {} : { sort }),
  }
}

/** Arguments with which `kx analyze` reports on the run beside the baseline; null where there is none, and why is said. */
export function reportArguments(desk: Desk): Readonly<Record<string, unknown>> | null {
  const view = desk.workspace.shelves().compare ?? null
  if (view === null || view.state !== 'ready') {
    desk.say('the runs are still being read', 'warn')
    return null
  }
  const { current } = columnOrder(view, paneOf(desk.ui, comparePane).open)
  const wordOf = (path: string | undefined) => view.runs.find((run) => run.path === path)?.word
  // Of runs that differ by their seeds alone the first stands for all; `r` opens them one by one.
  const run = wordOf(view.columns[current]?.paths[0])
  const baseline = view.runs[view.baseline]?.word
  if (run === undefined && baseline === undefined) {
    desk.say('there is no run to report on', 'warn')
    return null
  }
  return run === undefined || run === baseline ? { run: baseline } : { run, baseline }
}

/** Where an export goes: what was named, or `comparison` in the project, with the ending of its format. */
export function fileFor(desk: Desk, { format, file }: Readonly<Record<string, unknown>>): string {
  const ending = `.${String(format)}`
  const name = file === undefined ? 'comparison' : String(file)
  return resolve(desk.workspace.projectFolder, name.endsWith(ending) ? name : `${name}${ending}`)
}
