import { constants, createReadStream } from 'node:fs'
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { chooseWay, mayBeDelta, type Way } from '../host/rsync/rules.ts'
import { runRsync } from '../host/rsync/run.ts'
import { samePieces } from '../host/rsync/same-pieces.ts'
import { rsyncHere, rsyncThere } from '../host/rsync/versions.ts'
import { changed, failed, TransferError } from '../host/transfer/errors.ts'
import type { FileStat, Host } from '../host/types.ts'
import { removeIfThere } from './local-store.ts'
import type { PullOptions } from './pull.ts'
import { makeStaging, stagedFiles } from './rsync-staging.ts'
import { timed } from './timed.ts'

/** A link that goes again and again, though each time some bytes came. */
const mostCuts = 20

/** The way of one file, of which nothing that came before can be gone on with. Null: there is no choice to be made. */
export async function wayOfFile(
  host: Host,
  source: FileStat,
  older: { readonly path: string; readonly bytes: number } | null,
  { rsync = 'auto', signal }: PullOptions,
): Promise<Way | null> {
  if (host.kind === 'local') return null
  const isDelta = mayBeDelta(rsync, source.bytes, older?.bytes ?? null)
  if (rsync === 'auto' && !isDelta) return null
  if (rsync === 'never') return chooseWay(rsync, unasked, unasked, null)
  const [here, there] = await Promise.all([rsyncHere(), rsyncThere(host, signal)])
  const isFit = here.kind === 'found' && there.kind === 'found'
  const same = isFit && isDelta && older !== null ? samePieces(host, source, older.path, older.bytes, signal) : null
  return chooseWay(rsync, here, there, await same)
}

/** The way of many small files, which are new here. Null: by one stream, as ever. */
export async function wayOfMany(host: Host, { rsync = 'auto', signal }: PullOptions): Promise<Way | null> {
  if (host.kind === 'local' || rsync === 'auto') return null
  if (rsync === 'never') return chooseWay(rsync, unasked, unasked, null)
  return chooseWay(rsync, await rsyncHere(), await rsyncThere(host, signal), null)
}

const unasked = { kind: 'none', reason: 'not looked for' } as const

/**
 * The file into the `.part` by rsync, with the older copy of it to be used again; fsynced, and not yet believed. After a
 * cut it goes on with what came: that is the beginning of what is used again, and the older copy the rest of it.
 *
 * @throws TransferError
 */
export async function fillPartByRsync(
  host: Host,
  boxFolder: string,
  source: FileStat & { readonly relative: string },
  root: string,
  older: string | null,
  part: string,
  options: PullOptions,
): Promise<void> {
  const { relative, bytes } = source
  const realRoot = await realpath(root)
  const staging = await makeStaging(realRoot)
  try {
    const into = join(staging, 'in')
    let basis = older === null ? null : realRoot
    for (let cuts = 0; ; cuts += 1) {
      await mkdir(into, { mode: 0o700 })
      let moved = 0
      try {
        await runRsync(host, {
          ...requestOf(options, (more) => {
            moved += more
          }),
          ...{ folder: boxFolder, paths: [relative], into, basis },
        })
        break
      } catch (error) {
        options.signal.throwIfAborted()
        if (!(error instanceof TransferError) || error.problem !== 'lost') throw error
        if (cuts >= mostCuts || (moved === 0 && cuts >= 3)) throw error
        const kept = await keepBeginning(staging, join(into, relative), relative, older)
        basis = kept ?? basis
        await rm(into, { recursive: true, force: true })
      }
    }
    const came = (await stagedFiles(into, new Set([relative]))).get(relative)
    if (came === undefined) throw failed('rsync did not bring it')
    if (came !== bytes) throw changed(`${came} bytes came, and the file has ${bytes}`)
    await removeIfThere(part)
    await rename(join(into, relative), part)
    await timed(() => syncFile(part), options.onDurable)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** What came before a cut, and behind it what the older copy has: the next try needs neither again. Null: nothing came. */
async function keepBeginning(
  staging: string,
  came: string,
  relative: string,
  older: string | null,
): Promise<string | null> {
  const found = await lstat(came).catch(() => null)
  if (found === null || !found.isFile() || found.size === 0) return null
  const basis = join(staging, 'basis')
  await rm(basis, { recursive: true, force: true })
  await mkdir(join(basis, dirname(relative)), { recursive: true, mode: 0o700 })
  const path = join(basis, relative)
  await rename(came, path)
  if (older === null) return basis
  const file = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW)
  try {
    for await (const chunk of createReadStream(older, { start: found.size, highWaterMark: 1024 * 1024 }))
      await file.writeFile(chunk as Buffer)
  } finally {
    await file.close()
  }
  return basis
}

/**
 * Many small files by one rsync, each into its `.part`: told of as it lies there. Not yet durable and not yet believed.
 *
 * @throws TransferError; what was told of by then is whole by its size
 */
export async function bringManyByRsync(
  host: Host,
  boxFolder: string,
  root: string,
  asked: ReadonlyMap<string, { readonly bytes: number; readonly part: string }>,
  options: PullOptions,
  onFile: (path: string) => void,
): Promise<void> {
  const staging = await makeStaging(await realpath(root))
  try {
    let cut: unknown = null
    try {
      await runRsync(host, {
        ...requestOf(options, () => {}),
        ...{ folder: boxFolder, paths: [...asked.keys()], into: staging, basis: null },
      })
    } catch (error) {
      options.signal.throwIfAborted()
      if (!(error instanceof TransferError) || error.problem !== 'lost') throw error
      cut = error
    }
    // Of a file that was cut the beginning lies there, under its name or another: only a whole size is worth a look.
    for (const [path, bytes] of await stagedFiles(staging, new Set(asked.keys()), cut !== null)) {
      const each = asked.get(path)
      if (each?.bytes !== bytes) continue
      await removeIfThere(each.part)
      await rename(join(staging, path), each.part)
      onFile(path)
    }
    if (cut !== null) throw cut
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

const requestOf = (options: PullOptions, onBytes: (bytes: number) => void) => ({
  signal: options.signal,
  ...(options.requestSeconds !== undefined && { silenceSeconds: options.requestSeconds }),
  onBytes: (bytes: number) => {
    onBytes(bytes)
    options.onBytes?.(bytes)
  },
})

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
