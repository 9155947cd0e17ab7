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

const mib = 1024 * 1024
/** A channel brings at most its window a round trip, which is 2 MiB where nobody chose another (handbook ssh 2.2). */
const usualWindowBytes = 2 * mib
/** Below this the usual window does not hold up the link: 2 MiB in 15 ms are more than the ciphers here give. */
const farMilliseconds = 15
/** What a far link may need to be filled; above it processors are what is slow. */
const fastestBytesPerSecond = 256 * mib
/** So much waits in memory at most when the disk here does not keep up. */
const mostWindowBytes = 32 * mib
/** Servers take ten channels of a connection; some are left to commands. */
const mostLanes = 5

/** How a large file is best read over a link. */
export interface Reading {
  /** Streams side by side. */
  readonly lanes: number
  /** Bytes of each that may be on their way at once, where the transport lets it be chosen. */
  readonly windowBytes: number
}

/**
 * By the milliseconds of a round trip. With ssh2 one stream has as wide a window as it needs: twice what is on its way at
 * full speed, as the server hears of more room a round trip late. Over the system's ssh the window is fixed, so that a far
 * link takes several streams.
 */
export function readingFor(milliseconds: number, kind: Host['kind']): Reading {
  if (milliseconds < farMilliseconds) return { lanes: 1, windowBytes: usualWindowBytes }
  if (kind !== 'ssh') return { lanes: Math.min(mostLanes, Math.ceil(milliseconds / 12)), windowBytes: usualWindowBytes }
  const needed = Math.ceil((2 * fastestBytesPerSecond * milliseconds) / 1000 / mib) * mib
  return { lanes: 1, windowBytes: Math.min(mostWindowBytes, needed) }
}
