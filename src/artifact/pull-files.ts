import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { openAhead } from '../host/transfer/stream.ts'
import type { Host } from '../host/types.ts'
import { Places } from './places.ts'
import { type PulledFile, type PullOptions, pullFile } from './pull.ts'
import { pullBatch } from './pull-batch.ts'
import type { RosterFile } from './roster.ts'

/** Up to this size a file travels with others in one stream, and is held in memory whole. */
export const smallBytes = 1024 * 1024
/** Fewer than this are not worth a stream of their own. */
const fewestInBatch = 4
/** A batch is proved and named as a whole: what a cut costs is at most one of them. */
const mostInBatch = 4096
const mostBatchBytes = 128 * 1024 * 1024

/**
 * Copies files of the box folder below the root and proves each (see `pullFile`): the many small ones in streams, the
 * others by ranges. Answers in the order of `files`. Throws only on abort.
 */
export async function pullFiles(
  host: Host,
  boxFolder: string,
  files: readonly RosterFile[],
  root: string,
  options: PullOptions,
): Promise<readonly PulledFile[]> {
  if (files.some((file) => !isLikelyHere(root, file))) openAhead(host)
  const places = new Places(root)
  const done = new Map<string, PulledFile>()
  for (const batch of batchesOf(files.filter((file) => file.bytes <= smallBytes))) {
    if (batch.length < fewestInBatch) continue
    // A folder that cannot be written to, say: each file then says so for itself.
    const pulled = await pullBatch(host, boxFolder, batch, places, options).catch(() => new Map<string, PulledFile>())
    options.signal.throwIfAborted()
    for (const [path, each] of pulled) done.set(path, each)
  }
  const answer: PulledFile[] = []
  for (const file of files) {
    let pulled = done.get(file.path)
    if (pulled === undefined) {
      pulled = await pullFile(host, boxFolder, file, root, options)
      options.onFile?.(file.path, file.bytes)
    }
    answer.push(pulled)
  }
  return answer
}

/** Only by its size: a guess whether anything will have to come. */
function isLikelyHere(root: string, { path, bytes }: RosterFile): boolean {
  try {
    return lstatSync(join(root, path)).size === bytes
  } catch {
    return false
  }
}

function batchesOf(files: readonly RosterFile[]): readonly (readonly RosterFile[])[] {
  const batches: RosterFile[][] = []
  let room = 0
  for (const file of files) {
    const last = batches.at(-1)
    if (last === undefined || last.length >= mostInBatch || file.bytes > room) {
      batches.push([file])
      room = mostBatchBytes - file.bytes
    } else {
      last.push(file)
      room -= file.bytes
    }
  }
  return batches
}
