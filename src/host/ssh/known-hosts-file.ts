import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { codeOf, isMissing } from '../errors.ts'
import { isBrokenHash, isNamed } from './known-hosts-match.ts'

export type Marker = 'none' | 'revoked' | 'cert-authority'

/** A line that may name hosts; its key is read when its names match. All texts are bytes in a string (latin1). */
export interface KnownHostsLine {
  readonly number: number
  readonly marker: Marker
  /** Pattern list, or one hashed name. */
  readonly names: string
  /** Key type, key and comment. */
  readonly rest: string
}

/** A line that OpenSSH skips without a word, and why. */
export interface BrokenLine {
  readonly number: number
  readonly why: string
  /** It begins like a marker, so it may have been meant as a revocation. */
  readonly isMarked: boolean
}

export interface KnownHostsFile {
  readonly path: string
  readonly lines: readonly KnownHostsLine[]
  readonly broken: readonly BrokenLine[]
  /** What was not read: then nothing is known to be not revoked. Null: all was. */
  readonly unread: string | null
}

/** A file is read up to here, and lines up to there: OpenSSH has no bounds, and no such files exist by honest means. */
const mostFileBytes = 32 * 1024 * 1024
const mostLineBytes = 256 * 1024
const longestMarker = 31

/**
 * Reads known_hosts text as OpenSSH does (`hostkeys_foreach`): lines counted from 1, blank ones and comments passed over,
 * broken ones skipped. Bytes in, nothing decoded. Keys are not looked at here.
 */
export function parseKnownHosts(bytes: Uint8Array, path: string): KnownHostsFile {
  const lines: KnownHostsLine[] = []
  const broken: BrokenLine[] = []
  const tooLong: number[] = []
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let number = 0
  for (let start = 0; start < buffer.length; ) {
    const newline = buffer.indexOf(10, start)
    const end = newline < 0 ? buffer.length : newline
    number += 1
    if (end - start > mostLineBytes) tooLong.push(number)
    else {
      const parsed = parseLine(buffer.toString('latin1', start, end), number)
      if (parsed !== null) {
        if ('why' in parsed) broken.push(parsed)
        else lines.push(parsed)
      }
    }
    start = end + 1
  }
  const unread =
    tooLong.length === 0
      ? null
      : `line ${tooLong.slice(0, 3).join(', ')} of ${path} is longer than ${mostLineBytes} bytes`
  return { path, lines, broken, unread }
}

function parseLine(raw: string, number: number): KnownHostsLine | BrokenLine | null {
  // C sees nothing of a line behind a NUL.
  const nul = raw.indexOf('\0')
  const text = (nul < 0 ? raw : raw.slice(0, nul)).replace(/^[ \t]+/, '')
  if (text === '' || text.startsWith('#')) return null
  const isMarked = text.startsWith('@')
  const marked = takeMarker(text)
  if (marked === null) return { number, why: `its marker is not one: ${text.slice(0, longestMarker)}`, isMarked }
  const field = /^[^ \t]*/.exec(marked.text)?.[0] ?? ''
  if (isBrokenHash(field)) return { number, why: 'its hashed name is not one', isMarked }
  const rest = marked.text.slice(field.length).replace(/^[ \t]+/, '')
  if (rest === '' || rest.startsWith('#')) return { number, why: 'it has no key', isMarked }
  return { number, marker: marked.marker, names: field, rest }
}

function takeMarker(text: string): { readonly marker: Marker; readonly text: string } | null {
  if (!text.startsWith('@')) return { marker: 'none', text }
  // The first blank ends it, and a tab only in a line without a blank. That is how OpenSSH reads it.
  const blank = text.indexOf(' ')
  const end = blank >= 0 ? blank : text.indexOf('\t')
  const word = end < 0 ? '' : text.slice(0, end)
  const rest = text.slice(word.length).replace(/^[ \t]+/, '')
  if (rest.startsWith('@')) return null
  if (word === '@revoked') return { marker: 'revoked', text: rest }
  if (word === '@cert-authority') return { marker: 'cert-authority', text: rest }
  return null
}

/** Lines that name the host, whatever their markers. `name`: see `knownHostsNames`. */
export function linesNaming(file: KnownHostsFile, name: string): readonly KnownHostsLine[] {
  const bytes = Buffer.from(name, 'utf8').toString('latin1')
  return file.lines.filter((line) => isNamed(bytes, line.names))
}

/**
 * Reads the files in the order of `UserKnownHostsFile`, then `GlobalKnownHostsFile`. Missing ones are empty, `none` is none.
 * One that is there and cannot be read is said to be unread: it may hold a revocation.
 */
export function readKnownHostsFiles(paths: readonly string[]): readonly KnownHostsFile[] {
  return paths.filter((path) => path !== 'none').map(readKnownHostsFile)
}

/** One file; see `readKnownHostsFiles`. */
export function readKnownHostsFile(path: string): KnownHostsFile {
  const unread = (why: string): KnownHostsFile => ({ path, lines: [], broken: [], unread: `${path} ${why}` })
  let fd: number
  try {
    // A pipe in its place must not hold kx up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (isMissing(error)) return { path, lines: [], broken: [], unread: null }
    return unread(`cannot be read (${codeOf(error) ?? 'unknown error'})`)
  }
  try {
    const stat = fstatSync(fd)
    if (stat.isCharacterDevice() && path === '/dev/null') return { path, lines: [], broken: [], unread: null }
    if (!stat.isFile()) return unread('is not a file')
    if (stat.size > mostFileBytes) return unread(`is larger than ${mostFileBytes} bytes`)
    const bytes = Buffer.alloc(stat.size + 1)
    let length = 0
    for (;;) {
      const got = readSync(fd, bytes, length, bytes.length - length, length)
      length += got
      if (got === 0) break
      if (length === bytes.length) return unread('grew while it was read')
    }
    return parseKnownHosts(bytes.subarray(0, length), path)
  } catch (error) {
    return unread(`cannot be read (${codeOf(error) ?? 'unknown error'})`)
  } finally {
    closeSync(fd)
  }
}
