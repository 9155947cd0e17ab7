import { boxEngine } from '../engine/box/engine.ts'
import type { BoxHandle, Engine } from '../engine/types.ts'
import type { RunState } from '../run/types.ts'
import type { Proof } from '../walk/proof.ts'

/** The newest receipt of a run with the handle by which its work is found. */
export interface Launched {
  readonly receipt: Proof
  readonly handle: BoxHandle
  readonly engine: Engine
  readonly workers: number | null
  /** Lease of the launch, where its approval named one. */
  readonly lease: { readonly openedAtMs: number; readonly untilMs: number } | null
}

/** Null: nothing was launched, or the receipt's content is not what this version wrote. */
export function launchedIn(state: RunState): Launched | null {
  const receipt = state.proofs.findLast((proof) => proof.kind === 'Receipt')
  if (receipt === undefined) return null
  const payload = receipt.payload as {
    readonly handle?: unknown
    readonly workers?: unknown
    readonly leaseUntilMs?: unknown
  } | null
  const handle = payload?.handle
  if (!isHandle(handle)) return null
  const workers = typeof payload?.workers === 'number' ? payload.workers : null
  const until = payload?.leaseUntilMs
  const lease = typeof until === 'number' ? { openedAtMs: receipt.atMs, untilMs: until } : null
  return { receipt, handle, engine: boxEngine, workers, lease }
}

function isHandle(value: unknown): value is BoxHandle {
  if (typeof value !== 'object' || value === null) return false
  const handle = value as Partial<BoxHandle>
  const { process } = handle
  return (
    typeof handle.token === 'string' &&
    typeof handle.folder === 'string' &&
    handle.folder.startsWith('/') &&
    typeof handle.runner === 'string' &&
    typeof process === 'object' &&
    process !== null &&
    Number.isSafeInteger(process.pid) &&
    Number.isFinite(process.startTicks) &&
    typeof process.bootId === 'string'
  )
}
