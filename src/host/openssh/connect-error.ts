import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'
import { passphraseOf } from './questions.ts'

export type ConnectFailure = 'authentication' | 'host-key' | 'refused' | 'unreachable' | 'name' | 'settings' | 'other'

const signs: readonly (readonly [RegExp, ConnectFailure, string])[] = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key for .* has changed|No matching host key|REVOKED HOST KEY/i,
    'host-key',
    'Compare its host key by another way before you trust it, then add it to known_hosts.',
  ],
  [
    /Permission denied|Too many authentication failures|Authentication failed|no mutual signature|incorrect passphrase/i,
    'authentication',
    'Check user and key. kx does not try again by itself: failed logins can lock you out.',
  ],
  [/Connection refused/i, 'refused', 'Check address and port, and whether the host still starts.'],
  [
    /timed out|No route to host|Network is unreachable|Connection reset|Connection closed|Broken pipe/i,
    'unreachable',
    'Check the network and whether the host is up. It may be unreachable and well.',
  ],
  [/Could not resolve hostname/i, 'name', 'Check the name, or the alias in ~/.ssh/config.'],
  [
    /Bad configuration option|bad configuration|unsupported option|Missing argument/i,
    'settings',
    'Correct the setting of ssh.',
  ],
]

/** A connection that could not be made: nothing was run. */
export class ConnectError extends HostError {
  readonly failure: ConnectFailure

  constructor(name: string, failure: ConnectFailure, why: string, next: string) {
    super(`Cannot connect to ${name}: ${why}${/[.!?]$/.test(why) ? '' : '.'} ${next}`, 'ECONNECT')
    this.name = 'ConnectError'
    this.failure = failure
  }

  /** True when the same attempt would do harm, or the same answer, until a person changed something. */
  get isFinal(): boolean {
    return ['authentication', 'host-key', 'settings'].includes(this.failure)
  }
}

/** Reads from what `ssh` said why it did not connect. `unanswered`: what it asked, and nobody answered. */
export function connectError(name: string, said: string, unanswered: string | null = null): ConnectError {
  const sign = signs.find(([pattern]) => pattern.test(said))
  // The first line tells the cause; what follows are consequences. A changed host key is a whole box of text.
  const lines = said.split('\n').map((line) => sanitiseLine(line, 300).trim())
  const line = lines.find((each) => sign?.[0].test(each)) ?? lines.find((each) => /[a-z]/.test(each))
  if (sign?.[1] === 'host-key' && /REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said))
    return new ConnectError(name, 'host-key', 'its host key is not the one in known_hosts', sign[2])
  if (sign?.[1] === 'authentication' && unanswered !== null) {
    const key = passphraseOf(unanswered)
    return key === null
      ? new ConnectError(
          name,
          'authentication',
          `ssh asked "${sanitiseLine(unanswered, 200)}" and nobody answered`,
          'Start kx on a terminal, then try again.',
        )
      : new ConnectError(
          name,
          'authentication',
          `the passphrase of ${sanitiseLine(key, 200)} is needed`,
          'Add it to the agent (ssh-add), or start kx on a terminal, then try again.',
        )
  }
  return new ConnectError(
    name,
    sign?.[1] ?? 'other',
    line ?? 'ssh said nothing',
    sign?.[2] ?? 'Try `ssh -v` to the same target to see more.',
  )
}
