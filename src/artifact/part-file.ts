import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { changed } from '../host/transfer/errors.ts'
import { readRange } from '../host/transfer/ranges.ts'
import type { FileStat, Host } from '../host/types.ts'
import { removeIfThere } from './local-store.ts'
import type { PullOptions } from './pull.ts'
import { timed } from './timed.ts'

const syncEveryBytes = 64 * 1024 * 1024

/** Bytes `from` … end of the source into the `.part`, in order, so that it is always a beginning; fsynced. */
export async function fillPart(
  host: Host,
  source: FileStat,
  part: string,
  from: number,
  options: PullOptions,
): Promise<void> {
  if (from === 0) await removeIfThere(part)
  const flags = constants.O_WRONLY | constants.O_NOFOLLOW | (from === 0 ? constants.O_CREAT | constants.O_EXCL : 0)
  const file = await open(part, flags, 0o600)
  let unsynced = 0
  let syncing: Promise<void> | null = null
  /** The system tells an error of the disk once: what the early sync was told must not be lost. */
  let failure: unknown = null
  const syncEarly = () => {
    unsynced = 0
    syncing = file
      .datasync()
      .catch((error: unknown) => {
        failure = error
      })
      .finally(() => {
        syncing = null
      })
  }
  try {
    let at = from
    const write = async (chunks: readonly Uint8Array[], bytes: number) => {
      const { bytesWritten } = await file.writev(chunks, at)
      // A disk that is nearly full takes less than it was given, and says nothing.
      if (bytesWritten < bytes) {
        const all = Buffer.concat(chunks)
        for (let done = bytesWritten; done < bytes; )
          done += (await file.write(all, done, bytes - done, at + done)).bytesWritten
      }
      at += bytes
      unsynced += bytes
      // While more comes, so that the end has not all of it to wait for.
      if (unsynced >= syncEveryBytes && syncing === null) syncEarly()
      options.onBytes?.(bytes)
    }
    await readRange(host, source.path, from, source.bytes, write, {
      signal: options.signal,
      ...(options.chunkBytes !== undefined && { chunkBytes: options.chunkBytes }),
      ...(options.requestSeconds !== undefined && { silenceSeconds: options.requestSeconds }),
    })
    if (at !== source.bytes) throw changed(`${at} bytes came, and the file has ${source.bytes}`)
    await timed(async () => {
      await syncing
      if (failure !== null) throw failure
      await file.sync()
    }, options.onDurable)
  } finally {
    await syncing
    await file.close()
  }
}
