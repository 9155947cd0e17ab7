import type { WalkState } from './gates.ts'
import { hostsIn, ofHost } from './host-view.ts'

type Intent = NonNullable<WalkState['intents']>[number]

/** That a person gave up a meter which nobody has seen stop, with what went with it unverified. */
export interface WrittenOff {
  readonly by: string
  readonly reason: string
  /** Names of results that were never verified. */
  readonly unverified: readonly string[]
}

/** The writing off of a run's newest meter; null: that one is open, or was seen to stop, or there is none. */
export function writtenOffIn(state: Pick<WalkState, 'meters' | 'fleet' | 'view'>): WrittenOff | null {
  const hosts = hostsIn({ proofs: [], ...state })
  if (hosts !== null) {
    // One host that is given up is not the run: only when no meter of any other is left or was seen to stop.
    const meters = hosts.flatMap((host) => state.meters?.findLast((meter) => meter.host === host) ?? [])
    return meters.every((meter) => meter.writtenOff !== undefined) ? (meters.at(-1)?.writtenOff ?? null) : null
  }
  return state.meters?.at(-1)?.writtenOff ?? null
}

const field = (payload: unknown, name: 'token' | 'receiptId' | 'launchToken'): unknown =>
  (payload as Readonly<Record<string, unknown>> | null | undefined)?.[name]

/**
 * The last launch that was begun after the newest receipt's own and is not known to have failed: a runner may be there
 * that no receipt speaks of. By the order of the journal, never by the clock. Null: there is none.
 */
export function launchInDoubt(state: WalkState): { readonly index: number } | null {
  const { proofs, intents = [] } = state
  const hosts = hostsIn(state)
  if (hosts !== null) {
    const found = hosts.flatMap((host) => {
      const own = ofHost(state, host)
      const doubt = launchInDoubt(own)
      const intent = doubt === null ? undefined : own.intents?.[doubt.index]
      return intent === undefined ? [] : [intents.indexOf(intent)]
    })
    return found.length === 0 ? null : { index: Math.max(...found) }
  }
  const token = field(proofs.findLast((proof) => proof.kind === 'Receipt')?.payload, 'token')
  const own = intents.findLastIndex((intent) => intent.act === 'launch' && intent.token === token)
  const isOpen = (intent: Intent) => intent.act === 'launch' && intent.closed?.outcome !== 'failed'
  const index = intents.findLastIndex((intent, i) => i > own && isOpen(intent))
  return index < 0 ? null : { index }
}

/**
 * True when the newest launch has ended: its outcome is on record, or a person stopped it and it was seen to stop. A
 * launch in doubt that came after the end takes it back; only a stop that came later still covers it. A run over several
 * hosts has ended when it has on every host that it was launched on.
 */
export function hasEnded(state: WalkState, holds: (proofId: string) => boolean): boolean {
  const hosts = hostsIn(state)
  if (hosts !== null) {
    const views = hosts.map((host) => ofHost(state, host))
    const launched = views.filter((view) => view.proofs.some((proof) => proof.kind === 'Receipt'))
    return launchInDoubt(state) === null && launched.length > 0 && launched.every((view) => hasEnded(view, holds))
  }
  const { proofs, intents = [] } = state
  const launched = proofs.findLastIndex((proof) => proof.kind === 'Receipt')
  const receipt = proofs[launched]
  const token = field(receipt?.payload, 'token')
  const doubt = launchInDoubt(state)?.index ?? -1
  const isStopped = intents.some(
    (intent, i) =>
      i > doubt &&
      intent.act === 'abort' &&
      intent.closed?.outcome === 'done' &&
      receipt !== undefined &&
      (field(intent.payload, 'receiptId') === receipt.id ||
        (token !== undefined && field(intent.payload, 'launchToken') === token)),
  )
  if (isStopped) return true
  const ended = proofs.findLastIndex((proof) => proof.kind === 'Outcome')
  return doubt < 0 && ended > launched && holds(proofs[ended]?.id ?? '')
}
