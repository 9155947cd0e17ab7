import type { ChecklistItem } from '../../src/ui/checklist-model.ts'
import type { Mark } from '../../src/ui/glyphs.ts'
import type { CheckedItem, LapsedOverride } from '../../src/walk/item.ts'
import { ageText } from './ages.ts'

/** Said where an override would have stood. */
const lapsedText = ({ override, why }: LapsedOverride, nowMs: number): string =>
  `override of ${ageText(nowMs - override.atMs)} was for another state: ${why} (${override.by}: ${override.reason})`

const marks: Readonly<Record<CheckedItem['result'], Mark>> = {
  pass: 'pass',
  fail: 'fail',
  unknown: 'unknown',
  'not-applicable': 'na',
}

/** A checked item as a row of a checklist; opened, it shows command, evidence, reason and fix. */
export function checklistItem(item: CheckedItem, nowMs: number, isStale = false): ChecklistItem {
  const detail: string[] = []
  if (item.reason !== undefined && item.reason !== item.evidence.summary) detail.push(`why: ${item.reason}`)
  if (item.evidence.command !== undefined) detail.push(`command: ${item.evidence.command}`)
  if (item.evidence.exitCode !== undefined && item.evidence.exitCode !== null)
    detail.push(`exit: ${item.evidence.exitCode}`)
  for (const line of item.evidence.detail ?? []) detail.push(line)
  if (item.fix !== undefined && item.result !== 'pass') detail.push(`fix: ${item.fix}`)
  if (item.recipe !== undefined) detail.push(`recipe: ${item.recipe} (F goes to it, filled in from this)`)
  if (item.override !== undefined) detail.push(`overridden by ${item.override.by}: ${item.override.reason}`)
  if (item.lapsed !== undefined) detail.push(lapsedText(item.lapsed, nowMs))
  detail.push(
    `gate ${item.gate}, ${item.severity}, checked by ${item.how === 'auto' ? 'kx' : item.how === 'person' ? 'a person' : 'a person on evidence of kx'}`,
  )
  return {
    id: item.id,
    title: item.title,
    mark: marks[item.result],
    severity: item.severity,
    evidence: item.result === 'pass' ? item.evidence.summary : (item.reason ?? item.evidence.summary),
    detail,
    isStale,
    isOverridden: item.override !== undefined,
  }
}

const order: Readonly<Record<CheckedItem['result'], number>> = { fail: 0, unknown: 1, pass: 2, 'not-applicable': 3 }
const weight: Readonly<Record<CheckedItem['severity'], number>> = { error: 0, warn: 1, info: 2 }

/** What stops the walk first, then what is open, then the rest in the order in which it was checked. */
export function byUrgency(items: readonly CheckedItem[]): readonly CheckedItem[] {
  const rank = (i: CheckedItem) =>
    i.override === undefined
      ? order[i.result] * 3 + (i.result === 'pass' || i.result === 'not-applicable' ? 0 : weight[i.severity])
      : 6
  return items
    .map((item, at) => ({ item, at }))
    .sort((a, b) => rank(a.item) - rank(b.item) || a.at - b.at)
    .map((x) => x.item)
}

/** `12 pass, 1 fail, 3 unknown` in words, with what blocks first. */
export function countItems(items: readonly CheckedItem[]): string {
  const n = (r: CheckedItem['result']) => items.filter((i) => i.result === r).length
  const parts = [
    [n('fail'), 'failed'],
    [n('unknown'), 'unknown'],
    [n('pass'), 'passed'],
    [n('not-applicable'), 'n/a'],
  ] as const
  return parts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ') || 'nothing checked'
}
