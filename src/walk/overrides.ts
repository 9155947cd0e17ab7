import { slotOf } from './graph.ts'
import type { CheckedItem, Override } from './item.ts'
import type { DigestName, Digests, Proof } from './proof.ts'
import { changedText } from './staleness.ts'

/** A proof as far as an override speaks of it; one that is being made has no more yet. */
export type About = Pick<Proof, 'kind' | 'host' | 'machineClass' | 'boundTo'>

/**
 * The proof with an override in it (architecture 1: the reason becomes part of the proof). It speaks of what this proof
 * found, on what it is bound to; a later proof takes it over only where both are the same (`carryOverrides`).
 */
export function withOverride<P extends Pick<Proof, 'items'>>(proof: P, override: Override): P {
  return {
    ...proof,
    items: proof.items.map((item) => (item.id === override.itemId ? overridden(item, override) : item)),
  }
}

/** The proof without any override of this item. */
export function withoutOverride<P extends Pick<Proof, 'items'>>(proof: P, itemId: string): P {
  if (!proof.items.some((item) => item.id === itemId && item.override !== undefined)) return proof
  return {
    ...proof,
    items: proof.items.map((item) => {
      if (item.id !== itemId) return item
      const { override: _, ...rest } = item
      return rest
    }),
  }
}

/**
 * Items of a proof that is being made, with the overrides that earlier proofs about the same thing hold for them: only
 * where all digests are the same and the item found the very same. An item whose overrides were for another state says
 * so (`lapsed`) and blocks again. `proofs`: those of the run, oldest first.
 */
export function carryOverrides(
  items: readonly CheckedItem[],
  about: About,
  proofs: readonly Proof[],
): readonly CheckedItem[] {
  const slot = slotOf(about)
  const earlier = proofs.filter((proof) => slotOf(proof) === slot).reverse()
  return items.map((item) => {
    if (item.override !== undefined || (item.result !== 'fail' && item.result !== 'unknown')) return item
    let lapsed: CheckedItem['lapsed']
    for (const proof of earlier) {
      const before = proof.items.find((each) => each.id === item.id)
      if (before?.override === undefined) continue
      const why = whyLapsed(before, proof.boundTo, item, about.boundTo)
      if (why === null) return overridden(item, before.override)
      lapsed ??= { override: before.override, why }
    }
    return lapsed === undefined ? item : { ...item, lapsed }
  })
}

function overridden(item: CheckedItem, override: Override): CheckedItem {
  if (override.reason.trim() === '') return item
  const { lapsed: _, ...rest } = item
  return { ...rest, override }
}

/** A manifest names the moment it was made; what it lists is a digest of its own. */
const isOfTheMoment = (name: string) => name === 'manifest'

function whyLapsed(before: CheckedItem, boundBefore: Digests, now: CheckedItem, boundNow: Digests): string | null {
  const names = new Set([...Object.keys(boundBefore), ...Object.keys(boundNow)]) as Set<DigestName>
  const changed = [...names].filter((name) => !isOfTheMoment(name) && boundBefore[name] !== boundNow[name])
  if (changed.length > 0) return changedText(changed)
  return foundText(before) === foundText(now) ? null : `it found: ${before.evidence.summary}`
}

/** What a person saw who gave an override. Raw output and times differ from look to look and say nothing. */
function foundText({ result, reason, evidence }: CheckedItem): string {
  return JSON.stringify([result, reason ?? null, evidence.summary, evidence.detail ?? []])
}
