import { isLost } from '../host/link/book.ts'
import type { LinkState } from '../host/link/types.ts'
import { formatAge } from '../text/format.ts'

/** What screens, commands and plain output know of a link. */
export type LinkView = LinkState

export { isLost }

/** Nobody tries now: the next try comes later, or when a person says so. */
export const isWaiting = ({ status }: LinkView): boolean => status.state === 'down' || status.state === 'paused'

/**
 * How a link is, in a few words: `link up`, `link stale, heard 14 s ago`, `link down, next try in 7 s`.
 *
 * @param key that goes on after a pause; empty where there is none
 * @param isShort without the age of what was heard
 */
export function linkWords({ status }: LinkView, nowMs: number, key = '', isShort = false): string {
  const { state, heardAtMs, nextTryAtMs } = status
  const heard = heardAtMs === null || isShort ? '' : `, heard ${ago(nowMs - heardAtMs)}`
  switch (state) {
    case 'stale':
      return `link stale${heard}`
    case 'down':
      return `link down${heard}${nextTryAtMs === null ? '' : `, next try ${soon(nextTryAtMs - nowMs)}`}`
    case 'paused':
      return `link paused${heard}${key === '' ? '' : `, ${key} goes on`}`
    case 'connecting':
      return status.tries > 1 ? `link down, try ${status.tries} now` : 'connecting'
    case 'up':
      return 'link up'
    case 'idle':
      return 'not connected yet'
    case 'closed':
      return 'link closed'
  }
}

/** Seconds as they are: a link is stale after twelve of them, so coarse ages would say nothing. */
const ago = (ageMs: number) => (ageMs < 60_000 ? `${Math.max(0, Math.floor(ageMs / 1000))} s ago` : formatAge(ageMs))

const soon = (inMs: number) => (inMs <= 0 ? 'now' : `in ${Math.ceil(inMs / 1000)} s`)

/** The same for a script. Ages in seconds, null where there is nothing to tell. */
export function linkData({ host, transport, status }: LinkView, nowMs: number) {
  const seconds = (atMs: number | null, sign: 1 | -1) =>
    atMs === null ? null : Math.max(0, Math.round((sign * (atMs - nowMs)) / 1000))
  return {
    host,
    transport,
    state: status.state,
    isKnown: status.state === 'up',
    reason: status.reason === '' ? null : status.reason,
    problem: status.problem,
    heardSecondsAgo: seconds(status.heardAtMs, -1),
    nextTryInSeconds: seconds(status.nextTryAtMs, 1),
    tries: status.tries,
    keyExchange: status.keyExchange,
  }
}
