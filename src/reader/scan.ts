import { csvReader } from './csv.ts'
import { dvcliveReader } from './dvclive.ts'
import { jsonlReader } from './jsonl.ts'
import { kxRunReader } from './kx-run.ts'
import { lightningReader } from './lightning.ts'
import { logPatternReader } from './log-pattern.ts'
import { mlflowFilesReader } from './mlflow/files.ts'
import { mlflowRuns, mlflowSqliteReader } from './mlflow/sqlite.ts'
import { passedFolders } from './passed.ts'
import { renewing } from './renewing.ts'
import { seedReader } from './seed.ts'
import { isEventFile, tfeventsReader } from './tfevents/reader.ts'
import { trackioReader, trackioRuns } from './trackio.ts'
import { trainerReader } from './trainer.ts'
import type { Folder, FolderEntry, Format, RunReader } from './types.ts'
import { wandbRunReader } from './wandb/run.ts'

/** A run that was found, and how to read it. */
export interface FoundRun {
  readonly format: Format
  /** Folder that was scanned. */
  readonly root: string
  /** Relative to it; behind `#` the run inside of a database. */
  readonly path: string
  /** For a list: the last part of the path that says something. */
  readonly name: string
  readonly mtimeMs: number
  open(): RunReader
  /** Of a run that lies elsewhere: size and time of a file that a report names, as they are there now. */
  stat?: NonNullable<Folder['stat']>
  /** Where it lies, for the texts beside its figures. */
  readonly folder?: Folder
}

export interface Scan {
  readonly runs: readonly FoundRun[]
  /** What was not looked at, one sentence each. */
  readonly notes: readonly string[]
}

const mostDepth = 8
const mostFolders = 20_000
const foldersAtOnce = 16

type Found = Omit<FoundRun, 'open' | 'mtimeMs' | 'root' | 'stat' | 'folder'> & {
  readonly make: () => RunReader
  readonly mtimeMs?: number
}

/** Finds the runs below a folder, in the order of their paths. A folder that is a run is not searched for others inside. */
export async function scan(folder: Folder, signal?: AbortSignal): Promise<Scan> {
  const runs: FoundRun[] = []
  let looked = 0
  const visit = async (path: string, depth: number): Promise<readonly string[]> => {
    signal?.throwIfAborted()
    const notes: string[] = []
    if (looked++ >= mostFolders) return notes
    const entries = (await folder.list(path)) ?? []
    const { found, isWhole } = await runsIn(folder, path, entries, notes)
    for (const { make, ...run } of found) {
      const mtimeMs = run.mtimeMs ?? entries.reduce((newest, entry) => Math.max(newest, entry.mtimeMs), 0)
      const { root, stat } = folder
      const open = () => renewing(run.format, make)
      runs.push({
        ...run,
        root,
        folder,
        mtimeMs,
        open,
        ...(stat === undefined ? {} : { stat: (at) => stat.call(folder, at) }),
      })
    }
    if (isWhole) return notes
    if (depth >= mostDepth) {
      if (entries.some(({ kind }) => kind === 'folder')) notes.push(`${path}: what lies deeper was not looked at.`)
      return notes
    }
    const below = entries.filter(({ name, kind }) => kind === 'folder' && !passedFolders.has(name))
    // Some at a time: each look waits for the disk, and a sweep has hundreds of folders.
    for (let at = 0; at < below.length; at += foldersAtOnce) {
      const some = below.slice(at, at + foldersAtOnce)
      notes.push(...(await Promise.all(some.map(({ name }) => visit(join(path, name), depth + 1)))).flat())
    }
    return notes
  }
  const notes = [...(await visit('', 0))]
  if (looked > mostFolders) notes.push(`Only ${mostFolders} folders were looked at.`)
  runs.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { runs, notes }
}

const join = (path: string, name: string) => (path === '' ? name : `${path}/${name}`)
const here = (path: string) => (path === '' ? '.' : path)
const lastOf = (path: string, fallback: string) => path.split('/').filter(Boolean).at(-1) ?? fallback

