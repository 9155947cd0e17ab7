/** A time limit that stands still while a person is asked. */
export class Deadline {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #why: () => Error
  #leftMs: number
  #startedAt = 0
  #timer: NodeJS.Timeout | undefined
  #pauses = 0
  #isOver = false

  constructor(seconds: number, why: () => Error) {
    this.signal = this.#controller.signal
    this.#leftMs = seconds * 1000
    this.#why = why
    this.#start()
  }

  /** Runs something that does not count. */
  async paused<T>(work: () => Promise<T>): Promise<T> {
    this.#pauses += 1
    if (this.#pauses === 1) {
      clearTimeout(this.#timer)
      this.#leftMs -= performance.now() - this.#startedAt
    }
    try {
      return await work()
    } finally {
      this.#pauses -= 1
      if (this.#pauses === 0) this.#start()
    }
  }

  /** Ends it early: what is raced against it fails with this error. */
  fail(error: Error): void {
    if (!this.#isOver) this.#controller.abort(error)
  }

  clear(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  /** What comes first: the work, or the end of the time. Work that is late is left to `onLate`. */
  race<T>(work: Promise<T>, onLate?: (value: T) => void): Promise<T> {
    return raceSignal(work, this.signal, onLate)
  }

  #start(): void {
    if (this.#isOver) return
    this.#startedAt = performance.now()
    this.#timer = setTimeout(() => this.fail(this.#why()), Math.max(0, this.#leftMs))
  }
}

/** What comes first: the work, or the abort, which rejects with its reason. A late value goes to `onLate`. */
export function raceSignal<T>(work: Promise<T>, signal: AbortSignal, onLate?: (value: T) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let isSettled = false
    const onAbort = () => {
      if (isSettled) return
      isSettled = true
      reject(signal.reason)
    }
    const settle = (act: () => void, late?: () => void) => {
      if (isSettled) return late?.()
      isSettled = true
      signal.removeEventListener('abort', onAbort)
      act()
    }
    work.then(
      (value) =>
        settle(
          () => resolve(value),
          () => onLate?.(value),
        ),
      (error) => settle(() => reject(error)),
    )
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}

/** Bounds one call that may never call back (handbook ssh T6). */
export async function within<T>(
  work: Promise<T>,
  seconds: number,
  why: () => Error,
  onLate?: (value: T) => void,
): Promise<T> {
  const deadline = new Deadline(seconds, why)
  try {
    return await deadline.race(work, onLate)
  } finally {
    deadline.clear()
  }
}
