/** Sessions that may be open at once over one connection. One is kept: a kill never waits behind what it is to end. */
export class Slots {
  #limit: number
  #used = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
  }

  get used(): number {
    return this.#used
  }

  get limit(): number {
    return this.#limit
  }

  /** Gives a session as soon as there is one; null when `signal` came first. Give it back by calling the result. */
  take(signal: AbortSignal, isKept = false): Promise<(() => void) | null> {
    const most = () => (isKept ? this.#limit : Math.max(1, this.#limit - 1))
    if (signal.aborted) return Promise.resolve(null)
    if (isKept || (this.#used < most() && this.#waiting.length === 0)) return Promise.resolve(this.#give())
    return new Promise((resolve) => {
      const onAbort = () => {
        const at = this.#waiting.indexOf(next)
        if (at >= 0) this.#waiting.splice(at, 1)
        resolve(null)
      }
      const next = () => {
        signal.removeEventListener('abort', onAbort)
        resolve(this.#give())
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(next)
    })
  }

  /** The server allows fewer than was thought: as many as are open beside the refused one, or one. */
  lower(): void {
    this.#limit = Math.max(1, Math.min(this.#limit, this.#used - 1))
  }

  #give(): () => void {
    this.#used += 1
    let isBack = false
    return () => {
      if (isBack) return
      isBack = true
      this.#used -= 1
      while (this.#waiting.length > 0 && this.#used < Math.max(1, this.#limit - 1)) this.#waiting.shift()?.()
    }
  }
}
