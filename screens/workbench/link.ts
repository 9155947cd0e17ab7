import { isLost, type LinkView, linkWords } from '../../src/session/link-words.ts'
import type { ScreenInput } from './input.ts'
import type { Span } from './model.ts'

/** Host that the open run is on: where it was launched, or where its plan would launch it. */
export function hostOfRun(input: Pick<ScreenInput, 'run' | 'plan'>): string | undefined {
  const planned = input.plan.status === 'ok' ? input.plan.loaded.plan.hosts[0] : undefined
  return input.run?.latest.Receipt?.host?.host ?? planned
}

/** Link to the host of the open run; null for this machine, and where none is open. */
export function linkOfRun(input: Pick<ScreenInput, 'run' | 'plan' | 'links'>): LinkView | null {
  const host = hostOfRun(input)
  return input.links?.find((link) => link.host === host) ?? null
}

/** A link of the run's host that was there and is not, or not surely: figures from behind it are old. */
export function lostLink(input: Pick<ScreenInput, 'run' | 'plan' | 'links'>): LinkView | null {
  const link = linkOfRun(input)
  return link !== null && isLost(link) ? link : null
}

/** The link in the title: a word that is enough when it is up, and what a person can do when it waits for one. */
export function linkSpan(input: ScreenInput, isShort: boolean): Span | null {
  const link = linkOfRun(input)
  if (link === null || (isShort && link.status.state === 'up')) return null
  const words = linkWords(link, input.nowMs, input.reconnectKey, isShort)
  return { text: `  ${words}`, token: isLost(link) ? 'state.stale' : 'text.muted' }
}
