import { isAbsolute, resolve } from 'node:path'
import type { Axis } from '../compare/align.ts'
import { namePattern } from '../compare/columns.ts'
import type { CompareModel } from '../compare/model.ts'
import type { LoadedRun } from '../compare/run.ts'
import type { Grouping, TableColumn } from '../compare/table.ts'
import type { FoundRun, Scan } from '../reader/scan.ts'
import type { ActResult } from '../run/act.ts'
import { plural } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { compareBasis } from './compare-basis.ts'
import type { CommandEnvironment, Settings } from './types.ts'

export interface CompareArguments {
  readonly runs: readonly string[]
  readonly baseline?: string | undefined
  readonly metrics?: string | undefined
  readonly aggregator: 'last' | 'min' | 'max' | 'tail-mean' | 'first'
  readonly ignore: readonly string[]
  /** Settings that are looked at although they are called like noise. */
  readonly heed?: readonly string[]
  readonly group?: Grouping
  /** Query that says which of the runs are compared; or the paths of those that are. */
  readonly where?: string | undefined
  readonly pick?: readonly string[] | undefined
  /** View whose choices hold where nothing else was said, and the name that these are kept under. */
  readonly view?: string | undefined
  readonly keep?: string | undefined
  /** What columns are sorted by, and which of the runs have one. */
  readonly sort?: string | undefined
  readonly columns?: string | undefined
  readonly lower: readonly string[]
  readonly higher: readonly string[]
  readonly md: boolean
  readonly csv: boolean
  readonly html?: string | undefined
  /** File to write, in the format of its ending. */
  readonly out?: string | undefined
  /** How many of the best are kept, and by which metric. */
  readonly top?: number | undefined
  readonly by?: string | undefined
  readonly failOn: readonly string[]
  /** All metrics at the same place of this axis. */
  readonly axis?: Axis | undefined
  readonly at?: string | undefined
}

/** Names of runs, files and metrics are others' words. */
const safe = (text: string) => sanitiseLine(text, 2000)

const usage = (summary: string): ActResult => ({ summary, exitCode: 2, data: null })

/** `kx compare`: reads the runs that were named and says what differs. */
export async function compareCommand(env: CommandEnvironment, said: CompareArguments): Promise<ActResult> {
  const viewed = await viewedArguments(env.projectFolder, said)
  if ('why' in viewed) return usage(viewed.why)
  const { args } = viewed
  const runs = await findRuns(env.projectFolder, args.runs, env.signal, env.settings, env.via === 'cli')
  try {
    return await compareFound(env, args, runs)
  } finally {
    await runs.close()
  }
}

/** What was said, with the view that it was said over; kept under a name where one was given. */
async function viewedArguments(
  projectFolder: string,
  said: CompareArguments,
): Promise<{ readonly args: CompareArguments } | { readonly why: string }> {
  if (said.view === undefined && said.keep === undefined) return { args: said }
  const { readView, saveView, viewName, withView, wordsOfArguments } = await import('./compare-saved.ts')
  const view = said.view === undefined ? null : await readView(projectFolder, said.view)
  if (view !== null && view.problem !== '') return { why: `view ${view.name}: ${view.problem}` }
  const args = view === null ? said : await withView(said, view)
  if (said.keep === undefined) return { args }
  if (!viewName.test(said.keep)) return { why: `--keep ${said.keep}: letters, digits, - _ and . stand in a name` }
  await saveView(projectFolder, said.keep, { words: wordsOfArguments(args), filter: view?.filter ?? '' })
  return { args }
}

