import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { FoundRun } from '../reader/scan.ts'
import type { ReadReport } from '../reader/types.ts'
import type { RunDigest } from './digest.ts'
import { type PackedDigest, packDigest, unpackDigest } from './digest-pack.ts'

/** Goes up whenever a digest is made otherwise, so that none of an older kx is taken for it. */
const version = 6
/** A run that was written to so lately may be written to again within the resolution of a clock. */
const settledMs = 2000
/** Times of another machine are by its own clock. */
const settledFarMs = 5 * 60_000
/** A database may hold new rows in a file beside it while its own looks as before. */
const unsure: readonly string[] = ['mlflow-sqlite', 'trackio']

interface Stored {
  readonly version: number
  readonly key: string
  readonly reports: readonly ReadReport[]
  /** Folders that the files lie in, with their times: a file that came or went changes one. */
  readonly folders: readonly (readonly [path: string, mtimeMs: number])[]
  readonly digest: PackedDigest
}

/**
 * Digests of runs that were read before, by the files that they rest on. Can be lost at any time, and is never believed
 * without a look at the size and time of each of those files; any doubt means that the run is read again.
 */
export class DigestCache {
  private readonly folder: string
  private readonly basis: string
  private readonly isBlocking: boolean

  /**
   * @param basis what findings rest on beside the run: thresholds and directions, as text
   * @param isBlocking files of this machine are read without giving way, which takes a third of the time: for a process that
   * has nothing else to do, never for one that draws
   */
  constructor(folder: string, basis = '', isBlocking = false) {
    this.folder = folder
    this.basis = basis
    this.isBlocking = isBlocking
  }

  /** The digest of a run whose files are as they were; null: it is to be read. */
  async get(run: FoundRun): Promise<{ readonly digest: RunDigest; readonly reports: readonly ReadReport[] } | null> {
    const key = keyOf(run, this.basis)
    try {
      const file = this.fileOf(key)
      const stored = deserialize(this.isBlocking ? readFileSync(file) : await readFile(file)) as Stored
      if (stored.version !== version || stored.key !== key) return null
      const wanted: readonly Wanted[] = [
        ...stored.reports,
        ...stored.folders.map(([path, mtimeMs]) => ({ path, mtimeMs, bytes: null })),
      ]
      const isBlocking = this.isBlocking && run.stat === undefined
      const isAsBefore = isBlocking
        ? wanted.every((each) => isSame(each, statSync(each.path)))
        : (await Promise.all(wanted.map(async (each) => isSame(each, await lookAt(run, each.path))))).every(Boolean)
      if (!isAsBefore) return null
      return { digest: unpackDigest(stored.digest), reports: stored.reports }
    } catch {
      // None is there, or it is damaged: the run itself is.
      return null
    }
  }

  /** Keeps a digest, unless the run may still be written. What cannot be kept is no trouble. */
  async put(run: FoundRun, digest: RunDigest, reports: readonly ReadReport[], nowMs: number): Promise<void> {
    const newest = Math.max(0, ...reports.map(({ mtimeMs }) => mtimeMs))
    if (
      unsure.includes(run.format) ||
      reports.length === 0 ||
      nowMs - newest < (run.stat === undefined ? settledMs : settledFarMs) ||
      reports.some(({ isTruncated }) => isTruncated)
    )
      return
    const key = keyOf(run, this.basis)
    const temporary = `${this.fileOf(key)}.${randomBytes(6).toString('hex')}`
    try {
      const parents = [...new Set(reports.map(({ path }) => dirname(path)))]
      const folders = await Promise.all(parents.map(async (path) => [path, (await lookAt(run, path)).mtimeMs] as const))
      await mkdir(this.folder, { recursive: true, mode: 0o700 })
      await writeFile(
        temporary,
        serialize({ version, key, reports, folders, digest: packDigest(digest) } satisfies Stored),
        {
          mode: 0o600,
        },
      )
      await rename(temporary, this.fileOf(key))
    } catch {
      await rm(temporary, { force: true }).catch(() => {})
    }
  }

  private fileOf(key: string): string {
    return join(this.folder, createHash('sha256').update(key).digest('hex').slice(0, 32))
  }
}

const keyOf = ({ format, root, path }: FoundRun, basis: string) => `${format}\n${root}\n${path}\n${basis}`

/** What lies elsewhere is looked at there: a path of another machine says nothing of a file here. */
async function lookAt(run: FoundRun, path: string): Promise<{ readonly mtimeMs: number; readonly size: number }> {
  if (run.stat === undefined) return stat(path)
  const there = await run.stat(path)
  if (there === null) throw new Error(`${path} is not there`)
  return { mtimeMs: there.mtimeMs, size: there.bytes }
}

/** A file, or a folder whose size says nothing. */
interface Wanted {
  readonly path: string
  readonly mtimeMs: number
  readonly bytes: number | null
}

/** Times come by two ways that round the last digits otherwise. */
const isSame = (wanted: Wanted, now: { readonly mtimeMs: number; readonly size: number }): boolean =>
  Math.abs(now.mtimeMs - wanted.mtimeMs) < 0.01 && (wanted.bytes === null || now.size === wanted.bytes)
