import type { LinkState, Links } from './types.ts'

export interface LinkBook extends Links {
  put(state: LinkState): void
  remove(host: string): void
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
      states.set(state.host, state)
      changed()
    },
    remove: (host) => {
      if (states.delete(host)) changed()
    },
  }
}
