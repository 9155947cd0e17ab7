import { isMissing } from '../errors.ts'
import { checkPath } from '../local-files.ts'
import type { FileStat } from '../types.ts'
import { answerOf, type Doing, oddAnswer, prologue, splitNul } from './answer.ts'
import type { RunScript } from './types.ts'

/** Mode in hex, size, modification time (busybox gives whole seconds), inode. */
const format = '%f %s %.9Y %i'
const maxListBytes = 64 * 1024 * 1024

const statScript = `${prologue}stat -c '${format}' -- "$1"`

// GNU find tells all of it in one call. Where it is another find: the shell's own pattern and stat in batches, for which
// the names are printed first; a batch that cannot be told is told one by one, so that one that goes spoils nothing.
const listScript = `${prologue}stat -c '%f' -- "$1/." >/dev/null || exit 1
if [ "$(find /dev/null -maxdepth 0 -printf '%y' 2>/dev/null)" = c ]; then
  find "$1/." -mindepth 1 -maxdepth 1 -ignore_readdir_race -printf '%y %s %T@ %i %f\\0' || exit 1
else
  tell() {
    kx_o=$(stat -c '${format}' -- "$@" 2>/dev/null) || return 1
    printf 'batch\\0'
    for kx_f; do printf '%s\\0' "\${kx_f##*/}"; done
    printf '/\\0%s\\0' "$kx_o"
  }
  each() {
    tell "$@" && return 0
    for kx_e; do
      tell "$kx_e" || { [ ! -e "$kx_e" ] && [ ! -L "$kx_e" ]; } || { stat -c '${format}' -- "$kx_e"; exit 1; }
    done
  }
  for kx_p in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    [ -e "$kx_p" ] || [ -L "$kx_p" ] || continue
    set -- "$@" "$kx_p"
    if [ $# -gt 200 ]; then
      kx_d=$1
      shift
      each "$@"
      set -- "$kx_d"
    fi
  done
  shift
  [ $# -eq 0 ] || each "$@"
fi
printf 'end\\0'`

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** What lies at a path of the other side, a symlink not followed; null when there is nothing. */
export async function statRemote(run: RunScript, path: string): Promise<FileStat | null> {
  const doing: Doing = { verb: 'look at', path: checkPath(path) }
  try {
    const line = decode(answerOf(await run(statScript, [path], {}), doing))
    const found = line.endsWith('\n') ? parseStatLine(path, line.slice(0, -1)) : null
    if (found === null) throw oddAnswer(doing, line)
    return found
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** Entries of one folder, sorted by name. Names that are no UTF-8 come with U+FFFD in them: seen, never dropped. */
export async function listRemote(run: RunScript, path: string): Promise<readonly FileStat[] | null> {
  const doing: Doing = { verb: 'list', path: checkPath(path) }
  try {
    const ran = await run(listScript, [path.replace(/\/+$/, '')], { maxBytes: maxListBytes, timeoutSeconds: 60 })
    const answer = answerOf(ran, doing)
    const found = parseList(path.endsWith('/') ? path : `${path}/`, answer)
    if (found === null) throw oddAnswer(doing, answer)
    return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/** One line of `stat -c '%f %s %.9Y %i'`; null when it is anything else. */
export function parseStatLine(path: string, line: string): FileStat | null {
  const parts = /^([0-9a-f]{1,8}) (\d{1,16}) (-?\d{1,12})(?:\.(\d{9}))? (\d{1,20})$/.exec(line)
  if (parts === null) return null
  const [, mode = '', size, seconds, fraction, inode] = parts
  const type = Number.parseInt(mode, 16) & 0o170000
  const kind = type === 0o100000 ? 'file' : type === 0o40000 ? 'folder' : type === 0o120000 ? 'symlink' : 'other'
  return toStat(path, kind, size, milliseconds(seconds, fraction), inode)
}

/** As fs.stat counts it, so that the same file has the same time whoever looks. */
const milliseconds = (seconds = '', fraction = '') =>
  Number(seconds) * 1000 + Number(fraction.slice(0, 9).padEnd(9, '0')) / 1e6

function toStat(path: string, kind: FileStat['kind'], size = '', mtimeMs: number, inode = ''): FileStat | null {
  const [bytes, number] = [Number(size), Number(inode)]
  // An inode past 2^53 cannot be held exactly, as in fs.stat; a size must be.
  return Number.isSafeInteger(bytes) && Number.isFinite(number) ? { path, kind, bytes, mtimeMs, inode: number } : null
}

const findLine = /^([a-zA-Z?]) (\d{1,16}) (-?\d{1,12})(?:\.(\d+))? (\d{1,20}) ([\s\S]+)$/
const kinds: Readonly<Record<string, FileStat['kind']>> = { f: 'file', d: 'folder', l: 'symlink' }
/** A name is one component: anything else did not come from a folder. */
const isName = (name: string) => name !== '' && name !== '.' && name !== '..' && !name.includes('/')

/** What the list script prints, in either form; null when a byte of it is not of that form. */
export function parseList(folder: string, answer: Uint8Array): FileStat[] | null {
  const parts = splitNul(answer)
  if (parts === null || parts.length === 0 || decode(parts.at(-1) as Uint8Array) !== 'end') return null
  const found: FileStat[] = []
  for (let at = 0; at < parts.length - 1; at += 1) {
    const part = parts[at] as Uint8Array
    if (decode(part) === 'batch') {
      const end = parts.findIndex((each, i) => i > at && each.byteLength === 1 && each[0] === 0x2f)
      if (end < 0) return null
      const names = parts.slice(at + 1, end).map(decode)
      const lines = decode(parts[end + 1] ?? new Uint8Array()).split('\n')
      if (names.length !== lines.length) return null
      for (const [i, name] of names.entries()) {
        const entry = isName(name) ? parseStatLine(folder + name, lines[i] as string) : null
        if (entry === null) return null
        found.push(entry)
      }
      at = end + 1
      continue
    }
    const entry = parseFindEntry(folder, part)
    if (entry === null) return null
    found.push(entry)
  }
  return found
}

/** One entry as `find -printf '%y %s %T@ %i %f'` tells it; null when it is of another form. `folder` ends with a slash. */
export function parseFindEntry(folder: string, part: Uint8Array): FileStat | null {
  const fields = findLine.exec(latin1(part))
  if (fields === null) return null
  const [, kind = '', size, seconds, fraction, inode, raw = ''] = fields
  const name = decode(part.subarray(part.byteLength - raw.length))
  return isName(name)
    ? toStat(folder + name, kinds[kind] ?? 'other', size, milliseconds(seconds, fraction), inode)
    : null
}