async function compareFound(env: CommandEnvironment, args: CompareArguments, runs: RunsFound): Promise<ActResult> {
  const { found, notes, missing, unreached } = runs
  if (unreached.length > 0) return { summary: safe(unreached.join('; ')), exitCode: 4, data: null }
  if (missing.length > 0) return usage(`no run at ${missing.join(', ')}: name a folder, a file, or the id of a run`)
  if (found.length === 0) return usage('no runs were found; name folders that hold some')
  const isShown = namePattern(args.metrics)
  if (isShown === null) return usage(`--metrics is no regular expression: ${args.metrics}`)
  const [
    { loadRuns, distinctNames },
    { arrange },
    { columnsFor },
    { compareJson },
    { outOf, write },
    { wantedBy },
    { subjectOf },
  ] = await Promise.all([
    import('../compare/run.ts'),
    import('../compare/arrange.ts'),
    import('../compare/columns.ts'),
    import('../compare/json.ts'),
    import('./compare-out.ts'),
    import('../compare/wanted.ts'),
    import('../compare/pool.ts'),
  ])
  const failures: string[] = []
  const failed = new Set<FoundRun>()
  const directions = Object.fromEntries([
    ...args.lower.map((name) => [name, 'lower'] as const),
    ...args.higher.map((name) => [name, 'higher'] as const),
  ])
  const basis = await compareBasis(env, directions)
  const read = await loadRuns(
    found,
    (run, why) => {
      failed.add(run)
      failures.push(`${run.path}: ${why}`)
    },
    isShown,
    basis.options.directions,
    env.signal,
    await cacheFor(basis.key, env.via === 'cli'),
    basis.thresholds,
  )
  if (read.length === 0)
    return { summary: safe(`none of the runs could be read: ${failures.join('; ')}`), exitCode: 1, data: null }
  const names = distinctNames(read.map(({ name, path, digest }) => ({ name: digest.facts.name ?? name, path })))
  const baseline =
    args.baseline === undefined ? 0 : read.findIndex((run, at) => [names[at], run.path].includes(args.baseline))
  if (baseline < 0) return usage(safe(`no run is called ${args.baseline}; there are ${names.join(', ')}`))
  const chosen = wantedBy({
    where: args.where ?? '',
    picks: args.pick ?? [],
    baseline: args.baseline === undefined ? '' : (read[baseline]?.path ?? ''),
  })
  if (chosen.problem !== '') return usage(`--where: ${chosen.problem}`)
  const isAll = args.where === undefined && args.pick === undefined
  const places = [...read.keys()].filter((at) => isAll || chosen.isWanted(subjectOf(read[at] as LoadedRun)))
  if (places.length === 0)
    return usage(`none of ${plural(read.length, 'run')} answers ${args.where ?? 'what was picked'}`)
  const asked = places.map((at) => read[at] as LoadedRun)
  const sources = readable(found, failed, places)
  const placed = await place(args, sources, asked, env.signal)
  if ('why' in placed) return usage(placed.why)
  const loaded = placed.runs
  const arranged = arrange(loaded, {
    ...basis.options,
    place: placed.place,
    aggregator: args.aggregator,
    isShown,
    ignored: args.ignore,
    heeded: args.heed ?? [],
    baseline: args.baseline === undefined ? null : (read[baseline]?.path ?? null),
    top: args.top ?? null,
    by: args.by ?? null,
    grouping: args.group ?? 'auto',
  })
  if ('why' in arranged) return usage(arranged.why)
  const { model, kept, notes: note } = arranged
  const columns = columnsFor(model, args)
  if ('why' in columns) return usage(columns.why)
  const reasons = failing(model, args.failOn)
  const out = outOf(args)
  if (out !== null && 'why' in out) return usage(out.why)
  const written =
    out === null
      ? null
      : await write(
          out,
          model,
          columns.shown,
          kept.map((at) => sources[at] as FoundRun),
          [...note, ...columns.notes],
          env.signal,
        )
  const lines = [
    ...(written === null ? await render(model, columns.shown, args) : []),
    ...(written !== null && env.via === 'key'
      ? []
      : [
          ...notes,
          ...(isAll
            ? []
            : [`${asked.length} of ${plural(read.length, 'run')} answer ${args.where ?? 'what was picked'}`]),
          ...note,
          ...columns.notes,
        ]
    )
      .concat(failures)
      .map((each) => safe(`note: ${each}`)),
    ...reasons.map((reason) => safe(`failed: ${reason}`)),
  ]
  return {
    summary: `${plural(model.runs.length, 'run')}: ${model.oneChange.word}${written === null ? '' : `; written to ${written}`}${reasons.length > 0 ? `; ${reasons.join('; ')}` : ''}`,
    exitCode: reasons.length > 0 || failures.length > 0 ? 1 : 0,
    // Made when it is asked for: of a sweep it is megabytes, and a person reads the lines.
    get data() {
      return compareJson(model)
    },
    lines,
  }
}

/** The runs as they are, or all at the same place where a person asks for it. */
async function place(
  { axis, at }: Pick<CompareArguments, 'axis' | 'at'>,
  found: readonly FoundRun[],
  loaded: readonly LoadedRun[],
  signal: AbortSignal,
): Promise<{ readonly runs: readonly LoadedRun[]; readonly place: CompareModel['place'] } | { readonly why: string }> {
  if (axis === undefined && at === undefined) return { runs: loaded, place: null }
  const { loadAt, placeOf } = await import('../compare/load-place.ts')
  const over = axis ?? 'step'
  const where = at === undefined ? null : placeOf(over, at)
  if (at !== undefined && where === null) return { why: `--at ${at} is no place on the axis ${over}` }
  return (await loadAt(found, loaded, over, where, signal)) ?? { why: `none of the runs logged anything over ${over}` }
}

async function cacheFor(basis: string, isBlocking: boolean) {
  const [{ DigestCache }, { userFolders }, { join }] = await Promise.all([
    import('../compare/digest-cache.ts'),
    import('../session/paths.ts'),
    import('node:path'),
  ])
  return new DigestCache(join(userFolders(process.env).cache, 'runs'), basis, isBlocking)
}

