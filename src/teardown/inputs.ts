import { z } from 'zod'
import type { ProcessIdentity } from '../host/types.ts'
import type { RunState } from '../run/types.ts'
import type { Proof } from '../walk/proof.ts'
import type { OutcomeFacts, VerifiedPayload } from './types.ts'

/** The part of a receipt that teardown needs. Later launches may write more. */
const receiptSchema = z.object({
  handle: z.object({
    folder: z.string().startsWith('/'),
    process: z.object({ pid: z.number().int(), startTicks: z.number(), bootId: z.string() }).optional(),
  }),
})

const outcomeSchema = z.object({
  liveness: z.string().optional(),
  exit: z.object({ reason: z.string(), endedAtMs: z.number() }).nullable().optional(),
})

const verifiedSchema = z.object({
  runId: z.string(),
  folder: z.string(),
  manifestSha256: z.string(),
  accepted: z.number(),
  totals: z.object({ found: z.number() }),
})

const permitSchema = z.object({
  runId: z.string(),
  folder: z.string(),
  manifestSha256: z.string(),
  typedName: z.string(),
})

export interface ReceiptFacts {
  readonly proof: Proof
  readonly folder: string
  readonly process: ProcessIdentity | null
}

/** The newest receipt's box folder and runner; null when there is none that can be read. */
export function receiptOf(state: RunState): ReceiptFacts | null {
  const proof = state.latest.Receipt
  const parsed = receiptSchema.safeParse(proof?.payload)
  if (proof === undefined || !parsed.success) return null
  const { folder, process } = parsed.data.handle
  return { proof, folder: folder.replace(/\/+$/, ''), process: process ?? null }
}

/** What is known of how the run ended. */
export function outcomeOf(state: RunState): OutcomeFacts {
  const parsed = outcomeSchema.safeParse(state.latest.Outcome?.payload)
  if (!parsed.success) return { liveness: 'unknown', exitReason: null, endedAtMs: null }
  const { liveness, exit } = parsed.data
  return { liveness: liveness ?? 'unknown', exitReason: exit?.reason ?? null, endedAtMs: exit?.endedAtMs ?? null }
}

/** The newest verified manifest, if its payload is one. */
export function verifiedOf(state: RunState): Proof<VerifiedPayload> | null {
  const proof = state.latest.VerifiedManifest
  return proof !== undefined && verifiedSchema.safeParse(proof.payload).success
    ? (proof as Proof<VerifiedPayload>)
    : null
}

export function hasPermitShape(proof: Proof | undefined): boolean {
  return permitSchema.safeParse(proof?.payload).success
}
