import { createHash, randomBytes } from 'node:crypto'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Checklist, type ChecklistItem, parseChecklist } from './parse.ts'

export interface ChecklistFile extends Checklist {
  readonly path: string
}

export type TickResult =
  /** `note` says so when the file had been edited meanwhile and the item was found again. */
  | { readonly kind: 'done'; readonly list: ChecklistFile; readonly item: ChecklistItem; readonly note: string | null }
  /** The box already stood as asked. */
  | { readonly kind: 'unchanged'; readonly list: ChecklistFile; readonly item: ChecklistItem }
  | { readonly kind: 'refused'; readonly reason: string }

const largestFile = 4_194_304
const attempts = 5

/** Reads and parses a checklist. Throws when the file cannot be read or is larger than 4 MiB. */
export async function readChecklist(path: string): Promise<ChecklistFile> {
  const { size } = await stat(path)
  if (size > largestFile)
    throw new Error(`${path} has ${size} bytes. A checklist may have at most ${largestFile}: split it.`)
  return { path, ...parseChecklist(await readFile(path)) }
}

/**
 * Ticks or un-ticks one item: changes the one byte in the box and nothing else, through a temporary file, fsync and
 * rename, keeping mode and symlink. An edit made since `list` was read is noticed: the item is looked for again by its id,
 * else by its text, and the tick is refused when that does not lead to exactly one item.
 */
export async function tick(list: ChecklistFile, item: ChecklistItem, isChecked: boolean): Promise<TickResult> {
  const path = await realpath(list.path)
  // One at a time within this process; between processes the comparison right before the rename has to do.
  const turn = (queues.get(path) ?? Promise.resolve()).then(() => tickNow(path, list, item, isChecked))
  const settled = turn.catch(() => undefined)
  queues.set(path, settled)
  try {
    return await turn
  } finally {
    if (queues.get(path) === settled) queues.delete(path)
  }
}

const queues = new Map<string, Promise<unknown>>()

async function tickNow(
  path: string,
  list: ChecklistFile,
  item: ChecklistItem,
  isChecked: boolean,
): Promise<TickResult> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const bytes = await readFile(path)
    const now: ChecklistFile = { path: list.path, ...parseChecklist(bytes) }
    const found = now.sha256 === list.sha256 ? now.items[item.index] : locate(now, item)
    if (typeof found === 'string' || found === undefined)
      return {
        kind: 'refused',
        reason: found ?? 'The item is not in the list that it is said to come from. Reload the list.',
      }
    if (found.isChecked === isChecked) return { kind: 'unchanged', list: now, item: found }
    const changed = Buffer.from(bytes)
    changed[found.byteOffset] = (isChecked ? item.tickMark : ' ').charCodeAt(0)
    if (!(await replace(path, changed, now.sha256))) continue
    const after: ChecklistFile = { path: list.path, ...parseChecklist(changed) }
    const ticked = after.items[found.index]
    if (ticked === undefined || ticked.isChecked !== isChecked)
      return { kind: 'refused', reason: 'The box was written but does not read back as asked. Look at the file.' }
    const isMoved = now.sha256 !== list.sha256
    const note = isMoved ? `The file had been edited meanwhile; the item now stands in line ${ticked.line}.` : null
    return { kind: 'done', list: after, item: { ...ticked, tickMark: item.tickMark }, note }
  }
  return {
    kind: 'refused',
    reason: 'The file keeps changing while it is being written. Try again when it has settled.',
  }
}

/** The same item in an edited file, or why it cannot be told. */
function locate(list: Checklist, item: ChecklistItem): ChecklistItem | string {
  const byId = item.id === null ? [] : list.items.filter((other) => other.id === item.id)
  const same = byId.length > 0 ? byId : list.items.filter((other) => other.id === null && other.text === item.text)
  if (same.length === 0 || (byId.length === 0 && item.id !== null))
    return 'The file was edited meanwhile and this item is no longer in it. Reload the list.'
  if (same.length > 1)
    return `The file was edited meanwhile and ${same.length} items in it read like this one. Reload the list and tick again.`
  return same[0] ?? 'The file was edited meanwhile. Reload the list.'
}

/** False when the file no longer has the expected content at the moment of renaming. */
async function replace(path: string, bytes: Uint8Array, expectedSha256: string): Promise<boolean> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const { mode, uid, gid } = await stat(path)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(bytes)
      await file.chmod(mode & 0o7777)
      // Only root can give a file away; for everybody else it is theirs already.
      if (process.getuid?.() === 0) await file.chown(uid, gid)
      await file.sync()
    } finally {
      await file.close()
    }
    const current = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
    if (current !== expectedSha256) return false
    await rename(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  const parent = await open(folder, 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
  return true
}