async function render(
  model: CompareModel,
  columns: readonly TableColumn[],
  args: CompareArguments,
): Promise<readonly string[]> {
  if (args.csv) return (await import('../compare/csv.ts')).compareCsv(model, columns).split('\n')
  return (await import('../compare/markdown.ts')).compareMarkdown(model, columns).split('\n')
}

/** Runs of the model, in its order. */
function readable(found: readonly FoundRun[], failed: ReadonlySet<FoundRun>, kept: readonly number[] | null = null) {
  const read = found.filter((run) => !failed.has(run))
  return kept === null ? read : kept.map((at) => read[at] as FoundRun)
}

/** Runs that were found, and what could not be. */
export interface RunsFound {
  readonly found: readonly FoundRun[]
  readonly notes: readonly string[]
  /** Words at which no run lies. */
  readonly missing: readonly string[]
  /** Places that nobody could look at, with the reason: whether runs lie there is not known. */
  readonly unreached: readonly string[]
  /** Gives up the links that the reading went over; runs of other machines cannot be read any longer. */
  close(): Promise<void>
}

/** Runs by the words that a person typed: ids of this project, folders, files, `host:path`, `s3://bucket/prefix`. */
export async function findRuns(
  projectFolder: string,
  words: readonly string[],
  signal?: AbortSignal,
  settings: Settings = {},
  isBlocking = false,
): Promise<RunsFound> {
  const [{ scan }, { localFolder }, { runsFolder }] = await Promise.all([
    import('../reader/scan.ts'),
    import('../reader/source.ts'),
    import('../run/folder.ts'),
  ])
  const own = runsFolder(projectFolder)
  const found: FoundRun[] = []
  const notes: string[] = []
  const missing: string[] = []
  const unreached: string[] = []
  const far: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const each of far) await each.close()
  }
  const take = (word: string, scanned: Scan, only: string | null, inside: string | undefined) => {
    const runs = scanned.runs.filter((run) => {
      const [file = '', within] = run.path.split('#')
      return (only === null || file === only) && (inside === undefined || within === inside || run.name === inside)
    })
    if (runs.length === 0) missing.push(word)
    found.push(...runs)
    notes.push(...scanned.notes)
  }
  for (const word of words.length === 0 ? [own] : words) {
    const [path = '', inside] = word.split('#')
    if (isFar(path)) {
      try {
        const { openFar } = await import('./far-folder.ts')
        const folder = await openFar(path, { projectFolder, settings, signal })
        if (folder === null) {
          missing.push(word)
          continue
        }
        far.push(folder)
        notes.push(...folder.notes)
        take(word, await scan(folder, signal), folder.only, inside)
      } catch (error) {
        if (signal?.aborted) await close()
        signal?.throwIfAborted()
        unreached.push(`${word}: ${error instanceof Error ? error.message : String(error)}`)
      }
      continue
    }
    const candidates = isAbsolute(path) ? [path] : [resolve(own, path), resolve(projectFolder, path), resolve(path)]
    const here = await firstThatIs(candidates)
    if (here === null) {
      if (words.length > 0) missing.push(word)
      continue
    }
    take(word, await scan(localFolder(here.folder, isBlocking), signal), here.file, inside)
  }
  return { found, notes, missing, unreached, close }
}

/** A host or a bucket stands before the first slash, as for scp; `./a:b` is a file of this machine. */
const isFar = (path: string) => /^s3:\/\//.test(path) || /^[^/:]+:/.test(path)

/** A folder is searched; of a file the folder that it lies in, for that file alone. */
async function firstThatIs(candidates: readonly string[]): Promise<{ folder: string; file: string | null } | null> {
  const { stat } = await import('node:fs/promises')
  const { dirname, basename } = await import('node:path')
  for (const path of candidates) {
    const there = await stat(path).catch(() => null)
    if (there?.isDirectory()) return { folder: path, file: null }
    if (there?.isFile()) return { folder: dirname(path), file: basename(path) }
  }
  return null
}

/** What a script asked to be told as a failure: a verdict of a metric, or that anything at all changed. */
function failing(model: CompareModel, failOn: readonly string[]): readonly string[] {
  const reasons: string[] = []
  for (const each of failOn) {
    const [word, ...rest] = each.split(':')
    const metric = rest.join(':')
    if (word === 'changed' && model.oneChange.changes.length > 0)
      reasons.push(`${model.oneChange.changes.length} changes`)
    const judged = model.judgements.filter((one) => one.verdict === word && (metric === '' || one.metric === metric))
    if (judged.length > 0) reasons.push(`${word}: ${[...new Set(judged.map((one) => one.metric))].join(', ')}`)
    const isKnown = metric === '' || model.metrics.some(({ name }) => name === metric)
    if (!isKnown) reasons.push(`no run has a metric ${metric}`)
  }
  return reasons
}
