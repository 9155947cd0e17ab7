import type { RunState } from '../../src/run/types.ts'
import { ageText } from '../workbench/ages.ts'
import type { PaneModel, Row } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

type OpenFinding = RunState['findings'][number]

const weights = { error: 0, warn: 1, info: 2 } as const
/** More than these of one rule are named, not listed, so that an opened row stays on the screen. */
const listed = 8

const seenText = (f: OpenFinding) => (f.acknowledgedBy === null ? '' : `, seen by ${f.acknowledgedBy}`)

function restText(rest: readonly OpenFinding[]): readonly string[] {
  if (rest.length === 0) return []
  const units = [...new Set(rest.flatMap((f) => f.unit ?? []))]
  return [`and ${rest.length} more${units.length === 0 ? '' : `: ${units.join(', ')}`}`]
}

/** Findings of one rule as one row; opened, it shows each, and what to do about them. */
function ruleRow(rule: string, findings: readonly OpenFinding[], nowMs: number): Row {
  const [worst] = findings
  if (worst === undefined) throw new Error(`no finding of ${rule}`)
  const seen = findings.filter((f) => f.acknowledgedBy !== null).length
  const oldest = Math.min(...findings.map((f) => f.openedAtMs))
  const isOne = findings.length === 1
  return {
    id: rule,
    cells: [
      worst.severity,
      isOne ? '' : `${findings.length}`,
      isOne ? worst.text : `${rule}: ${worst.text}`,
      worst.remedy,
      ageText(nowMs - oldest),
      seen === 0 ? '' : seen === findings.length ? 'seen' : `${seen} seen`,
    ],
    token: `severity.${worst.severity}`,
    detail: [
      ...findings
        .slice(0, listed)
        .map((f) => `${f.severity}: ${f.text}, since ${ageText(nowMs - f.openedAtMs)}${seenText(f)}`),
      ...restText(findings.slice(listed)),
      ...(isOne && worst.evidence !== '' ? [`evidence: ${worst.evidence}`] : []),
      ...[...new Set(findings.map((f) => f.remedy))].map((remedy) => `remedy: ${remedy}`),
      `rule ${rule}, ${worst.class}${worst.recipe === '' ? '' : `, recipe ${worst.recipe}`}`,
    ],
  }
}

/** What is wrong now, one row a rule, the gravest first. */
export function findingsPane(run: RunState | null, nowMs: number): PaneModel {
  const open = (run?.findings ?? [])
    .filter((f) => f.closedAtMs === null)
    .sort((a, b) => weights[a.severity] - weights[b.severity] || b.openedAtMs - a.openedAtMs)
  const rules = new Map<string, OpenFinding[]>()
  for (const f of open) rules.set(f.rule, [...(rules.get(f.rule) ?? []), f])
  const isSeen = run !== null && (run.observation !== null || run.findings.length > 0)
  const hasGroups = [...rules.values()].some((findings) => findings.length > 1)
  const hasSeen = open.some((f) => f.acknowledgedBy !== null)
  return {
    kind: 'table',
    id: 'findings',
    title: 'Findings',
    note: !isSeen
      ? ''
      : open.length === 0
        ? 'none open'
        : [`${open.length} open, Enter shows each`, `${open.length} open`],
    columns: [
      column(0, '', { width: 5 }),
      ...(hasGroups ? [column(1, '', { width: 3, align: 'right' })] : []),
      column(2, 'what', { flex: 3, min: 40 }),
      column(3, 'remedy', { flex: 3, min: 30, dropOrder: 3 }),
      column(4, 'since', { width: 10, dropOrder: 1 }),
      ...(hasSeen ? [column(5, '', { width: 8, dropOrder: 2 })] : []),
    ],
    rows: [...rules].map(([rule, findings]) => ruleRow(rule, findings, nowMs)),
    isDetailText: true,
    empty: isSeen ? 'nothing found' : 'not looked at yet',
  }
}
