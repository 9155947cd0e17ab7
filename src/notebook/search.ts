import { closeSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { CellRecord } from '../run/types.ts'
import { outputFileOf } from './cell-writer.ts'
import { type OutputHit, type ScanResult, scanOutputs } from './scan.ts'

export interface LiteralSearch {
  /** Folder of the run. */
  readonly folder: string
  readonly cells: readonly CellRecord[]
  readonly text: string
  /** Hits that are kept; the rest is counted. */
  readonly most: number
  readonly signal?: AbortSignal
}

/** Below so many bytes of output one thread is done before another has started. */
const worthThreads = 48 * 1024 * 1024
/** More than this share one disk and one page cache. */
const mostThreads = 4

const outputBytes = ({ ended }: CellRecord): number => (ended === null ? 0 : ended.stdoutBytes + ended.stderrBytes)

/**
 * Finds a text in the outputs of cells, byte for byte: in the order of the cells that were given. Reads every byte of
 * them; large notebooks are shared out over threads, so that keys stay answered.
 */
export async function searchLiteral({ folder, cells, text, most, signal }: LiteralSearch): Promise<ScanResult> {
  const needle = Buffer.from(text)
  const ids = cells.map(({ started }) => started.cellId).filter((id) => /^[A-Za-z0-9-]{1,64}$/.test(id))
  if (needle.length === 0) return { hits: [], count: 0, bytes: 0 }
  const total = cells.reduce((sum, cell) => sum + outputBytes(cell), 0)
  const threads = Math.min(mostThreads, availableParallelism())
  if (total < worthThreads || threads < 2) return inTurns(folder, ids, needle, most, signal)
  const parts = await Promise.all(
    share(cells, threads).map((part) => inThread({ folder, cellIds: part, needle, most }, signal)),
  )
  return joined(parts, most)
}

/** Neighbours stay together, so that hits are in order when the parts are put together; each part has as many bytes. */
function share(cells: readonly CellRecord[], count: number): string[][] {
  const total = cells.reduce((sum, cell) => sum + outputBytes(cell), 0)
  const parts: string[][] = Array.from({ length: count }, () => [])
  let before = 0
  for (const cell of cells) {
    const part = Math.min(count - 1, Math.floor((before / Math.max(1, total)) * count))
    before += outputBytes(cell)
    if (/^[A-Za-z0-9-]{1,64}$/.test(cell.started.cellId)) parts[part]?.push(cell.started.cellId)
  }
  return parts
}

function joined(parts: readonly ScanResult[], most: number): ScanResult {
  return {
    hits: parts.flatMap(({ hits }) => hits).slice(0, most),
    count: parts.reduce((sum, { count }) => sum + count, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}

async function inTurns(
  folder: string,
  ids: readonly string[],
  needle: Uint8Array,
  most: number,
  signal: AbortSignal | undefined,
): Promise<ScanResult> {
  const parts: ScanResult[] = []
  let kept = 0
  for (let at = 0; at < ids.length; at += 64) {
    signal?.throwIfAborted()
    const part = scanOutputs({ openSync, readSync, closeSync }, folder, ids.slice(at, at + 64), needle, most - kept)
    kept += part.hits.length
    parts.push(part)
    await turn()
  }
  return joined(parts, most)
}

interface Task {
  readonly folder: string
  readonly cellIds: readonly string[]
  readonly needle: Uint8Array
  readonly most: number
}

function inThread(task: Task, signal: AbortSignal | undefined): Promise<ScanResult> {
  const source = `
    const { parentPort, workerData: t } = require('node:worker_threads')
    const scan = ${scanOutputs.toString()}
    parentPort.postMessage(scan(require('node:fs'), t.folder, t.cellIds, t.needle, t.most))`
  return new Promise((resolve, reject) => {
    const worker = new Worker(source, { eval: true, workerData: task, env: {}, stdout: true, stderr: true })
    const stop = () => {
      void worker.terminate()
      reject(signal?.reason instanceof Error ? signal.reason : new Error('the search was cancelled'))
    }
    if (signal?.aborted === true) return stop()
    signal?.addEventListener('abort', stop, { once: true })
    worker.once('message', (result: ScanResult) => resolve(result))
    worker.once('error', reject)
    worker.once('exit', () => {
      signal?.removeEventListener('abort', stop)
      reject(new Error('the search ended without an answer'))
    })
  })
}

/**
 * Lines of outputs that pass a test, as they are found, cell by cell in the order given: the first are there while the
 * rest is still being read.
 */
export async function* searchLines(
  folder: string,
  cells: readonly CellRecord[],
  test: (line: string) => boolean,
  signal?: AbortSignal,
): AsyncGenerator<OutputHit> {
  let sinceTurn = 0
  for (const { started } of cells) {
    signal?.throwIfAborted()
    let text: string
    try {
      text = await readFile(outputFileOf(folder, started.cellId), 'utf8')
    } catch {
      continue
    }
    let line = 0
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at)
      const end = newline < 0 ? text.length : newline
      line += 1
      const words = text.slice(at, end)
      if (test(words)) yield { cellId: started.cellId, line, text: words.slice(0, 480) }
      at = end + 1
      sinceTurn += words.length
      if (sinceTurn > 256 * 1024) {
        sinceTurn = 0
        await turn()
        signal?.throwIfAborted()
      }
    }
  }
}
