/** Seconds of a link. Source: handbook ssh 8.1. */
export interface SshTiming {
  /** One try to connect, all hops, without the time in which a person is asked. */
  readonly connectSeconds: number
  /** Opening one channel. */
  readonly openSeconds: number
  readonly controlKeepaliveSeconds: number
  readonly bulkKeepaliveSeconds: number
  /** A nonce is echoed by a shell there this often. */
  readonly heartbeatSeconds: number
  /** Silence after which what is known counts as old. Beats come more often than that. */
  readonly staleSeconds: number
  /** Silence after which the control link is declared dead: three keepalives and one more interval. */
  readonly controlDeadSeconds: number
  readonly bulkDeadSeconds: number
  readonly shortestBackoffSeconds: number
  readonly longestBackoffSeconds: number
  /** A link that was up for so long may fail anew from the beginning. */
  readonly settledSeconds: number
  readonly tickSeconds: number
  /** Tries in a row before the link pauses. */
  readonly tries: number
}

export const sshTiming: SshTiming = {
  connectSeconds: 60,
  openSeconds: 60,
  controlKeepaliveSeconds: 9,
  bulkKeepaliveSeconds: 30,
  heartbeatSeconds: 5,
  staleSeconds: 12,
  controlDeadSeconds: 36,
  bulkDeadSeconds: 150,
  shortestBackoffSeconds: 1,
  longestBackoffSeconds: 30,
  settledSeconds: 60,
  tickSeconds: 1,
  tries: 10,
}

/** The same with every duration times `factor`: a clock that runs faster or slower. */
export function scaledTiming(factor: number, timing: SshTiming = sshTiming): SshTiming {
  const entries = Object.entries(timing).map(([name, value]) => [name, name === 'tries' ? value : value * factor])
  return { ...timing, ...Object.fromEntries(entries) }
}

/**
 * Seconds to wait before a try (1 is the first after a loss), full jitter: anything between nothing and a bound that
 * doubles. Many kx behind one address then do not come back at the same moment.
 *
 * @param random between 0 and 1
 */
export function backoffSeconds(tries: number, random: number, timing: SshTiming = sshTiming): number {
  const bound = timing.shortestBackoffSeconds * 2 ** Math.min(30, Math.max(0, tries - 1))
  return random * Math.min(timing.longestBackoffSeconds, bound)
}
