interface Waiting {
  readonly give: () => void
  readonly refuse: (error: Error) => void
}

/**
 * Turns at the channels of one connection, first come first served. A server refuses channels beyond its limit (10 by
 * default, sometimes 1), so what comes later waits here.
 */
export class Slots {
  #limit: number
  #taken = 0
  #waiting: Waiting[] = []
  #error: Error | null = null

  constructor(limit: number) {
    this.#limit = limit
  }

  get limit(): number {
    return this.#limit
  }

  get taken(): number {
    return this.#taken
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** A turn; its end is told by the function that comes back. `isFirst`: before all others that wait. */
  async take(signal: AbortSignal, isFirst = false): Promise<() => void> {
    if (this.#error !== null) throw this.#error
    signal.throwIfAborted()
    if (this.#taken >= this.#limit || (!isFirst && this.#waiting.length > 0)) await this.#wait(signal, isFirst)
    else this.#taken += 1
    let isDone = false
    return () => {
      if (isDone) return
      isDone = true
      this.#taken -= 1
      this.#next()
    }
  }

  /** The server takes fewer than was thought. */
  lower(limit: number): void {
    this.#limit = Math.max(1, Math.min(this.#limit, limit))
  }

  /** Everybody who waits, and whoever comes, gets this error. */
  fail(error: Error): void {
    this.#error = error
    for (const each of this.#waiting.splice(0)) each.refuse(error)
  }

  #wait(signal: AbortSignal, isFirst: boolean): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting = this.#waiting.filter((each) => each !== waiting)
        reject(signal.reason)
      }
      const waiting: Waiting = {
        give: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      if (isFirst) this.#waiting.unshift(waiting)
      else this.#waiting.push(waiting)
    })
  }

  #next(): void {
    while (this.#taken < this.#limit) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#taken += 1
      next.give()
    }
  }
}
