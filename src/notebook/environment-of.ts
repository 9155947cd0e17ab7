import { sha256Hex } from '../run/journal-line.ts'
import type { RunState } from '../run/types.ts'
import type { Digests } from '../walk/proof.ts'

/**
 * Fingerprint of what an act runs in: the hardware class that the newest audit of its host found, and the digest of the
 * files that decide its packages and settings. Two cells of one fingerprint ran in the same surroundings, as far as kx
 * knows them. Null: nothing of them is known.
 */
export function environmentOf(state: Pick<RunState, 'proofs'>, host: string | null, digests: Digests): string | null {
  const audit = state.proofs.findLast(
    ({ kind, host: of }) => kind === 'AuditReport' && (host === null || of?.host === host),
  )
  const known = [audit?.machineClass ?? null, digests.config ?? null]
  if (known.every((part) => part === null)) return null
  return sha256Hex(Buffer.from(JSON.stringify(known))).slice(0, 16)
}
