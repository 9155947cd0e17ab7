import { join } from 'node:path'
import type { CompareBasis } from '../commands/compare-basis.ts'
import type { Arranged } from '../compare/arrange.ts'
import { arrangementKey, arrangementOf, choiceOf, wordsOf } from '../compare/choice.ts'
import type { RunDigest } from '../compare/digest.ts'
import { DigestCache } from '../compare/digest-cache.ts'
import type { CompareModel } from '../compare/model.ts'
import type { Table } from '../compare/table-view.ts'
import type { CompareChoice, CompareView, PoolRun, SavedView } from '../compare/types.ts'
import { wantedBy } from '../compare/wanted.ts'
import { Columns } from '../reader/columns.ts'
import { userFolders } from '../session/paths.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { makePattern } from '../ui/safe-pattern.ts'
import { type Kept, markStale, mayGrow, merged, newlyFound, readOn } from './compare-kept.ts'
import type { SmallCurvesCache } from './compare-points.ts'
import { maskNow } from './masking.ts'
import type { ShelfRequest } from './shelves.ts'

/** How often runs that may still be written are looked at while the screen is open. */
const lookAgainMs = 2000
/** What the compare screen shows; keeps its readers open, so that what runs write is read on and not read anew. */
export interface CompareShelf {
  load(request: ShelfRequest): Promise<{ readonly compare: CompareView } | null>
  /** Gives the files up that are still followed. */
  close(): Promise<void>
}

