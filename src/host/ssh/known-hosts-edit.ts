import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError, hostError, isMissing } from '../errors.ts'
import { checkHostKey, type ShownKey } from './known-hosts.ts'
import { type KnownHostsLine, linesNaming, parseKnownHosts, readKnownHostsFile } from './known-hosts-file.ts'
import { readKeyBlob, readKeyText } from './known-hosts-key.ts'
import { type HostKeyTarget, hashName, knownHostsNames, lower } from './known-hosts-match.ts'

export interface AddOptions {
  /** `HashKnownHosts` */
  readonly isHashed: boolean
}

export interface RemoveResult {
  /** The lines as they stood, without line ends. */
  readonly removed: readonly string[]
  /** Where they are kept. Null when there were none. */
  readonly backup: string | null
}

const fileMode = 0o600
const folderMode = 0o700
const triesAgainstWriters = 5

/**
 * Appends one line for a key that a person has confirmed (or that was read at the machine's creation). Lines that are there
 * stay byte for byte; the file is not replaced, so that what ssh appends at the same time is not lost.
 *
 * @returns `there` when the key was known already
 * @throws HostError when the key is revoked or another one is known, or the file cannot be written
 */
export function addHostKey(
  path: string,
  target: HostKeyTarget,
  shown: ShownKey,
  options: AddOptions,
): 'added' | 'there' {
  const name = nameToWrite(target)
  const before = checkHostKey([readKnownHostsFile(path)], target, shown)
  if (before.kind === 'match') return 'there'
  if (before.kind === 'revoked' || before.kind === 'changed')
    throw new HostError(`The key was not added to ${sanitiseLine(path)}. ${before.advice}`)
  const line = lineOf(name, shown, options)
  try {
    mkdirSync(dirname(path), { recursive: true, mode: folderMode })
    appendLine(path, line)
  } catch (error) {
    throw hostError('add a host key to', path, error)
  }
  const after = checkHostKey([readKnownHostsFile(path)], target, shown)
  if (after.kind !== 'match' && after.kind !== 'needs-openssh')
    throw new HostError(`The key was written to ${sanitiseLine(path)} and is not found there. Look at its last line.`)
  return 'added'
}

/**
 * Takes the keys of one host and port out of one file, by the explicit act of a person, and puts a new one in if given. The old
 * lines are kept in `<file>.kx-old` first. Lines with markers and lines of other hosts stay byte for byte; of a line that
 * names several hosts only this name goes.
 *
 * @throws HostError when a wildcard names the host (that line speaks of others too), or the file keeps changing
 */
export function replaceHostKey(
  path: string,
  target: HostKeyTarget,
  shown: ShownKey | null,
  options: AddOptions & { readonly atMs: number },
): RemoveResult {
  const name = nameToWrite(target)
  const added = shown === null ? null : lineOf(name, shown, options)
  for (let tries = 1; ; tries++) {
    const outcome = tryReplace(path, name, added, options.atMs)
    if (outcome !== 'changed') return outcome
    if (tries === triesAgainstWriters)
      throw new HostError(`${sanitiseLine(path)} is being written by others all the time. Try again.`)
  }
}

function tryReplace(path: string, name: string, added: string | null, atMs: number): RemoveResult | 'changed' {
  try {
    const real = realOf(path)
    const before = stampOf(real)
    const bytes = before === null ? Buffer.alloc(0) : readFileSync(real)
    const edited = withoutName(bytes, path, name)
    if (edited.removed.length === 0) {
      if (added !== null) appendLine(path, added)
      return { removed: [], backup: null }
    }
    const backup = `${real}.kx-old`
    const lines = edited.removed.map((line) => `${line}\n`).join('')
    const parts = [edited.bytes]
    if (added !== null) {
      if (edited.bytes.length > 0 && edited.bytes.at(-1) !== 10) parts.push(Buffer.from('\n'))
      parts.push(Buffer.from(added, 'latin1'))
    }
    const temp = writeTemp(real, Buffer.concat(parts))
    try {
      if (stampOf(real) !== before) return 'changed'
      const comment = `# taken out of ${basename(real)} at ${new Date(atMs).toISOString()}\n`
      appendLine(backup, comment + lines)
      if (stampOf(real) !== before) return 'changed'
      renameSync(temp, real)
    } finally {
      rmSync(temp, { force: true })
    }
    fsyncFolder(dirname(real))
    return { removed: edited.removed, backup }
  } catch (error) {
    throw hostError('replace a host key in', path, error)
  }
}

