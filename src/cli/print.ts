import type { ActResult } from '../run/act.ts'
import { toAscii } from '../text/ascii.ts'
import { formatAge } from '../text/format.ts'
import type { CheckedItem } from '../walk/item.ts'

const marks = { pass: '✓', fail: '✗', unknown: '?', 'not-applicable': '–' } as const
const asciiMarks = { pass: '[x]', fail: '[!]', unknown: '[?]', 'not-applicable': '[-]' } as const

function itemLines(item: CheckedItem, isAscii: boolean): string[] {
  const mark = (isAscii ? asciiMarks : marks)[item.result]
  const state = item.override === undefined ? item.result : `${item.result}, overridden`
  const lines = [
    `${mark} ${state} (${item.severity}) ${item.id} - ${item.result === 'pass' ? item.evidence.summary : (item.reason ?? item.evidence.summary)}`,
  ]
  if (item.result !== 'pass' && item.result !== 'not-applicable' && item.fix !== undefined)
    lines.push(`      fix: ${item.fix}`)
  if (item.lapsed !== undefined) {
    const { override, why } = item.lapsed
    const age = formatAge(item.evidence.atMs - override.atMs)
    lines.push(
      `      override of ${age === 'now' ? 'just now' : `${age} ago`} was for another state: ${why} (${override.by}: ${override.reason})`,
    )
  }
  return lines
}

/** A command's result for people: what was checked, then one line that sums it up. */
export function plainResult(result: ActResult, isAscii: boolean): readonly string[] {
  const items = result.proof?.items ?? []
  const own = result.lines ?? []
  const lines = [
    ...items.flatMap((i) => itemLines(i, isAscii)),
    ...own,
    ...(result.summary === '' ? [] : [result.summary]),
  ]
  return isAscii ? lines.map((line) => toAscii(line)) : lines
}
