import { posix } from 'node:path'
import { HostError } from '../../host/errors.ts'
import { answerOf, linkLost, oddAnswer, prologue, splitNul } from '../../host/remote/answer.ts'
import type { Host, TailPosition } from '../../host/types.ts'
import { sanitiseLine } from '../../text/sanitise.ts'
import { passedFolders } from '../passed.ts'
import type { FarEntry, FarFiles, FarLook } from './types.ts'

/** What a look may take over the link: some hundred thousand names. */
const mostNameBytes = 16 * 1024 * 1024
/** Deeper than any tracker writes below a folder of runs. */
const mostDepth = 20
/** One call. A link that is slower than 35 KB/s is told as one that does not answer. */
const chunkBytes = 2 * 1024 * 1024
/** Folders that are listed one by one where the other side has no find that tells all at once. */
const mostFolders = 500
const noFind = 47
/** A call that only reads may be made again after the link went: nothing happens twice by it. */
const mostTries = 3
/** After so long the reason is told in place of another try. */
const mostTryingMs = 10_000
/** The first look may find anything; those after it are known by the first, and a link that is gone is told soon. */
const firstLookSeconds = 60
const laterLookSeconds = 15

const pruned = [...passedFolders].map((name) => `-name ${name}`).join(' -o ')
// Without a look at what a symbolic link points to: it could lead anywhere. A folder that cannot be entered is told as such.
const script = `${prologue}case $1 in
'~') kx_r=$HOME ;;
'~/'*) kx_r=$HOME/\${1#??} ;;
/*) kx_r=$1 ;;
*) kx_r=$HOME/$1 ;;
esac
kx_only= kx_depth=$2
if [ ! -d "$kx_r/." ]; then
  if [ ! -f "$kx_r" ]; then printf 'none\\0'; exit; fi
  kx_only=\${kx_r##*/} kx_r=\${kx_r%/*} kx_depth=1
fi
printf 'root\\0%s\\0%s\\0' "\${kx_r:-/}" "$kx_only"
[ "$(find /dev/null -maxdepth 0 -printf '%y' 2>/dev/null)" = c ] || exit ${noFind}
{
  find "$kx_r/." -mindepth 1 -maxdepth "$kx_depth" -ignore_readdir_race \\
    \\( -type d \\( ! -readable -o ! -executable \\) -printf 'X %s %T@ %i %P\\0' -prune \\) -o \\
    \\( -type d \\( ${pruned} \\) -printf '%y %s %T@ %i %P\\0' -prune \\) -o -printf '%y %s %T@ %i %P\\0' 2>/dev/null
  printf 'end\\0'
} | head -c "$3"`

/**
 * Files of a host below a path there; `~` and what is not absolute count from the home folder. Read over whatever link the
 * host has: a link that is lost is made again by the host, and the reading goes on. The caller closes the host.
 *
 * @param name of the host, as a person wrote it
 */
export function hostFiles(
  host: Host,
  name: string,
  path: string,
  nowMs: () => number = () => performance.now(),
): FarFiles {
  let root = path
  /** First bytes of the files that were begun, by which one that was cut and written anew is told. */
  const heads = new Map<string, TailPosition>()
  let lookSeconds = firstLookSeconds
  return {
    isMarkedByContent: false,
    async look() {
      const beganMs = nowMs()
      const told = await again(() => lookOnce(host, name, path, lookSeconds))
      if (told === null) return null
      const tookSeconds = (nowMs() - beganMs) / 1000
      lookSeconds = Math.min(firstLookSeconds, Math.max(laterLookSeconds, 20 * tookSeconds))
      root = told.path
      return told.look
    },
    async read(inside, offset, length, mark) {
      const at = posix.join(root, inside)
      const pieces: Uint8Array[] = []
      let got = 0
      while (got < length) {
        const head = offset + got === 0 ? undefined : heads.get(`${mark} ${inside}`)
        const from = head === undefined ? null : { ...head, offset: offset + got }
        // Without its beginning nobody could say that it is still the same file: the beginning is read first.
        if (from === null && offset + got > 0) {
          const first = await again(() => host.tail(at, null, 1))
          if (first === null) return 'gone'
          if (String(first.position.inode) !== mark) return 'changed'
          heads.set(`${mark} ${inside}`, first.position)
          continue
        }
        const wanted = Math.min(chunkBytes, length - got)
        const tail = await again(() => host.tail(at, from, wanted))
        if (tail === null) return 'gone'
        if (tail.isAnother || String(tail.position.inode) !== mark) {
          heads.delete(`${mark} ${inside}`)
          return 'changed'
        }
        heads.set(`${mark} ${inside}`, tail.position)
        pieces.push(tail.bytes)
        got += tail.bytes.byteLength
        if (tail.bytes.byteLength < wanted) break
      }
      return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
    },
    close: async () => {},
  }
}

