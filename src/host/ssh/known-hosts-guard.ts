import { readKeyBlob } from './known-hosts-key.ts'

/** What ssh2 takes as `hostVerifier`: it must return nothing and call back once, with `true` or `false`. */
export type Ssh2HostVerifier = (key: Buffer, verify: (isAccepted: boolean) => void) => undefined

export interface GuardOptions {
  /** How long a decision may take; a person may be asked meanwhile. Then: no. Default 120. */
  readonly timeoutSeconds?: number
  /** Told why a key was refused, once a refusal. */
  readonly onRefused?: (why: string) => void
}

const defaultTimeoutSeconds = 120
const longestTimeoutSeconds = 86_400

/**
 * Makes ssh2's host check fail closed (handbook ssh T1: without this, 9 of 13 ways to say no were taken as yes). Only a
 * decision that is literally `true` accepts; a throw, a rejection, silence, and everything that merely looks true refuse.
 *
 * ssh2 asks again at every rekey: a key that was accepted is accepted again without asking, any other one is refused.
 *
 * @throws TypeError when there is nothing that could decide
 */
export function failClosedVerifier(
  decide: (key: Buffer) => boolean | Promise<boolean>,
  options: GuardOptions = {},
): Ssh2HostVerifier {
  if (typeof decide !== 'function') throw new TypeError('An SSH connection needs something that checks the host key')
  const seconds = options.timeoutSeconds ?? defaultTimeoutSeconds
  if (!(seconds > 0 && seconds <= longestTimeoutSeconds)) throw new TypeError(`${seconds} s is no time limit`)
  let accepted: Buffer | null = null

  return (key, verify) => {
    let isAnswered = false
    let timer: NodeJS.Timeout | undefined
    const answer = (decision: unknown, why: string) => {
      if (isAnswered) return
      isAnswered = true
      clearTimeout(timer)
      const isAccepted = decision === true
      if (isAccepted) accepted = Buffer.from(key)
      else tell(options.onRefused, why)
      verify(isAccepted)
    }

    if (!Buffer.isBuffer(key) || readKeyBlob(key) === null) {
      answer(false, 'The host showed something that is no host key.')
      return
    }
    if (accepted !== null) {
      answer(accepted.equals(key), 'The host showed another key in the middle of a connection.')
      return
    }
    timer = setTimeout(() => answer(false, `Nobody decided on the host key within ${seconds} s.`), seconds * 1000)
    let decision: unknown
    try {
      decision = decide(key)
    } catch {
      answer(false, 'The check of the host key failed.')
      return
    }
    if (typeof decision === 'boolean') {
      answer(decision, 'The host key was refused.')
      return
    }
    // Whatever else was returned: only a real promise may still become `true`.
    if (!(decision instanceof Promise)) {
      answer(false, 'The check of the host key gave no answer.')
      return
    }
    const failed = () => answer(false, 'The check of the host key failed.')
    try {
      // Not the promise's own `then`, which may have been replaced.
      Promise.prototype.then.call(decision, (later: unknown) => answer(later, 'The host key was refused.'), failed)
    } catch {
      failed()
    }
  }
}

function tell(listener: GuardOptions['onRefused'], why: string): void {
  try {
    listener?.(why)
  } catch {
    // A listener that throws must not turn a refusal into something else.
  }
}
