import { checkHostKey, type HostKeyKind, type HostKeyVerdict } from './known-hosts.ts'
import type { KnownHostsFile } from './known-hosts-file.ts'
import { readKeyBlob } from './known-hosts-key.ts'
import type { HostKeyTarget } from './known-hosts-match.ts'
import { judgePin, type Pins, type PinTarget, type PinVerdict } from './pins.ts'

export interface VerifierTarget extends HostKeyTarget, PinTarget {
  /** `RequiredRSASize` */
  readonly requiredRsaBits?: number
}

export interface HostVerdict {
  /** Only this decides. */
  readonly isAccepted: boolean
  /** `match` when it is accepted and never otherwise; else what the files say, or `changed` when it is another machine. */
  readonly kind: HostKeyKind
  /** `words` in one text. */
  readonly advice: string
  /** A person may confirm this key after comparing it; nothing else may be overridden. */
  readonly canBeConfirmed: boolean
  readonly known: HostKeyVerdict
  /** Null when the key could not be read. */
  readonly pin: PinVerdict | null
  /** What to tell the person; empty when all is as it was. */
  readonly words: readonly string[]
}

export type HostVerifier = (keyType: string, keyBase64: string) => HostVerdict

/**
 * Decides on a host key by what ssh's files know and by which machine was seen (architecture 5). Never waits, never asks,
 * and gives the same answer at every rekey.
 *
 * - known_hosts matches: accepted, unless the pins say that this is not the machine the alias means. Runs are bound to
 *   machines, and an address, known or not, is none.
 * - known_hosts knows nothing, but the alias's own machine answers, here or at a new address: accepted.
 * - revoked, changed, for OpenSSH alone: refused, whatever the pins say.
 */
export function hostVerifier(target: VerifierTarget, files: readonly KnownHostsFile[], pins: Pins): HostVerifier {
  return (keyType, keyBase64) => {
    const shown = { type: keyType, base64: keyBase64 }
    const known = checkHostKey(files, target, shown, target.requiredRsaBits)
    const { fingerprint } = known
    const pin = fingerprint === null ? null : judgePin(pins, target, { type: known.keyType, fingerprint })
    const isAccepted = accepts(known, pin, pins)
    const canBeConfirmed = known.kind === 'unknown' && !isAccepted && pin !== null && pin.kind !== 'other'
    const kind = isAccepted ? 'match' : known.kind === 'match' ? 'changed' : known.kind
    const said = [
      pin?.words ?? '',
      ...(isAccepted ? [] : [known.advice]),
      ...(known.kind === 'match' ? [] : pins.suspects),
      ...known.warnings,
    ]
    const words = said.filter((word) => word !== '')
    return { isAccepted, kind, advice: words.join(' '), canBeConfirmed, known, pin, words }
  }
}

function accepts(known: HostKeyVerdict, pin: PinVerdict | null, pins: Pins): boolean {
  if (pin === null || pin.kind === 'other') return false
  if (known.kind === 'match') return true
  // What cannot be read may say that the key belongs to someone else.
  if (known.kind !== 'unknown' || pins.suspects.length > 0) return false
  return pin.kind === 'same' || pin.kind === 'moved'
}

/** The same decision for a key as it comes over the wire. A key that cannot be read is refused. */
export function verdictOnBlob(verifier: HostVerifier, blob: Uint8Array): HostVerdict {
  const type = readKeyBlob(blob)?.type ?? ''
  return verifier(type, Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength).toString('base64'))
}
