import { BoundedBytes } from './bounded-bytes.ts'
import type { Ending, ExecResult } from './types.ts'

/** What one command printed, up to `maxBytes` a stream, and how long it took so far. */
export class Captured {
  readonly out: BoundedBytes
  readonly err: BoundedBytes
  readonly #startedAtMs = Date.now()
  readonly #began = performance.now()

  constructor(maxBytes: number) {
    this.out = new BoundedBytes(maxBytes)
    this.err = new BoundedBytes(maxBytes)
  }

  result(ending: Ending, timedOut: boolean): ExecResult {
    return {
      ending,
      timedOut,
      stdout: this.out.bytes(),
      stderr: this.err.bytes(),
      stdoutBytes: this.out.total,
      stderrBytes: this.err.total,
      startedAtMs: this.#startedAtMs,
      durationMs: performance.now() - this.#began,
    }
  }
}
