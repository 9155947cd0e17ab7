import { z } from 'zod'
import type { ProcessIdentity } from '../host/types.ts'
import type { RunState } from '../run/types.ts'
import type { Proof } from '../walk/proof.ts'
import { runEndOf } from '../walk/run-end.ts'
import type { OutcomeFacts, VerifiedPayload } from './types.ts'

/** The part of a receipt that teardown needs. Later launches may write more. */
const receiptSchema = z.object({
  handle: z.object({
    folder: z.string().startsWith('/'),
    process: z.object({ pid: z.number().int(), startTicks: z.number(), bootId: z.string() }).optional(),
  }),
})

const outcomeSchema = z.object({
  state: z.string().optional(),
  liveness: z.string().optional(),
  exit: z
    .object({
      code: z.number(),
      reason: z.string(),
      endedAtMs: z.number(),
      done: z.number(),
      failed: z.number(),
      aborted: z.number(),
    })
    .nullish(),
  endedAtMs: z.number().nullish(),
  elapsedSeconds: z.number().nullish(),
  unitSeconds: z.array(z.number()).optional(),
  isSuspect: z.boolean().optional(),
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

/** What is known of how the run ended. Null fields: not known. */
export function outcomeOf(state: Pick<RunState, 'latest'>): OutcomeFacts {
  const parsed = outcomeSchema.safeParse(state.latest.Outcome?.payload)
  const data = parsed.success ? parsed.data : {}
  return {
    liveness: data.state ?? data.liveness ?? 'unknown',
    end: data.exit ? runEndOf(data.exit) : null,
    endedAtMs: data.exit?.endedAtMs ?? data.endedAtMs ?? null,
    elapsedSeconds: data.elapsedSeconds ?? null,
    units: data.exit ? { done: data.exit.done, failed: data.exit.failed, aborted: data.exit.aborted } : null,
    unitSeconds: data.unitSeconds ?? [],
    isSuspect: data.isSuspect ?? false,
  }
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
