import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { sanitiseLine } from '../../text/sanitise.ts'
import { codeOf, HostError, hostError, isMissing } from '../errors.ts'
import type { Pins, Sighting } from './pins.ts'

/** That a person gave up what was pinned under an alias: the machine is gone, or was made anew. */
export interface Forgotten {
  readonly alias: string
  readonly by: string
  readonly why: string
  readonly atMs: number
}

export interface PinsFile {
  readonly path: string
  read(): Pins
  /** Notes a look at a machine whose key was trusted. A look that tells nothing new is not written. */
  note(sighting: Sighting): void
  /** Drops the alias's sightings from what counts; they stay in the file. Only by the explicit act of a person. */
  forget(forgotten: Forgotten): void
}

const fileMode = 0o600
const folderMode = 0o700
const mostBytes = 64 * 1024 * 1024

const text = z.string().min(1).max(1024)
const sightingSchema = z.strictObject({
  atMs: z.number().finite(),
  alias: text,
  host: text,
  port: z.int().min(1).max(65_535),
  keyType: text,
  fingerprint: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/),
  machineId: text.nullable(),
  instanceId: text.nullable(),
  learnt: z.enum(['known-hosts', 'person', 'creation']),
})
const forgottenSchema = z.strictObject({ alias: text, by: z.string(), why: z.string(), atMs: z.number().finite() })
const entrySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('seen'), sighting: sightingSchema }),
  z.strictObject({ kind: z.literal('forgotten'), forgotten: forgottenSchema }),
])
type Entry = z.output<typeof entrySchema>

/**
 * Machines and their host keys, over all projects of this user: `hosts.jsonl` in `stateFolder` (`$XDG_STATE_HOME/kx`). Append
 * only, a checksum in each line. Nothing is read or made before the first call.
 */
export function openPins(stateFolder: string): PinsFile {
  const path = join(stateFolder, 'hosts.jsonl')
  const write = (entry: Entry) => {
    try {
      mkdirSync(stateFolder, { recursive: true, mode: folderMode })
      checkFolder(stateFolder)
      appendLine(path, entry)
    } catch (error) {
      throw hostError('note a machine in', path, error)
    }
  }
  const read = () => readPins(path)
  return {
    path,
    read,
    note: (sighting) => {
      const entry = entrySchema.parse({ kind: 'seen', sighting })
      const last = read().sightings.findLast((s) => s.alias === sighting.alias)
      if (last === undefined || !isSameNews(last, sighting)) write(entry)
    },
    forget: (forgotten) => write(entrySchema.parse({ kind: 'forgotten', forgotten })),
  }
}

/** Once a day is enough for "last seen" when nothing else is new. */
const newsAfterMs = 86_400_000

function isSameNews(a: Sighting, b: Sighting): boolean {
  const keys = ['host', 'port', 'keyType', 'fingerprint', 'machineId', 'instanceId'] as const
  return keys.every((key) => a[key] === b[key]) && Math.abs(b.atMs - a.atMs) < newsAfterMs
}

function checkFolder(path: string): void {
  const stat = lstatSync(path)
  const uid = process.getuid?.()
  if (!stat.isDirectory() || (uid !== undefined && stat.uid !== uid) || (stat.mode & 0o022) !== 0)
    throw new HostError(
      `${sanitiseLine(path)} can be written by others, so it can hold no host keys. Make it yours alone: chmod 700 '${sanitiseLine(path)}'`,
    )
}

const checkOf = (body: string) => createHash('sha256').update(body).digest('hex').slice(0, 16)

/** One write, fsynced. A line that a killed writer left unfinished is closed first, so that it spoils only itself. */
function appendLine(path: string, entry: Entry): void {
  const body = JSON.stringify(entry)
  const line = `{"v":1,"check":"${checkOf(body)}","entry":${body}}\n`
  const fd = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, fileMode)
  try {
    const size = fstatSync(fd).size
    const last = Buffer.alloc(1)
    if (size > 0) readSync(fd, last, 0, 1, size - 1)
    const bytes = Buffer.from(size > 0 && last[0] !== 10 ? `\n${line}` : line)
    if (writeSync(fd, bytes) !== bytes.byteLength)
      throw new HostError(`The disk under ${sanitiseLine(path)} is full. Free some space there.`, 'ENOSPC')
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function readPins(path: string): Pins {
  const suspects: string[] = []
  let content: string
  try {
    const stat = lstatSync(path)
    const uid = process.getuid?.()
    if (!stat.isFile() || stat.size > mostBytes || (uid !== undefined && stat.uid !== uid) || (stat.mode & 0o022) !== 0)
      return {
        sightings: [],
        suspects: [`${sanitiseLine(path)} is not a file of yours alone: no machine in it is believed.`],
      }
    content = readFileSync(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return { sightings: [], suspects: [] }
    return { sightings: [], suspects: [`${sanitiseLine(path)} cannot be read (${codeOf(error) ?? 'unknown error'}).`] }
  }
  let sightings: Sighting[] = []
  content.split('\n').forEach((line, i) => {
    if (line === '') return
    const entry = parseEntry(line)
    if (typeof entry === 'string')
      suspects.push(`Line ${i + 1} of ${sanitiseLine(path)} ${entry}: a machine may be missing.`)
    else if (entry.kind === 'seen') sightings.push(entry.sighting)
    else sightings = sightings.filter((s) => s.alias !== entry.forgotten.alias)
  })
  return { sightings, suspects }
}

/** The entry, or why the line is not believed. */
function parseEntry(line: string): Entry | string {
  let value: { v?: unknown; check?: unknown; entry?: unknown } | null
  try {
    value = JSON.parse(line)
  } catch {
    return 'is not whole'
  }
  if (value?.v !== 1) return 'has a version that this kx does not read'
  if (checkOf(JSON.stringify(value.entry ?? null)) !== value.check) return 'was changed'
  const parsed = entrySchema.safeParse(value.entry)
  return parsed.success ? parsed.data : 'does not hold what it should'
}
