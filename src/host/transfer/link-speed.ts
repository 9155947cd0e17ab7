import type { Host } from '../types.ts'

const known = new WeakMap<Host, Promise<number>>()

/** Milliseconds of a round trip to the host, the shortest of three, measured once a connection. Zero on this machine. */
export function roundTripMs(host: Host): Promise<number> {
  if (host.kind === 'local') return Promise.resolve(0)
  const found = known.get(host) ?? measure(host)
  known.set(host, found)
  return found
}

async function measure(host: Host): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 3; i += 1) {
    const ran = await host.script('exit 0', [], { isRepeated: true, timeoutSeconds: 30 })
    if (ran.ending.kind !== 'exited') known.delete(host)
    else best = Math.min(best, ran.durationMs)
  }
  return Number.isFinite(best) ? best : 0
}

/** One channel brings at most its window of 2 MiB a round trip (handbook ssh 2.2): how many of them a far link is given. */
export function lanesFor(milliseconds: number): number {
  // Below this one stream is not held up by the link: 2 MiB in 15 ms are more than the ciphers here give.
  if (milliseconds < 15) return 1
  return Math.min(mostLanes, Math.ceil(milliseconds / 12))
}

/** Servers take ten channels of a connection; some are left to commands. */
const mostLanes = 5
