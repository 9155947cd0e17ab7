/** At most one automatic repaint in this time; those a person asks for are never held back (handbook terminal 4). */
const AUTOMATIC_GAP_MS = 250
/** A focus report repaints only when the screen was last repainted longer ago than this. */
const FOCUS_GAP_MS = 1000
/** Quiet after the last size signal before a resize counts as settled (handbook terminal 3.4). */
export const SETTLE_MS = 40
/** One look at the clocks in this time; cheap enough to be invisible in idle CPU, soon enough after a wake-up. */
const CLOCK_LOOK_MS = 5000
const CLOCK_JUMP_MS = 5000

/** Spaces out automatic repaints. The last request in a burst is never lost: it is served when the gap has passed. */
export class RepaintLimiter {
  #repaint: () => void
  #now: () => number
  #lastAtMs = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null

  constructor(repaint: () => void, now: () => number = () => performance.now()) {
    this.#repaint = repaint
    this.#now = now
  }

  /** A person asked: now. */
  demand(): void {
    this.#cancel()
    this.#lastAtMs = this.#now()
    this.#repaint()
  }

  /** A trigger asked: now, or as soon as the gap allows. */
  request(): void {
    const wait = this.#lastAtMs + AUTOMATIC_GAP_MS - this.#now()
    if (wait <= 0) this.demand()
    else this.#timer ??= setTimeout(() => this.demand(), wait).unref()
  }

  /** The terminal got the focus back. */
  focusIn(): void {
    if (this.#now() - this.#lastAtMs > FOCUS_GAP_MS) this.request()
  }

  /** A repaint happened for another reason: it counts. */
  note(): void {
    this.#lastAtMs = this.#now()
  }

  close(): void {
    this.#cancel()
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}

/** Calls back once after a burst of signals has been quiet for `SETTLE_MS`. */
export class Settler {
  #timer: NodeJS.Timeout | null = null
  #onSettled: () => void

  constructor(onSettled: () => void) {
    this.#onSettled = onSettled
  }

  signal(): void {
    if (this.#timer !== null) this.#timer.refresh()
    else
      this.#timer = setTimeout(() => {
        this.#timer = null
        this.#onSettled()
      }, SETTLE_MS)
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}

/**
 * Notices that the wall clock ran ahead of the monotonic one: the machine slept, or the clock was set. Returns what
 * stops the watch. Writes nothing and keeps no process alive.
 */
export function watchClock(onJump: () => void, lookMs: number = CLOCK_LOOK_MS): () => void {
  let offsetMs = Date.now() - performance.now()
  const timer = setInterval(() => {
    const nextMs = Date.now() - performance.now()
    const hasJumped = nextMs - offsetMs > CLOCK_JUMP_MS
    offsetMs = nextMs
    if (hasJumped) onJump()
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}
