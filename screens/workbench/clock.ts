import { nextAgeChangeMs } from '../../src/text/format.ts'
import type { Controller } from './controller.ts'

/** Ages of a lost link and the countdown to the next try. */
const countMs = 1000

/**
 * The one timer. While a run is live it looks at it every `refreshSeconds`; otherwise it sleeps until the oldest age on
 * screen reads differently. While a link is lost its age is drawn every second. With none of them there is no timer at all.
 */
export function startClock(controller: Controller, refreshSeconds: () => number): () => void {
  let timer: NodeJS.Timeout | null = null
  let isStopped = false
  const plan = () => {
    if (isStopped) return
    if (timer !== null) clearTimeout(timer)
    timer = null
    const now = performance.now()
    const look = controller.isRunLive ? Math.max(0, lookedAt + refreshSeconds() * 1000 - now) : nextTickMs(controller)
    const count = controller.isCounting ? countMs : null
    if (look === null && count === null) return
    timer = setTimeout(
      () => {
        const isDue = performance.now() - lookedAt >= refreshSeconds() * 1000 - 1
        if (isDue) lookedAt = performance.now()
        // A look draws once, at its end, with all ages as they are then.
        if (!isDue || !controller.isRunLive || !controller.autoTick()) controller.tick()
        plan()
      },
      Math.min(look ?? Number.POSITIVE_INFINITY, count ?? Number.POSITIVE_INFINITY),
    )
    timer.unref()
  }
  let lookedAt = performance.now()
  let wasLive = controller.isRunLive
  let wasCounting = controller.isCounting
  const unsubscribe = controller.subscribe(() => {
    if (controller.isRunLive !== wasLive || controller.isCounting !== wasCounting || timer === null) {
      wasCounting = controller.isCounting
      const hasBegun = controller.isRunLive && !wasLive
      wasLive = controller.isRunLive
      plan()
      // What was launched just now, or was found running, is looked at without waiting for a first tick.
      if (hasBegun) controller.autoTick()
    }
  })
  plan()
  return () => {
    isStopped = true
    unsubscribe()
    if (timer !== null) clearTimeout(timer)
  }
}

/** When the oldest visible age changes its text; null where no age is shown. Idle screens redraw at most once a minute. */
function nextTickMs(controller: Controller): number | null {
  const oldest = controller.youngestAgeMs()
  return oldest === null ? null : Math.max(60_000, nextAgeChangeMs(oldest))
}
