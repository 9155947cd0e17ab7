import { checkPath } from './local-files.ts'
import { prologue, splitNul } from './remote/answer.ts'
import { parseFindEntry } from './remote/entries.ts'
import type { FileStat, Host } from './types.ts'

// GNU find takes many folders at once and tells them in the order of its arguments. Another find, or a folder that it
// cannot tell: nothing of this answer is used.
const script = `${prologue}[ "$(find /dev/null -maxdepth 0 -printf '%y' 2>/dev/null)" = c ] || exit 47
xargs -0 sh -c 'exec find "$@" -maxdepth 1 -ignore_readdir_race -path "*/." -printf "folder\\0" -o -printf "%y %s %T@ %i %f\\0"' kx 2>/dev/null || exit 1
printf 'end\\0'`

const mostBytes = 64 * 1024 * 1024
/** Folders of one call: few enough that the answer stays below its bound for any folder that a walk can take. */
const mostAtOnce = 500

/**
 * The entries of many folders in as few round trips as possible; each sorted by name, as `Host.list` gives them. Folders
 * that are not in the answer were not told, for whatever reason: `Host.list` says of each what is the matter.
 */
export async function listFolders(
  host: Host,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly FileStat[]>> {
  const found = new Map<string, readonly FileStat[]>()
  // One folder is listed as it always was, and on this machine a list costs no round trip.
  if (host.kind === 'local' || paths.length < 2) return found
  for (let at = 0; at < paths.length; at += mostAtOnce) {
    const some = paths.slice(at, at + mostAtOnce)
    const ran = await host.exec(['sh', '-c', script], {
      stdin: some.map((path) => `${checkPath(path).replace(/\/+$/, '')}/.\0`).join(''),
      maxBytes: mostBytes,
      timeoutSeconds: 120,
      signal,
    })
    signal.throwIfAborted()
    if (ran.ending.kind !== 'exited' || ran.ending.code !== 0 || ran.stdout.byteLength !== ran.stdoutBytes) break
    for (const [path, entries] of parseFolders(some, ran.stdout) ?? []) found.set(path, entries)
  }
  return found
}

/** What the script prints for these folders, in their order; null when a byte of it is not of that form. */
export function parseFolders(
  folders: readonly string[],
  answer: Uint8Array,
): ReadonlyMap<string, readonly FileStat[]> | null {
  const parts = splitNul(answer)?.map((part) => ({ part, text: Buffer.from(part).toString('latin1') }))
  if (parts?.pop()?.text !== 'end') return null
  const found = new Map<string, FileStat[]>()
  let at = -1
  for (const { part, text } of parts) {
    if (text === 'folder') {
      at += 1
      found.set(folders[at] ?? '', [])
      continue
    }
    const folder = folders[at]
    const entry = folder === undefined ? null : parseFindEntry(folder.endsWith('/') ? folder : `${folder}/`, part)
    if (folder === undefined || entry === null) return null
    found.get(folder)?.push(entry)
  }
  if (at !== folders.length - 1) return null
  for (const entries of found.values()) entries.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  return found
}
