import type { FindingClosed } from '../../run/payloads.ts'
import type { Finding } from '../../run/types.ts'
import type { Condition } from '../types.ts'

type Open = Finding & { readonly closedAtMs: number | null }

export interface Episodes {
  readonly opened: readonly Finding[]
  readonly closed: readonly FindingClosed[]
}

const rank = { info: 0, warn: 1, error: 2 } as const
const keyOf = (each: { readonly rule: string; readonly unit?: string }) => `${each.rule}\n${each.unit ?? ''}`

/**
 * Turns conditions into findings: one an episode, re-armed when the condition has cleared (handbook monitoring 9.2). What
 * grows worse inside an episode is said again, as a new finding. A condition that cannot be told leaves things as they are.
 */
export function episodes(conditions: readonly Condition[], findings: readonly Open[], newId: () => string): Episodes {
  const open = new Map<string, Open>()
  for (const finding of findings) if (finding.closedAtMs === null) open.set(keyOf(finding), finding)
  const opened: Finding[] = []
  const closed: FindingClosed[] = []
  for (const condition of conditions) {
    const key = keyOf(condition)
    const before = open.get(key)
    if (condition.isActive === false && before !== undefined) {
      closed.push({ findingId: before.findingId, because: 'it has cleared' })
      open.delete(key)
    }
    if (condition.isActive !== true) continue
    if (before !== undefined && rank[condition.severity] <= rank[before.severity]) continue
    if (before !== undefined) closed.push({ findingId: before.findingId, because: 'it has grown worse' })
    const { isActive: _isActive, ...content } = condition
    const finding: Finding = { findingId: newId(), ...content }
    opened.push(finding)
    open.set(key, { ...finding, closedAtMs: null })
  }
  return { opened, closed }
}
