import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { JournalCursor } from '../../src/run/journal-line.ts'
import type { Note } from '../../src/run/payloads.ts'
import type { JournalRecord } from '../../src/run/types.ts'

const children: ChildProcess[] = []

/** Ends every worker that was started and still runs. */
export function killWorkers(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL')
}

export interface Worker {
  readonly child: ChildProcess
  /** Lines it has printed so far. */
  readonly lines: string[]
  /** Seconds from its start to its first line, which says that the run is open; null while there is none. */
  readonly firstLineSeconds: number | null
  /** Resolves with the line that fits, or null when the process ended without it. */
  waitFor(fits: (line: string, index: number) => boolean): Promise<string | null>
  tell(line: string): void
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>
}

export function startWorker(args: readonly string[], env: Record<string, string> = {}): Worker {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'worker.ts'), ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Each start would strip the types of the same hundred modules anew.
    env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: join(tmpdir(), 'kx-crash-compile'), ...env },
  })
  children.push(child)
  const startedMs = performance.now()
  let firstLineSeconds: number | null = null
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let isOver = false
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  child.stdin.on('error', () => undefined)
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => {
    firstLineSeconds ??= (performance.now() - startedMs) / 1000
    lines.push(line)
    for (const look of [...waiting]) look()
  })
  const drained = new Promise<void>((resolve) => reader.once('close', resolve))
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => {
    child.once('close', (code, signal) => {
      void drained.then(() => {
        isOver = true
        for (const look of [...waiting]) look()
        resolve({ code, signal, stderr })
      })
    })
  })
  return {
    child,
    lines,
    get firstLineSeconds() {
      return firstLineSeconds
    },
    ended,
    tell: (line) => void child.stdin.write(`${line}\n`),
    waitFor: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = lines.find(fits)
          if (found === undefined && !isOver) return
          waiting.delete(look)
          resolve(found ?? null)
        }
        waiting.add(look)
        look()
      }),
  }
}

export interface ReadJournal {
  readonly records: readonly JournalRecord[]
  readonly leftBytes: number
}

/** The whole journal, read and checked line by line, without opening the run. */
export function readJournal(folder: string): ReadJournal & { readonly cursor: JournalCursor } {
  const cursor = new JournalCursor()
  return { ...cursor.take(readFileSync(join(folder, 'journal.jsonl'))), cursor }
}

export const notesOf = (records: readonly JournalRecord[]): string[] =>
  records.filter((r) => r.kind === 'note').map((r) => (r.payload as Note).text)
