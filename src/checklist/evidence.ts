import type { CheckedItem, Result } from '../walk/item.ts'
import type { ChecklistItem } from './parse.ts'

/** Last result of one automatic check, for beside the box. */
export interface LinkedCheck {
  readonly id: string
  readonly result: Result
  /** One line: the evidence, or why there is none. */
  readonly summary: string
  /** Null when it was never run. */
  readonly atMs: number | null
  readonly command: string | null
}

export interface ItemWithEvidence {
  readonly item: ChecklistItem
  readonly linked: readonly LinkedCheck[]
  /** The worst of the linked results; null when nothing is linked. Shown beside the tick, never instead of it. */
  readonly overall: Result | null
  /** The person says yes and a check says no: worth a look. */
  readonly isContradicted: boolean
}

const worst: readonly Result[] = ['fail', 'unknown', 'pass', 'not-applicable']

/**
 * Joins tasks with the newest results of the checks that they link to. A check that was never run is unknown. When a check
 * was made several times (on several hosts, say), the newest counts.
 */
export function joinEvidence(
  items: readonly ChecklistItem[],
  checked: readonly CheckedItem[],
): readonly ItemWithEvidence[] {
  const newest = new Map<string, CheckedItem>()
  for (const check of checked) {
    const known = newest.get(check.id)
    if (known === undefined || check.evidence.atMs >= known.evidence.atMs) newest.set(check.id, check)
  }
  return items.map((item) => {
    const linked = item.checks.map((id) => linkedCheck(id, newest.get(id)))
    const overall = worst.find((result) => linked.some((check) => check.result === result)) ?? null
    return { item, linked, overall, isContradicted: item.isChecked && overall === 'fail' }
  })
}

function linkedCheck(id: string, check: CheckedItem | undefined): LinkedCheck {
  if (check === undefined) return { id, result: 'unknown', summary: 'not checked yet', atMs: null, command: null }
  const summary = check.reason === undefined ? check.evidence.summary : `${check.evidence.summary} (${check.reason})`
  return { id, result: check.result, summary, atMs: check.evidence.atMs, command: check.evidence.command ?? null }
}

/** How far a list is: ticked and all, and how many ticked items a check contradicts. */
export function countTicks(items: readonly ItemWithEvidence[]) {
  return {
    ticked: items.filter(({ item }) => item.isChecked).length,
    all: items.length,
    contradicted: items.filter(({ isContradicted }) => isContradicted).length,
  }
}