/** @param listAgeMs how old the list of runs, and what is known of those that have ended, may be when somebody looks */
export function compareShelf(
  cacheFolder = join(userFolders(process.env).cache, 'runs'),
  listAgeMs = 3000,
): CompareShelf {
  let basis: CompareBasis | null = null
  let cache = new DigestCache(cacheFolder)
  let kept: readonly Kept[] = []
  let keptFor = ''
  let listedAtMs = 0
  let arranged: Arranged | null = null
  let arrangedFor = ''
  /** Why the runs are not narrowed as they were asked to be. */
  let refused: readonly string[] = []
  let pool: readonly PoolRun[] | null = null
  let saved: readonly SavedView[] | null = null
  let rows: { readonly of: CompareModel; readonly key: string; readonly table: Table } | null = null
  let notes: readonly string[] = []
  let leave: () => Promise<void> = async () => {}
  let version = 0
  /** Points of the metric that is drawn, by run: those of finished runs are read again when another one is asked for. */
  const drawn = new Map<string, Columns>()
  let drawnOf = ''
  let small: SmallCurvesCache | null = null
  return {
    async close() {
      for (const { live } of kept) await live?.reader.close()
      await leave()
    },
    async load(request) {
      const choice = choiceOf(request.opened?.('#compare') ?? [])
      const key = `${request.projectFolder}\n${choice.paths.join('\n')}`
      const before = request.shelves.compare ?? null
      if (choice.isListing) {
        const { savedViews } = await import('../commands/compare-saved.ts')
        saved = await savedViews(request.projectFolder)
        if (before !== null) request.put({ compare: { ...before, saved } })
      }
      if (key !== keptFor) {
        for (const { live } of kept) await live?.reader.close()
        await leave()
        drawn.clear()
        request.put({ compare: { ...empty, state: 'reading' } })
        const { findRuns } = await import('../commands/compare.ts')
        // With the runs, and not at every look: what a figure went by does not change while it is looked at.
        basis = await (await import('../commands/compare-basis.ts')).compareBasis({ ...request, settings: {} })
        cache = new DigestCache(cacheFolder, basis.key)
        const found = await findRuns(request.projectFolder, choice.paths)
        kept = found.found.map(newlyFound)
        leave = found.close
        notes = [...found.unreached, ...found.notes, ...found.missing.map((each) => `no run at ${each}`)]
        keptFor = key
        listedAtMs = Date.now()
        arranged = null
        pool = null
      } else if (Date.now() - listedAtMs > listAgeMs && kept.every(({ found }) => found.stat === undefined)) {
        // A run begun since, or one whose artifacts came home, is as much one of these as those of before.
        listedAtMs = Date.now()
        const { findRuns } = await import('../commands/compare.ts')
        const now = merged(kept, (await findRuns(request.projectFolder, choice.paths)).found)
        for (const each of now === null ? [] : kept) if (now?.includes(each) === false) await each.live?.reader.close()
        if (now !== null) kept = now
        if ((await markStale(kept)) || now !== null) {
          drawn.clear()
          small = null
          arranged = null
          pool = null
        }
      }
      const isNew = await readOn(kept, cache, basis)
      // What was read before a link went stands, and why it is not newer is said.
      const readable = kept.filter(({ failure, digest }) => failure === null || digest !== null)
      if (readable.length === 0)
        return { compare: { ...empty, state: 'empty', notes: [...notes, ...failures(kept)].map(safe) } }
      const [{ arrange }, { poolOf }, { tableFor, shownOf, scopeOf }, view, drawing, { sceneOf }] = await Promise.all([
        import('../compare/arrange.ts'),
        import('../compare/pool.ts'),
        import('../compare/table-view.ts'),
        import('../compare/view.ts'),
        import('../compare/views/curves.ts'),
        import('../compare/views/scene.ts'),
      ])
      const all = readable.flatMap((each) => (each.digest === null ? [] : [{ each, digest: each.digest }]))
      // Of many runs it takes a while, and is asked for by a query and by the list alone.
      const isAsked = choice.isPicking || choice.where !== '' || choice.picks.length > 0
      if (isNew || !isAsked) pool = null
      if (isAsked) pool ??= poolOf(all.map(({ each, digest }) => ({ ...each.found, digest, reports: [] })))
      const subjects = pool ?? []
      const { isWanted, problem } = wantedBy(choice, makePattern)
      const wanted = isAsked ? all.filter((_, at) => isWanted(subjects[at]?.subject)) : all
      const read = wanted.length > 0 ? wanted : all
      const asked = arrangementKey(choice)
      if (arranged === null || isNew || asked !== arrangedFor) {
        const loaded = read.map(({ each, digest }) => ({ ...each.found, digest, reports: each.reports }))
        const how = { ...arrangementOf(choice), ...basis?.options }
        const found = arrange(loaded, how)
        refused = [
          ...(problem === '' ? [] : [`Every run is shown: ${problem}`]),
          ...(problem === '' && wanted.length === 0
            ? ['Every run is shown: none answers the query, or was picked']
            : []),
          ...('why' in found ? [`not narrowed: ${found.why}`] : []),
        ]
        const usual = 'why' in found ? arrange(loaded, { ...how, top: null, by: null }) : found
        if ('why' in usual) throw new Error(usual.why)
        arranged = usual
        arrangedFor = asked
      } else if (
        before?.state === 'ready' &&
        !isCurveStale(before, request, choice) &&
        before.words === wordsOf(choice)
      ) {
        lookAgain(request, kept)
        return null
      }
      const { model } = arranged
      const baseline = model.baseline
      const ofModel = arranged.kept.flatMap((at) => read[at]?.each ?? [])
      const tableKey = JSON.stringify([choice.grouping, choice.opened])
      if (rows?.of !== model || rows.key !== tableKey)
        rows = { of: model, key: tableKey, table: tableFor(model, choice.grouping, choice.opened) }
      const order = shownOf(model, rows.table.all, choice)
      const metric = metricOf(request) ?? (before?.curvesOf || (choice.view === 'table' ? '' : firstMetric(model)))
      const names = model.runs.map(({ name }) => name)
      if (metric !== drawnOf) drawn.clear()
      drawnOf = metric
      const hasCurves = choice.view === 'table' || choice.view === 'curves'
      const shown = (hasCurves ? [baseline, ...ofModel.keys()] : [])
        .filter((at, i, list) => list.indexOf(at) === i)
        .slice(0, drawing.mostCurves)
      const columns = await Promise.all(shown.map((at) => pointsOf(ofModel[at] as Kept, metric, drawn)))
      const curves = drawing.curvesOf(
        columns.map((each) => ({ columns: each })),
        shown.map((at) => names[at] ?? '?'),
        metric,
        choice.axis,
        choice.smoothing,
      )
      const scene = await sceneOf(model, choice, metric, {
        masked: maskNow,
        curves: async (at) => {
          const { found, digest, live } = ofModel[at] as Kept
          const { SmallCurvesCache } = await import('./compare-points.ts')
          small ??= new SmallCurvesCache()
          const run = { found, digest: digest as RunDigest, live: live?.columns ?? null }
          return small.of(run, names[at] ?? '?', choice.axis, choice.smoothing)
        },
        texts: async (at) => {
          const { found, digest } = ofModel[at] as Kept
          const { textSide } = await import('./compare-texts.ts')
          return textSide(names[at] ?? '?', found, digest as RunDigest)
        },
      })
      const isDrawn = hasCurves || choice.view === 'multiples'
      const undrawn = isDrawn ? Math.max(0, ofModel.length - drawing.mostCurves) : 0
      version++
      lookAgain(request, kept)
      return {
        compare: {
          state: 'ready',
          runs: model.runs.map(({ name, path, format }, at) => {
            const root = ofModel[at]?.found.root ?? ''
            return { name, path, format, word: path === '.' ? root : `${root}/${path}` }
          }),
          baseline,
          verdict: view.verdictText(model),
          columns: rows.table.columns,
          rows: rows.table.rows,
          ...order,
          canGroup: model.groups.length < model.runs.length,
          pool: subjects,
          saved,
          scope: scopeOf(arranged, rows.table.all, order.shown.length, choice, all.length),
          words: wordsOf(choice),
          aggregator: choice.aggregator,
          axis: choice.axis,
          view: choice.view,
          smoothing: choice.smoothing,
          scene,
          sceneFor: sceneKey(choice),
          curves: curves.curves,
          curvesOf: metric,
          curvesVersion: version,
          notes: [
            ...refused,
            ...arranged.notes,
            ...notes,
            ...(model.said.length > 0 ? [`set by you: ${model.said.join('; ')}`] : []),
            ...failures(kept),
            ...curves.notes,
            ...(undrawn > 0 ? [`${undrawn} more runs are not drawn`] : []),
            ...readNotes(readable),
          ].map(safe),
        },
      }
    },
  }
}

