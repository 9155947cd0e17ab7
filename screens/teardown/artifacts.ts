import { matchesGlob } from '../../src/spec/glob.ts'
import type { Plan } from '../../src/spec/schema.ts'
import type { PatternTally, VerifiedPayload } from '../../src/teardown/types.ts'
import { formatBytes } from '../../src/text/format.ts'
import type { PaneModel, Row } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

/** An opened row names this many of its missing files. */
const named = 20

function tallyRow(t: PatternTally, missing: readonly string[]): Row {
  const gone = missing.filter((path) => matchesGlob(path, t.glob))
  const isWhole = t.missing === 0 && t.verified === t.found && t.found > 0
  const more = t.missing - Math.min(gone.length, named)
  return {
    id: t.glob,
    cells: [t.glob, t.kind, `${t.declared}`, `${t.found}`, `${t.verified}`, `${t.missing}`, formatBytes(t.bytes)],
    token: isWhole ? 'state.pass' : t.missing === 0 && t.found > 0 ? 'severity.warn' : 'state.fail',
    detail: [
      `${formatBytes(t.bytes)} found; at least ${t.declared} files of ${formatBytes(t.minimumBytes)} each, ${t.kind}`,
      ...gone.slice(0, named).map((path) => `missing: ${path}`),
      ...(more > 0 ? [`${gone.length === 0 ? '' : 'and '}${more} missing without a name`] : []),
      ...(t.verified < t.found ? [`${t.found - t.verified} found but not verified: the checks say why`] : []),
    ],
  }
}

/** What the plan declares, before anything was looked for. */
function declaredRow(a: Plan['artifacts'][number]): Row {
  return {
    id: a.glob,
    cells: [a.glob, a.kind, `${a.minimumCount}`, '?', '?', '?', ''],
    token: 'text.muted',
    detail: [`at least ${a.minimumCount} files of ${formatBytes(a.minimumBytes)} each, ${a.kind}; not looked for yet`],
  }
}

/** Every declared pattern with what was found, verified and is missing of it. */
export function artifactsPane(verified: VerifiedPayload | undefined, plan: Plan | null): PaneModel {
  const rows =
    verified?.patterns !== undefined
      ? verified.patterns.map((t) => tallyRow(t, verified.missing))
      : (plan?.artifacts ?? []).map(declaredRow)
  const note =
    verified === undefined
      ? 'not looked for yet'
      : `verified ${verified.accepted} of ${verified.totals.expected}, ${formatBytes(verified.totals.bytes)}`
  return {
    kind: 'table',
    id: 'artifacts',
    title: 'Artifacts',
    note: [note, ''],
    columns: [
      column(0, 'pattern', { flex: 1, min: 22 }),
      column(1, 'kind', { width: 11, dropOrder: 2 }),
      column(2, 'declared', { width: 8, align: 'right' }),
      column(3, 'found', { width: 5, align: 'right' }),
      column(4, 'verified', { width: 8, align: 'right' }),
      column(5, 'missing', { width: 7, align: 'right' }),
      column(6, 'size', { width: 9, align: 'right', dropOrder: 1 }),
    ],
    rows,
    isDetailText: true,
    empty: plan === null ? 'the plan could not be read' : 'the plan declares no artifact',
  }
}
