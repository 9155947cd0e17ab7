import type { Ending, HostProcess, ProcessIdentity, SpawnOptions } from '../types.ts'
import { inputWindowBytes, type ToAsk } from './messages.ts'

/** A process that runs on a host which another process or thread has: its streams are messages. */
export class ProxiedProcess implements HostProcess {
  identity: ProcessIdentity | null = null
  readonly ending: Promise<Ending>
  readonly #id: number
  readonly #ask: (asked: ToAsk) => void
  readonly #options: SpawnOptions
  readonly #ended = Promise.withResolvers<Ending>()
  /** What came while the caller had asked to wait; at most one window of it. */
  readonly #queue: { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }[] = []
  #isPaused = false
  #isLetGo = false
  #last: Ending | null = null
  #inputUnderWay = 0
  #drained: PromiseWithResolvers<void> | null = null

  constructor(id: number, ask: (asked: ToAsk) => void, options: SpawnOptions) {
    this.#id = id
    this.#ask = ask
    this.#options = options
    this.ending = this.#ended.promise
  }

  write(bytes: Uint8Array | string): boolean {
    if (this.#last !== null) return true
    const chunk = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes
    this.#inputUnderWay += chunk.byteLength
    this.#ask({ kind: 'input', id: this.#id, bytes: chunk })
    return this.#inputUnderWay < inputWindowBytes
  }

  drained(): Promise<void> {
    if (this.#inputUnderWay < inputWindowBytes || this.#last !== null) return Promise.resolve()
    this.#drained ??= Promise.withResolvers<void>()
    return this.#drained.promise
  }

  endInput(): void {
    this.#ask({ kind: 'end-input', id: this.#id })
  }

  /** Nothing that was handed over is acknowledged while it waits, so the source stands still within one window. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      this.#hand(next.stream, next.bytes)
      if (this.#isPaused) return
    }
    if (this.#last !== null) this.#ended.resolve(this.#last)
  }

  close(): void {
    this.#isLetGo = true
    this.#ask({ kind: 'let-go', id: this.#id })
    this.resume()
  }

  take(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    if (this.#isPaused) this.#queue.push({ stream, bytes })
    else this.#hand(stream, bytes)
  }

  tookInput(count: number): void {
    this.#inputUnderWay -= count
    if (this.#inputUnderWay < inputWindowBytes) this.#freeInput()
  }

  /** Told once all output is handed over, also when the caller lets it wait. */
  end(ending: Ending): void {
    if (this.#last !== null) return
    this.#last = ending
    this.#freeInput()
    if (this.#queue.length === 0) this.#ended.resolve(ending)
  }

  #hand(stream: 'stdout' | 'stderr', bytes: Uint8Array): void {
    this.#ask({ kind: 'took', id: this.#id, count: bytes.byteLength })
    if (this.#isLetGo) return
    if (stream === 'stdout') this.#options.onStdout(bytes)
    else this.#options.onStderr(bytes)
  }

  #freeInput(): void {
    this.#drained?.resolve()
    this.#drained = null
  }
}