const empty: CompareView = {
  state: 'empty',
  runs: [],
  baseline: 0,
  columns: [],
  shown: [],
  held: 0,
  pool: [],
  saved: null,
  scope: [],
  words: '',
  sortedBy: '',
  canGroup: false,
  verdict: '',
  rows: [],
  aggregator: 'last',
  axis: 'step',
  view: 'table',
  smoothing: 'off',
  scene: null,
  sceneFor: '',
  curves: [],
  curvesOf: '',
  curvesVersion: 0,
  notes: [],
}

/** Names of runs and files are others' words. */
const safe = (text: string) => sanitiseLine(text, 1000)

const failures = (kept: readonly Kept[]) =>
  kept.flatMap(({ found, failure }) => (failure === null ? [] : [`${found.path} could not be read: ${failure}`]))

/** What was wrong with files that were read: never only logged. */
function readNotes(kept: readonly Kept[]): string[] {
  return kept.flatMap(({ found, reports }) =>
    reports.flatMap(({ notes, skippedBytes, crcErrors }) => [
      ...notes.map((note) => `${found.name}: ${note}`),
      ...(crcErrors > 0 ? [`${found.name}: ${crcErrors} wrong checksums, ${skippedBytes} bytes passed over`] : []),
    ]),
  )
}

/** Points of one metric of a run, and of what may be its axis. */
async function pointsOf({ live, found }: Kept, metric: string, drawn: Map<string, Columns>): Promise<Columns> {
  if (live !== null) return live.columns
  const known = drawn.get(found.path)
  if (known !== undefined) return known
  const columns = new Columns((name) => name === metric || /epoch|tokens/i.test(name))
  drawn.set(found.path, columns)
  if (metric === '') return columns
  const reader = found.open()
  try {
    await reader.advance(columns)
  } finally {
    await reader.close()
  }
  return columns
}

function lookAgain(request: ShelfRequest, kept: readonly Kept[]): void {
  if (kept.some((each) => (each.failure === null || each.digest !== null) && mayGrow(each))) request.again(lookAgainMs)
}

const metricOf = (request: ShelfRequest) => {
  const selected = request.selected('rows')
  const row = request.shelves.compare?.rows.find(({ id }) => id === selected)
  return row === undefined || row.metric === '' ? null : row.metric
}

/** What a view draws before a person has chosen: the first metric of which it is known what is better. */
const firstMetric = ({ metrics }: CompareModel) =>
  (metrics.find(({ direction }) => direction.goal !== null) ?? metrics[0])?.name ?? ''

/** What the views depend on besides the runs and the metric. */
const sceneKey = ({ view, axis, smoothing, first, parameter, document }: CompareChoice) =>
  JSON.stringify([view, axis, smoothing, first, parameter, document])

const isCurveStale = (before: CompareView, request: ShelfRequest, choice: CompareChoice) =>
  before.sceneFor !== sceneKey(choice) || (metricOf(request) ?? before.curvesOf) !== before.curvesOf
