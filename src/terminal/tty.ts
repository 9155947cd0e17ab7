import { writeSync } from 'node:fs'
import type { TerminalSize } from './events.ts'

/** As wide as Node's own emitters declare it; what is passed is checked by `on`. */
type Listener = Parameters<NodeJS.EventEmitter['off']>[1]

/** The part of `process.stdin` a session needs. */
export interface TtyInput {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: string, listener: Listener): unknown
  resume(): unknown
  pause(): unknown
  ref?(): unknown
  unref?(): unknown
}

/** The part of `process.stdout` a session needs. */
export interface TtyOutput {
  readonly columns?: number
  readonly rows?: number
  readonly fd?: number
  readonly writableNeedDrain?: boolean
  readonly writableLength?: number
  write(bytes: string): boolean
  once(event: 'drain', listener: () => void): unknown
  on(event: 'resize', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  off(event: string, listener: Listener): unknown
  getWindowSize?(): [number, number]
}

/** Longest that a last write on the way out may wait for a terminal that does not read. */
const LAST_WRITE_MS = 200

/** The size the kernel reports now, or 80x24 where it does not know. */
export function sizeOf(output: TtyOutput): TerminalSize {
  const [columns, rows] = output.getWindowSize?.() ?? [output.columns, output.rows]
  return {
    columns: columns !== undefined && columns > 0 ? columns : 80,
    rows: rows !== undefined && rows > 0 ? rows : 24,
  }
}

/**
 * Node opens terminals in blocking mode: a terminal that stops reading (Ctrl-S, a dead link) would stop the event loop
 * inside `write`. Without blocking, the stream reports back pressure and the writer drops frames. Children must get the
 * terminal back in blocking mode: few programs expect EAGAIN.
 */
export function setBlocking(output: TtyOutput, isBlocking: boolean): void {
  const handle: unknown = Reflect.get(output, '_handle')
  if (typeof handle !== 'object' || handle === null) return
  const change: unknown = Reflect.get(handle, 'setBlocking')
  if (typeof change === 'function') change.call(handle, isBlocking)
}

/** Writes at once, past the stream's queue, for the way out of the process. Gives up on a terminal that is gone. */
export function writeLast(output: TtyOutput, bytes: string): void {
  if (bytes === '') return
  if (output.fd === undefined) {
    output.write(bytes)
    return
  }
  // Frame bytes still queued are lost; cancel a sequence that may have been cut in the middle.
  let rest = Buffer.from((output.writableLength ?? 0) > 0 ? `\u0018${bytes}` : bytes)
  const deadline = performance.now() + LAST_WRITE_MS
  while (rest.length > 0 && performance.now() < deadline) {
    try {
      rest = rest.subarray(writeSync(output.fd, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

/** Resolves when everything that was written has gone out, or after `mostMs`. */
export function drained(stdout: TtyOutput, mostMs: number): Promise<void> {
  if ((stdout.writableLength ?? 0) === 0) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, mostMs)
    stdout.once('drain', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
