import { nextAgeChangeMs } from '../../src/text/format.ts'
import type { Controller } from './controller.ts'

/**
 * The one timer. While a run is live it looks at it every `refreshSeconds`; otherwise it sleeps until the oldest age on
 * screen reads differently. With neither there is no timer at all.
 */
export function startClock(controller: Controller, refreshSeconds: () => number): () => void {
  let timer: NodeJS.Timeout | null = null
  let isStopped = false
  const plan = () => {
    if (isStopped) return
    if (timer !== null) clearTimeout(timer)
    timer = null
    const wait = controller.isRunLive ? refreshSeconds() * 1000 : nextTickMs(controller)
    if (wait === null) return
    timer = setTimeout(() => {
      // A look draws once, at its end, with all ages as they are then.
      if (!controller.isRunLive || !controller.autoTick()) controller.tick()
      plan()
    }, wait)
    timer.unref()
  }
  let wasLive = controller.isRunLive
  const unsubscribe = controller.subscribe(() => {
    if (controller.isRunLive !== wasLive || timer === null) {
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
