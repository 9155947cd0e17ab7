import { lstat, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes, formatCount, plural } from '../text/format.ts'
import { freeSpace } from './local-store.ts'
import { pathProblem } from './names.ts'
import type { RosterFile } from './roster.ts'

/** There is not enough room for the copies; nothing was transferred. */
export class NoSpace extends Error {}

/** Kept free beside the copies. */
const marginBytes = 64 * 1024 * 1024
const marginInodes = 16

const sizeOf = (path: string) =>
  lstat(path).then(
    (found) => (found.isFile() ? found.size : 0),
    () => null,
  )

/** What copies will take of a file system, without the margin. */
export interface Need {
  readonly bytes: number
  readonly inodes: number
}

/** What lies here already by its size is not counted again, nor what came of a file that was cut short. */
export async function needOf(folder: string, files: readonly RosterFile[]): Promise<Need> {
  let need = 0
  let inodes = 0
  for (const { path, bytes } of files) {
    const local = join(folder, path)
    const isSafe = pathProblem(path) === null
    if (isSafe && (await sizeOf(local)) === bytes) continue
    const part = isSafe ? await sizeOf(`${local}.part`) : null
    need += Math.max(0, bytes - (part ?? 0))
    inodes += 2
  }
  return { bytes: need, inodes }
}

/**
 * Free bytes and inodes against what the copies will need.
 *
 * @throws NoSpace with both numbers
 */
export async function checkSpace(folder: string, files: readonly RosterFile[]): Promise<void> {
  await checkNeed(folder, await needOf(folder, files), 'the artifacts')
}

/** What will come from one host, and where it goes. */
export interface Claim {
  readonly host: string
  readonly folder: string
  readonly need: Need
}

/**
 * The same for copies from several hosts at once: what goes to one file system is summed, before the first byte of any.
 *
 * @throws NoSpace with the sum, what each host has of it, and what is free
 */
export async function checkSpaceTogether(claims: readonly Claim[]): Promise<void> {
  const systems = new Map<number, Claim[]>()
  // Hosts answer in any order; what is said of them has one.
  for (const claim of [...claims].sort((a, b) => (a.host < b.host ? -1 : 1))) {
    await mkdir(claim.folder, { recursive: true, mode: 0o700 })
    const { dev } = await stat(claim.folder)
    systems.set(dev, [...(systems.get(dev) ?? []), claim])
  }
  for (const each of systems.values()) {
    const [first] = each
    if (first === undefined) continue
    const need = {
      bytes: each.reduce((sum, claim) => sum + claim.need.bytes, 0),
      inodes: each.reduce((sum, claim) => sum + claim.need.inodes, 0),
    }
    const shares = each.map(({ host, need: own }) => `${host} ${formatBytes(own.bytes)}`).join(', ')
    await checkNeed(first.folder, need, `the artifacts of ${plural(each.length, 'host')} together (${shares})`)
  }
}

async function checkNeed(folder: string, { bytes, inodes }: Need, what: string): Promise<void> {
  const free = await freeSpace(folder)
  const [need, needInodes] = [bytes + marginBytes, inodes + marginInodes]
  if (free.bytes < need || (free.inodes !== null && free.inodes < needInodes))
    throw new NoSpace(
      `Not enough room for ${what}: ${formatBytes(need)} and ${formatCount(needInodes)} inodes are needed, ` +
        `${formatBytes(free.bytes)} and ${free.inodes === null ? 'uncounted' : formatCount(free.inodes)} inodes are free in ${folder}. Free some and try again.`,
    )
}
