import { isLost, type LinkView, linkWords } from '../../src/session/link-words.ts'
import type { ScreenInput } from './input.ts'
import type { Span } from './model.ts'

/** Host that the open run is on: where it was launched, or where its plan would launch it. */
export function hostOfRun(input: Pick<ScreenInput, 'run' | 'plan'>): string | undefined {
  const planned = input.plan.status === 'ok' ? input.plan.loaded.plan.hosts[0] : undefined
  return input.run?.latest.Receipt?.host?.host ?? planned
}

/** Hosts of a plan for several; of such a run each host is judged by its own link, where its figures stand. */
const planned = (input: Pick<ScreenInput, 'plan'>) =>
  input.plan.status === 'ok' ? input.plan.loaded.plan.hosts.filter((host) => host !== 'local') : []

/** Link to the one host of the open run; null for this machine, for several hosts, and where none is open. */
export function linkOfRun(input: Pick<ScreenInput, 'run' | 'plan' | 'links'>): LinkView | null {
  if (planned(input).length > 1) return null
  const host = hostOfRun(input)
  return input.links?.find((link) => link.host === host) ?? null
}

/**
 * A link of the run's host that was there and is not, or not surely, or is back and nobody has looked since: figures from
 * behind it are old.
 */
export function lostLink(input: Pick<ScreenInput, 'run' | 'plan' | 'links' | 'observation'>): LinkView | null {
  const link = linkOfRun(input)
  if (link === null) return null
  const backAtMs = link.backAtMs ?? null
  const isOfBefore = backAtMs !== null && (input.observation?.atMs ?? backAtMs) < backAtMs
  return isLost(link) || isOfBefore ? link : null
}

/** The link in the title: a word that is enough when it is up, and what a person can do when it waits for one. */
export function linkSpan(input: ScreenInput, isShort: boolean): Span | null {
  if (planned(input).length > 1) return fleetSpan(input)
  const link = linkOfRun(input)
  if (link === null || (isShort && link.status.state === 'up')) return null
  const words = linkWords(link, input.nowMs, input.reconnectKey, isShort)
  return { text: `  ${words}`, token: isLost(link) ? 'state.stale' : 'text.muted' }
}

/** Of several hosts only those are told whose link is not up. */
function fleetSpan(input: ScreenInput): Span | null {
  const hosts = planned(input)
  const lost = (input.links ?? []).filter((link) => hosts.includes(link.host) && isLost(link))
  const waits = lost.filter((link) => link.status.state === 'paused').length
  if (lost.length === 0) return null
  const key = waits === 0 || (input.reconnectKey ?? '') === '' ? '' : `, ${input.reconnectKey} goes on`
  return { text: `  ${lost.length} of ${hosts.length} links lost${key}`, token: 'state.stale' }
}