async function again<T>(work: () => Promise<T>): Promise<T> {
  const beganMs = performance.now()
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof HostError) || error.code !== linkLost || tries >= mostTries) throw error
      if (performance.now() - beganMs > mostTryingMs) throw error
    }
  }
}

async function lookOnce(
  host: Host,
  name: string,
  path: string,
  timeoutSeconds: number,
): Promise<{ readonly path: string; readonly look: FarLook } | null> {
  const ran = await host.script(script, [path, String(mostDepth), String(mostNameBytes)], {
    maxBytes: mostNameBytes + 16 * 1024,
    timeoutSeconds,
    isRepeated: true,
  })
  const isBare = ran.ending.kind === 'exited' && ran.ending.code === noFind
  const doing = { verb: 'list', path }
  const answer = answerOf(isBare ? { ...ran, ending: { kind: 'exited', code: 0 } } : ran, doing)
  const found = parseLook(answer)
  if (found === null) throw oddAnswer(doing, answer)
  if (found === 'none') return null
  const { path: root, only } = found
  const label = `${name}:${root}`
  const { entries, notes } = isBare ? await listOneByOne(host, root, only !== null) : found
  return { path: root, look: { entries, notes: notes.map((note) => `${label}: ${note}`), only, root: label } }
}

interface Parsed {
  readonly path: string
  readonly only: string | null
  readonly entries: readonly FarEntry[]
  readonly notes: readonly string[]
}

/** What the script prints; null when a byte of it is not of that form, but for a last entry that was cut by the bound. */
export function parseLook(answer: Uint8Array): Parsed | 'none' | null {
  const isEnded = answer.at(-1) === 0
  const whole = isEnded ? answer : answer.subarray(0, answer.lastIndexOf(0) + 1)
  const [first, root, only, ...rest] = (splitNul(whole) ?? []).map((part) => new TextDecoder().decode(part))
  if (first === 'none' && root === undefined) return 'none'
  if (first !== 'root' || root === undefined || only === undefined) return null
  const isWhole = isEnded && rest.at(-1) === 'end'
  if (isWhole) rest.pop()
  const entries: FarEntry[] = []
  const notes: string[] = []
  for (const part of rest) {
    const entry = entryOf(part)
    if (entry === null) return null
    entries.push(entry)
    if (part.startsWith('X'))
      notes.push(`${sanitiseLine(entry.path, 200)} cannot be entered, so nothing of it was read`)
  }
  // Where there is no find, nothing stands behind the root either.
  if (!isWhole && entries.length > 0)
    notes.push(`there is more below it than a look takes (${entries.length} entries); name a folder further down`)
  return { path: root, only: only === '' ? null : only, entries, notes: notes.slice(0, 20) }
}

const kinds: Readonly<Record<string, FarEntry['kind']>> = { f: 'file', d: 'folder', X: 'folder' }

function entryOf(text: string): FarEntry | null {
  const parts = /^([a-zA-Z?]) (\d{1,15}) (-?\d{1,12})(?:\.(\d+))? (\d{1,20}) ([\s\S]+)$/.exec(text)
  if (parts === null) return null
  const [, kind = '', bytes, seconds, fraction = '', inode = '', path = ''] = parts
  if (path.split('/').some((name) => name === '' || name === '.' || name === '..')) return null
  const mtimeMs = Number(seconds) * 1000 + Number(fraction.slice(0, 9).padEnd(9, '0')) / 1e6
  // As a tail tells it: past 2^53 both are rounded alike.
  return { path, kind: kinds[kind] ?? 'other', bytes: Number(bytes), mtimeMs, mark: String(Number(inode)) }
}

/** Where the other side's find cannot print: as many calls as there are folders, so only some of them. */
async function listOneByOne(host: Host, root: string, isFlat: boolean): Promise<Pick<Parsed, 'entries' | 'notes'>> {
  const entries: FarEntry[] = []
  const queue = ['']
  let looked = 0
  for (let at = queue.shift(); at !== undefined && looked < mostFolders; at = queue.shift()) {
    looked++
    const folder = at
    for (const { path, kind, bytes, mtimeMs, inode } of (await again(() => host.list(posix.join(root, folder)))) ??
      []) {
      const inside = posix.relative(root, path)
      const isFolder = kind === 'folder'
      entries.push({
        path: inside,
        kind: isFolder ? 'folder' : kind === 'file' ? 'file' : 'other',
        bytes,
        mtimeMs,
        mark: String(inode),
      })
      if (isFolder && !isFlat && !passedFolders.has(posix.basename(path))) queue.push(inside)
    }
  }
  const notes = queue.length === 0 ? [] : [`only ${mostFolders} folders were looked at: it has no GNU find`]
  return { entries, notes }
}