function withoutName(
  bytes: Buffer,
  path: string,
  name: string,
): { readonly bytes: Buffer; readonly removed: readonly string[] } {
  const file = parseKnownHosts(bytes, path)
  if (file.unread !== null) throw new HostError(`${file.unread}. Repair it by hand first.`)
  const naming = new Map<number, KnownHostsLine>()
  for (const line of linesNaming(file, name)) {
    const [type = '', base64 = ''] = line.rest.split(/[ \t]+/)
    if (line.marker === 'none' && readKeyText(type, base64) !== null) naming.set(line.number, line)
  }
  const kept: Buffer[] = []
  const removed: string[] = []
  let number = 0
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline + 1
    const raw = bytes.subarray(start, end)
    start = end
    number += 1
    const line = naming.get(number)
    if (line === undefined) {
      kept.push(raw)
      continue
    }
    const text = raw.toString('latin1')
    removed.push(text.replace(/\n$/, ''))
    const others = otherNames(line, name, path)
    if (others !== null)
      kept.push(
        Buffer.from(
          text.replace(line.names, () => others),
          'latin1',
        ),
      )
  }
  return { bytes: Buffer.concat(kept), removed }
}

/** Names of the line without this one; null when none is left. */
function otherNames(line: KnownHostsLine, name: string, path: string): string | null {
  if (line.names.startsWith('|')) return null
  const bytes = Buffer.from(name, 'utf8').toString('latin1')
  const others = line.names.split(',').filter((item) => lower(item) !== bytes)
  const rest = others.join(',')
  if (others.some((item) => /[*?!]/.test(item)) || rest === line.names)
    throw new HostError(
      `Line ${line.number} of ${sanitiseLine(path)} names ${sanitiseLine(name)} by a pattern, so it speaks of other hosts too. Edit that line by hand.`,
    )
  return rest === '' ? null : rest
}

function nameToWrite(target: HostKeyTarget): string {
  const name = knownHostsNames(target)[0] ?? ''
  // Anything else would be read back as a pattern, a list, a marker, a comment or a hash.
  if (!/^[^\s\p{C},*?!|@#]+$/u.test(name) || name.length > 512)
    throw new HostError(`${sanitiseLine(name, 256)} cannot be written as the name of a host. Give the host an alias.`)
  return name
}

function lineOf(name: string, shown: ShownKey, options: AddOptions): string {
  const key = readKeyBlob(Buffer.from(shown.base64, 'base64'))
  if (key === null || key.isCertificate || key.base64 !== readKeyText(shown.type, shown.base64)?.base64)
    throw new HostError(`The host key of ${sanitiseLine(name)} cannot be read, so it was not written anywhere.`)
  const bytes = Buffer.from(name, 'utf8').toString('latin1')
  return `${options.isHashed ? hashName(bytes) : bytes} ${key.type} ${key.base64}\n`
}

/** One write at the end of the file, fsynced. A last line without its end is ended first. */
function appendLine(path: string, line: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT, fileMode)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new HostError(`${sanitiseLine(path)} is not a file, so no host key can be kept there.`)
    const last = Buffer.alloc(1)
    if (stat.size > 0) readSync(fd, last, 0, 1, stat.size - 1)
    const bytes = Buffer.from(stat.size > 0 && last[0] !== 10 ? `\n${line}` : line, 'latin1')
    if (writeSync(fd, bytes) !== bytes.length)
      throw new HostError(`The disk under ${sanitiseLine(path)} is full. Free some space there.`, 'ENOSPC')
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function writeTemp(path: string, bytes: Buffer): string {
  const mode = statSync(path).mode & 0o777
  const temp = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`)
  const fd = openSync(temp, 'wx', fileMode)
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    fchmodSync(fd, mode & ~0o022)
    fsyncSync(fd)
  } catch (error) {
    rmSync(temp, { force: true })
    throw error
  } finally {
    closeSync(fd)
  }
  return temp
}

function fsyncFolder(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** The file itself where the path is a symlink, as people who keep their settings in a repository have it. */
function realOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isMissing(error)) return path
    throw error
  }
}

/** What changes when someone else writes; null when it is not there. */
function stampOf(path: string): string | null {
  try {
    const stat = statSync(path, { bigint: true })
    return `${stat.ino}:${stat.size}:${stat.mtimeNs}`
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}
