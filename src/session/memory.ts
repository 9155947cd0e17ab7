import { createHash } from 'node:crypto'
import { readFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { messageOf } from '../run/errors.ts'
import { checkFolder, makeFolder, sweepTemps, writeAtomic } from '../run/files.ts'

/** Longest time between a change and its being on disk. What was typed in it is all that a kill -9 can take. */
export const saveAfterMs = 100
/** A session file above this was not written by kx. */
const maxBytes = 4 * 1024 * 1024

export interface MemoryOptions<T> {
  /** `$XDG_STATE_HOME/kx`. */
  readonly stateFolder: string
  readonly projectFolder: string
  /** What a first start begins with. */
  readonly fresh: T
  /** Turns what was stored into a value, or null when it does not fit. Must not throw. */
  readonly parse: (stored: unknown) => T | null
  /** Told once when saving begins to fail, and once when it works again (null). */
  readonly onTrouble?: (text: string | null) => void
}

/** What the workbench remembers of one project: open run, screen, stacks, cursors, filters, half-typed input. */
export interface SessionMemory<T> {
  readonly file: string
  /** What was remembered, and what has to be said about it. */
  load(): { readonly value: T; readonly warning: string | null }
  /** Remembers; written to disk within `saveAfterMs`. */
  set(value: T): void
  /** Writes now what is not written yet. */
  flush(): void
  /** Writes and stops. */
  close(): void
}

export function sessionFileOf(stateFolder: string, projectFolder: string): string {
  const name = createHash('sha256').update(projectFolder).digest('hex').slice(0, 32)
  return join(stateFolder, 'session', `${name}.json`)
}

/** The one place that reads and writes session files. */
export function openMemory<T>(options: MemoryOptions<T>): SessionMemory<T> {
  const file = sessionFileOf(options.stateFolder, options.projectFolder)
  let pending: { readonly value: T } | null = null
  let saved: string | null = null
  let timer: NodeJS.Timeout | null = null
  let hasTrouble = false

  const save = (isDurable: boolean) => {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (pending === null) return
    const text = encode(options.projectFolder, pending.value)
    pending = null
    if (text === saved) return
    try {
      makeFolder(dirname(file))
      writeAtomic(file, text, 'session', isDurable)
      saved = text
      if (hasTrouble) options.onTrouble?.(null)
      hasTrouble = false
    } catch (error) {
      // The workbench goes on; only what it would remember is at stake, and it says so once.
      if (!hasTrouble) options.onTrouble?.(`What is on screen cannot be remembered: ${messageOf(error)}`)
      hasTrouble = true
    }
  }

  return {
    file,
    load: () => load(file, options),
    set: (value) => {
      pending = { value }
      // Not reset by later changes: steady typing is saved every 100 ms, not when it stops.
      // A process that is killed loses nothing that was written; to wait for the disk would hold up the keys.
      timer ??= setTimeout(() => save(false), saveAfterMs)
    },
    flush: () => save(true),
    close: () => save(true),
  }
}

function encode(projectFolder: string, value: unknown): string {
  const body = JSON.stringify(value)
  const check = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return `{"v":1,"projectFolder":${JSON.stringify(projectFolder)},"check":"${check}","value":${body}}\n`
}

function load<T>(file: string, options: MemoryOptions<T>): { readonly value: T; readonly warning: string | null } {
  const { fresh, parse } = options
  let why: string
  try {
    checkFolder(dirname(file))
    sweepTemps(dirname(file))
    if (statSync(file).size > maxBytes) why = 'it is too large'
    else {
      const value = decode(readFileSync(file, 'utf8'), options.projectFolder)
      const parsed = typeof value === 'string' ? null : parse(value.stored)
      if (parsed !== null) return { value: parsed, warning: null }
      why = typeof value === 'string' ? value : 'it does not fit this version of kx'
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { value: fresh, warning: null }
    why = messageOf(error)
  }
  const kept = setAside(file)
  return {
    value: fresh,
    warning: `What the workbench remembered could not be read (${why}); it starts afresh.${kept === null ? '' : ` The file is kept as ${kept}.`}`,
  }
}

/** What was stored, or why it is not believed. */
function decode(text: string, projectFolder: string): { readonly stored: unknown } | string {
  let whole: { v?: unknown; projectFolder?: unknown; check?: unknown; value?: unknown }
  try {
    whole = JSON.parse(text)
  } catch {
    return 'it is not whole'
  }
  if (typeof whole !== 'object' || whole === null || whole.v !== 1) return 'its version is not known'
  if (whole.projectFolder !== projectFolder) return 'it belongs to another project'
  const check = createHash('sha256')
    .update(JSON.stringify(whole.value) ?? '')
    .digest('hex')
    .slice(0, 16)
  return check === whole.check ? { stored: whole.value } : 'it was changed'
}

function setAside(file: string): string | null {
  try {
    renameSync(file, `${file}.bad`)
    return `${file}.bad`
  } catch {
    return null
  }
}
