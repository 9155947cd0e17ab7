import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes, formatCount } from '../text/format.ts'
import { freeSpace } from './local-store.ts'
import { pathProblem } from './names.ts'
import type { RosterFile } from './roster.ts'

/** There is not enough room for the copies; nothing was transferred. */
export class NoSpace extends Error {}

/** Kept free beside the copies. */
const marginBytes = 64 * 1024 * 1024

const sizeOf = (path: string) =>
  lstat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => null,
  )

/**
 * Free bytes and inodes against what the copies will need. What lies here already by its size is not counted again, nor
 * what came of a file that was cut short.
 *
 * @throws NoSpace with both numbers
 */
export async function checkSpace(folder: string, files: readonly RosterFile[]): Promise<void> {
  const free = await freeSpace(folder)
  let need = marginBytes
  let needInodes = 16
  for (const { path, bytes } of files) {
    const local = join(folder, path)
    const isSafe = pathProblem(path) === null
    if (isSafe && (await sizeOf(local)) === bytes) continue
    const part = isSafe ? await sizeOf(`${local}.part`) : null
    need += Math.max(0, bytes - (part ?? 0))
    needInodes += 2
  }
  if (free.bytes < need || (free.inodes !== null && free.inodes < needInodes))
    throw new NoSpace(
      `Not enough room for the artifacts: ${formatBytes(need)} and ${formatCount(needInodes)} inodes are needed, ` +
        `${formatBytes(free.bytes)} and ${free.inodes === null ? 'uncounted' : formatCount(free.inodes)} inodes are free in ${folder}. Free some and try again.`,
    )
}
