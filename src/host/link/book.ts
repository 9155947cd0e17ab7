import type { SshState } from '../ssh/types.ts'
import type { LinkState, Links } from './types.ts'

export interface LinkBook extends Links {
  put(state: LinkState): void
  remove(host: string): void
}

/** States in which nothing that is shown of the host is known to be so now. */
const silent: readonly SshState[] = ['stale', 'down', 'paused']

/** The link was there and is not, or not surely: what was seen through it is old, and nothing is known of now. */
export function isLost({ status }: LinkState): boolean {
  return silent.includes(status.state) || (status.state === 'connecting' && status.tries > 1)
}

/** The states of links by host name; whoever opens a link writes them down here. */
export function createLinkBook(): LinkBook {
  const states = new Map<string, LinkState>()
  const listeners = new Set<() => void>()
  let all: readonly LinkState[] = []
  const changed = () => {
    all = [...states.values()]
    for (const listener of [...listeners]) listener()
  }
  return {
    get: (host) => states.get(host) ?? null,
    all: () => all,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    put: (state) => {
      const before = states.get(state.host) ?? null
      const isBack = state.status.state === 'up' && before !== null && isLost(before)
      states.set(state.host, { ...state, backAtMs: isBack ? state.status.sinceMs : (before?.backAtMs ?? null) })
      changed()
    },
    remove: (host) => {
      if (states.delete(host)) changed()
    },
  }
}
