import type { Way } from '../host/rsync/rules.ts'
import { TransferError } from '../host/transfer/errors.ts'
import { type FileFacts, factsOf } from '../host/transfer/facts.ts'
import { readMany } from '../host/transfer/many.ts'
import type { FileStat, Host } from '../host/types.ts'
import { bringManyByRsync, wayOfMany } from './by-rsync.ts'
import type { Places } from './places.ts'
import type { PulledFile, PullOptions } from './pull.ts'
import type { RosterFile } from './roster.ts'
import { dropSmall, hashSmall, inTurns, makeDurable, renameSmall, writeSmall } from './small-files.ts'
import { timed } from './timed.ts'

interface Wanted {
  readonly file: RosterFile
  readonly before: FileFacts & { readonly sha256: string }
  readonly localPath: string
  readonly part: string
  readonly resumed: boolean
}

const isSame = (a: FileStat, b: FileStat) => a.bytes === b.bytes && a.mtimeMs === b.mtimeMs && a.inode === b.inode

/** A link that goes while the stream comes: the next try begins with what is here. */
const mostTries = 3

/**
 * Many small files at once, each proved as a single one would be (handbook ssh 9.2): hashed there, one stream of them all
 * into `.part` files, one file-system sync, each read again and hashed, source still the same, renamed, synced. What does
 * not come through as `copied` is not in the answer: whoever asked looks at it by itself, and says why.
 */
export async function pullBatch(
  host: Host,
  boxFolder: string,
  files: readonly RosterFile[],
  places: Places,
  options: PullOptions,
): Promise<ReadonlyMap<string, PulledFile>> {
  const { signal } = options
  const done = new Map<string, PulledFile>()
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const left = files.filter((file) => !done.has(file.path))
    if (left.length === 0) break
    try {
      await tryBatch(host, boxFolder, left, places, options, attempt, done)
      break
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TransferError)) throw error
      if (error.problem !== 'lost') break
    }
  }
  return done
}

async function tryBatch(
  host: Host,
  boxFolder: string,
  files: readonly RosterFile[],
  places: Places,
  options: PullOptions,
  attempts: number,
  done: Map<string, PulledFile>,
): Promise<void> {
  const { signal } = options
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  const paths = files.map((file) => file.path)
  const proving = performance.now()
  const before = await factsOf(host, boxFolder, paths, { isHashed: true, bytes, signal })
  const wanted: Wanted[] = []
  for (const file of files) {
    const facts = before.get(file.path)
    if (facts?.kind !== 'file' || facts.sha256 === null) continue
    const localPath = await places.of(file.path)
    wanted.push({
      file,
      before: { ...facts, sha256: facts.sha256 },
      localPath,
      part: `${localPath}.part`,
      resumed: false,
    })
  }
  const there: Wanted[] = []
  const ready: Wanted[] = []
  const asked = new Map<string, Wanted>()
  await inTurns(wanted, signal, (each) => {
    const { localPath, part, before: source } = each
    if (hashSmall(localPath, source.bytes) === source.sha256) there.push(each)
    else if (hashSmall(part, source.bytes) === source.sha256) ready.push({ ...each, resumed: true })
    else {
      dropSmall(part)
      asked.set(each.file.path, each)
    }
  })
  options.onProved?.(performance.now() - proving)

  let cut: unknown = null
  let way: Way | null = null
  if (asked.size > 0)
    try {
      way = await wayOfMany(host, options)
      if (way?.by === 'rsync') way = await manyByRsync(host, boxFolder, places.root, asked, options, ready, way)
      if (way?.by !== 'rsync') await manyByStream(host, boxFolder, asked, options, ready)
    } catch (error) {
      signal.throwIfAborted()
      // What came whole is kept: the next try finds it.
      if (!(error instanceof TransferError)) throw error
      cut = error
    }
  const durable = (paths: readonly string[]) => timed(() => makeDurable(places.root, paths), options.onDurable)
  await durable(ready.map((each) => each.part))

  const rereading = performance.now()
  const good: Wanted[] = []
  await inTurns(ready, signal, (each) => {
    if (hashSmall(each.part, each.before.bytes) === each.before.sha256) good.push(each)
    else dropSmall(each.part)
  })
  const held = [...good, ...there]
  const after = await factsOf(
    host,
    boxFolder,
    held.map((each) => each.file.path),
    { isHashed: false, bytes: 0, signal },
  )
  options.onProved?.(performance.now() - rereading)
  const steady = (each: Wanted) => {
    const now = after.get(each.file.path)
    return now !== undefined && isSame(each.before, now)
  }
  const kept = good.filter(steady)
  await inTurns(kept, signal, ({ part, localPath }) => renameSmall(part, localPath))
  await durable(kept.map((each) => each.localPath))
  const tell = (each: Wanted, wasThere: boolean) => {
    const { path } = each.file
    const { bytes: size, sha256, mtimeMs, inode } = each.before
    done.set(path, {
      path,
      localPath: each.localPath,
      status: 'copied',
      bytes: size,
      sha256Remote: sha256,
      sha256Local: sha256,
      mtimeMs,
      inode,
      resumedBytes: each.resumed ? size : 0,
      wasThere,
      attempts,
      reason: null,
      way: wasThere || each.resumed ? null : way,
    })
    options.onFile?.(path, size)
  }
  for (const each of kept) tell(each, false)
  for (const each of there.filter(steady)) tell(each, true)
  if (cut !== null) throw cut
}

async function manyByStream(
  host: Host,
  boxFolder: string,
  asked: ReadonlyMap<string, Wanted>,
  options: PullOptions,
  ready: Wanted[],
): Promise<void> {
  const { signal } = options
  const sizes = new Map([...asked].map(([path, each]) => [path, each.before.bytes]))
  await readMany(host, boxFolder, sizes, {
    signal,
    ...(options.requestSeconds !== undefined && { silenceSeconds: options.requestSeconds }),
    onFiles: (come) =>
      inTurns(come, signal, ({ path, bytes: content }) => {
        const each = asked.get(path)
        if (each === undefined) return
        writeSmall(each.part, content)
        ready.push(each)
        options.onBytes?.(content.byteLength)
      }),
  })
}

/** Gives back the way that it came to: when rsync does not manage, nothing of it was taken and the stream brings all. */
async function manyByRsync(
  host: Host,
  boxFolder: string,
  root: string,
  asked: ReadonlyMap<string, Wanted>,
  options: PullOptions,
  ready: Wanted[],
  way: Way,
): Promise<Way> {
  const files = new Map([...asked].map(([path, { before, part }]) => [path, { bytes: before.bytes, part }]))
  try {
    await bringManyByRsync(host, boxFolder, root, files, options, (path) => ready.push(asked.get(path) as Wanted))
    return way
  } catch (error) {
    if (!(error instanceof TransferError) || error.problem !== 'failed') throw error
    return { by: 'stream', why: `rsync did not manage: ${error.message}` }
  }
}