/** What runs this folder is, or holds as files. `isWhole`: nothing below it is a run by itself. */
async function runsIn(
  folder: Folder,
  path: string,
  entries: readonly FolderEntry[],
  notes: string[],
): Promise<{ readonly found: readonly Found[]; readonly isWhole: boolean }> {
  const files = new Set(entries.filter(({ kind }) => kind === 'file').map(({ name }) => name))
  const folders = new Set(entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name))
  const name = lastOf(path, lastOf(folder.root, 'run'))
  const whole = (format: Format, make: () => RunReader) => ({
    found: [{ format, path: here(path), name, make }],
    isWhole: true,
  })
  if (files.has('journal.jsonl') && files.has('plan.yaml')) return whole('kx', () => kxRunReader(folder, here(path)))
  const wandb = [...files].find((file) => /^run-.+\.wandb$/.test(file))
  if (wandb !== undefined) return whole('wandb', () => wandbRunReader(folder, here(path), wandb))
  if (folders.has('files') && /^(offline-)?run-\d{8}_\d{6}-/.test(name))
    return whole('wandb', () => wandbRunReader(folder, here(path), null))
  if (files.has('meta.yaml') && folders.has('metrics') && (folders.has('params') || folders.has('tags')))
    return whole('mlflow-files', () => mlflowFilesReader(folder, here(path)))
  if (files.has('trainer_state.json') || [...folders].some((each) => /^checkpoint-\d+$/.test(each))) {
    const reader = trainerReader(folder, here(path))
    const hasState = (await reader.advance(nowhere)).length > 0
    if (hasState) return whole('trainer', () => trainerReader(folder, here(path)))
  }
  if (files.has('metrics.csv') && (files.has('hparams.yaml') || /^version_\d+$/.test(name)))
    return whole('lightning', () => lightningReader(folder, here(path)))
  if (folders.has('plots') && (await folder.list(join(path, 'plots/metrics'))) !== null)
    return whole('dvclive', () => dvcliveReader(folder, here(path)))
  // A fingerprint alone says where something ran; what ran there may lie beside it or below.
  const isSeed = files.has('metrics.json') || folders.has('units')
  if (isSeed || (files.has('env_fingerprint.json') && files.has('checkpoint.json')))
    if (!files.has('mlflow.db')) return whole('seed', () => seedReader(folder, here(path)))
  const found = [...(await databaseRuns(folder, path, files, notes)), ...tableRuns(folder, path, entries)]
  if ([...files].some(isEventFile)) {
    const paths = [here(path), ...hparamFolders(path, folders)]
    found.push({ format: 'tfevents', path: here(path), name, make: () => tfeventsReader(folder, paths) })
    // Folders of HParams belong to the run; others may be runs of their own.
    return { found, isWhole: paths.length - 1 === folders.size }
  }
  return { found, isWhole: false }
}

/** tensorboardX writes its settings into a folder below the run that is named by a time. */
const hparamFolders = (path: string, folders: ReadonlySet<string>) =>
  [...folders].filter((name) => /^\d{9,}\.\d+$/.test(name)).map((name) => join(path, name))

async function databaseRuns(
  folder: Folder,
  path: string,
  files: ReadonlySet<string>,
  notes: string[],
): Promise<Found[]> {
  const found: Found[] = []
  for (const file of files) {
    if (!/\.(db|sqlite3?)$/.test(file)) continue
    const at = join(path, file)
    try {
      for (const { id, name, startedAtMs } of await mlflowRuns(folder, at)) {
        const make = () => mlflowSqliteReader(folder, at, id)
        found.push({ format: 'mlflow-sqlite', path: `${at}#${id}`, name: name || id, mtimeMs: startedAtMs ?? 0, make })
      }
      for (const name of await trackioRuns(folder, at)) {
        found.push({ format: 'trackio', path: `${at}#${name}`, name, make: () => trackioReader(folder, at, name) })
      }
    } catch (error) {
      // Locked, too large, damaged: there may be runs in it that nobody sees.
      notes.push(`${at} could not be looked into: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return found
}

/** Tables and JSON lines that stand by themselves, each a run. */
function tableRuns(folder: Folder, path: string, entries: readonly FolderEntry[]): Found[] {
  const within = lastOf(path, lastOf(folder.root, 'run'))
  const found: Found[] = []
  for (const { name: file, kind, mtimeMs } of entries) {
    const at = join(path, file)
    const name = file.replace(/\.[a-z]+$/, '')
    if (kind !== 'file') continue
    if (/^metrics.*\.jsonl$|^(train|eval)_?log\.jsonl$/.test(file))
      found.push({
        format: 'jsonl',
        path: at,
        name: nameOf(within, name),
        mtimeMs,
        make: () => jsonlReader(folder.open(at)),
      })
    else if (/^(metrics|progress|results|log).*\.csv$/.test(file))
      found.push({
        format: 'csv',
        path: at,
        name: nameOf(within, name),
        mtimeMs,
        make: () => csvReader(folder.open(at)),
      })
    else if (/^(output|train|training)\.log$/.test(file))
      found.push({
        format: 'log',
        path: at,
        name: nameOf(within, name),
        mtimeMs,
        make: () => logPatternReader(folder.open(at)),
      })
  }
  return found
}

/** A file named `metrics` says less than the folder that it lies in. */
const nameOf = (within: string, name: string) =>
  /^(metrics|progress|results|log|output|train)$/.test(name) ? within : name

/** Takes nothing: for a look at whether there is anything to read. */
const nowhere = {
  metric: () => -1,
  point: () => {},
  config: () => {},
  summary: () => {},
  facts: () => {},
  direction: () => {},
  event: () => {},
  restart: () => {},
  reset: () => {},
}
