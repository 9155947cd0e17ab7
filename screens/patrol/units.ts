import type { UnitState } from '../../src/engine/types.ts'
import type { Observation, UnitRow } from '../../src/patrol/types.ts'
import { formatBytes, formatDuration, formatNumber } from '../../src/text/format.ts'
import type { Token } from '../../src/ui/theme.ts'
import { ageText } from '../workbench/ages.ts'
import type { GridCell, PaneModel, Row } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

const marks: Readonly<Record<UnitState, { readonly mark: string; readonly token: Token }>> = {
  queued: { mark: '.', token: 'text.muted' },
  running: { mark: 'R', token: 'state.running' },
  done: { mark: 'D', token: 'state.pass' },
  failed: { mark: 'F', token: 'state.fail' },
  aborted: { mark: 'A', token: 'state.stale' },
  unknown: { mark: '?', token: 'state.unknown' },
}

const duration = (seconds: number | null) => (seconds === null ? '' : formatDuration(seconds))
const stepText = (u: UnitRow) => (u.step === null ? '' : u.steps === null ? `${u.step}` : `${u.step}/${u.steps}`)
const leftText = (u: UnitRow) =>
  u.state !== 'running'
    ? ''
    : u.etaSeconds !== null
      ? duration(u.etaSeconds)
      : (u.overdueSeconds ?? 0) > 0
        ? 'overdue'
        : 'unknown'

/** All that is known of one unit, for the row below it. */
function unitDetail(u: UnitRow, metricName: string | null, nowMs: number): readonly string[] {
  const parts = [
    `worker ${u.worker ?? 'none'}, try ${u.attempt}`,
    u.exitCode === null ? null : `exit ${u.exitCode}`,
    stepText(u) === '' ? null : `step ${stepText(u)}`,
    u.metric === null ? null : `${metricName ?? 'metric'} ${formatNumber(u.metric)}`,
    u.nanCount > 0 ? `${u.nanCount} NaN` : null,
    leftText(u) === ''
      ? null
      : leftText(u) === 'overdue'
        ? `overdue by ${duration(u.overdueSeconds ?? null)}`
        : `time left ${leftText(u)}`,
    u.logBytes === null ? 'log unknown' : `log ${formatBytes(u.logBytes)}`,
    u.lastWriteMs === null ? null : `last write ${ageText(nowMs - u.lastWriteMs)}`,
  ]
  return [parts.filter((p) => p !== null).join(', ')]
}

function unitCells(u: UnitRow, isLost: boolean): readonly string[] {
  const exit = u.exitCode === null || u.exitCode === 0 ? '' : ` ${u.exitCode}`
  return [
    u.unit,
    u.isStalled === true ? 'stalled' : isLost && u.state === 'running' ? 'running ?' : u.state + exit,
    u.worker === null ? '' : `${u.worker}`,
    duration(u.seconds),
    stepText(u),
    u.metric === null ? '' : formatNumber(u.metric),
    leftText(u),
    u.attempt > 1 ? `${u.attempt}` : '',
    u.nanCount > 0 ? `${u.nanCount}` : '',
  ]
}

/** Of thousands of units only those on the screen are ever put into words. */
function unitRow(u: UnitRow, metricName: string | null, nowMs: number, isLost: boolean): Row {
  let cells: readonly string[] | null = null
  return {
    id: u.unit,
    token:
      u.nanCount > 0 && u.state === 'done'
        ? 'severity.warn'
        : u.isStalled === true || (isLost && u.state === 'running')
          ? 'state.stale'
          : marks[u.state].token,
    // Everything of it that is a word: the unit itself, and the age that its opened row tells.
    basis: [u, metricName, isLost, u.lastWriteMs === null ? '' : ageText(nowMs - u.lastWriteMs)],
    get cells() {
      cells ??= unitCells(u, isLost)
      return cells
    },
    get detail() {
      return unitDetail(u, metricName, nowMs)
    },
  }
}

const rank: Readonly<Record<UnitState, number>> = { failed: 0, aborted: 0, unknown: 1, running: 2, done: 3, queued: 4 }

/** Units that need a look first, then those that run, then the finished ones, newest first, then those that wait. */
export function inOrder(units: readonly UnitRow[]): readonly UnitRow[] {
  return [...units].sort(
    (a, b) => rank[a.state] - rank[b.state] || (a.state === 'done' ? b.index - a.index : a.index - b.index),
  )
}

/** The units as a table. */
export function unitsPane(o: Observation | null, looked: string, nowMs: number, isLost = false): PaneModel {
  const units = o === null ? [] : inOrder(o.units)
  // A column that is empty in every row only takes room from the others.
  const hasRetries = units.some((u) => u.attempt > 1)
  const hasNan = units.some((u) => u.nanCount > 0)
  const count = o === null ? '' : `${o.counts.done}/${o.unitsTotal ?? '?'}`
  return {
    kind: 'table',
    id: 'units',
    title: 'Units',
    note: o === null ? '' : [`${count}  ${looked}`, count],
    columns: [
      column(0, 'unit', { flex: 1, min: 12 }),
      column(1, 'state', { width: 11 }),
      column(2, 'wkr', { width: 3, align: 'right', dropOrder: 4 }),
      column(3, 'time', { width: 8, align: 'right' }),
      column(4, 'step', { width: 9, align: 'right', dropOrder: 2 }),
      column(5, o?.metricName ?? 'metric', { width: 9, align: 'right' }),
      column(6, 'left', { width: 8, align: 'right', dropOrder: 1 }),
      ...(hasRetries ? [column(7, 'try', { width: 3, align: 'right', dropOrder: 5 })] : []),
      ...(hasNan ? [column(8, 'NaN', { width: 4, align: 'right', dropOrder: 3 })] : []),
    ],
    rows: units.map((u) => unitRow(u, o?.metricName ?? null, nowMs, isLost)),
    empty: o === null ? 'not looked at yet; r looks now' : 'no units',
  }
}

/**
 * The units as one letter each, in the order of the plan; the title says which one the cursor is on. Of one that ran when
 * the host was last heard nothing is known now (`isLost`).
 */
export function gridPane(o: Observation | null, selected: string | null, isLost = false): PaneModel {
  const chosen = o?.units.find((u) => u.unit === selected)
  const cells = (o?.units ?? []).map((u): GridCell => {
    const { mark, token } = marks[isLost && u.state === 'running' ? 'unknown' : u.state]
    return { id: u.unit, text: mark, token }
  })
  return {
    kind: 'grid',
    id: 'grid',
    title: chosen === undefined ? 'Split grid' : `Split grid, ${chosen.unit} ${chosen.state}`,
    note: ['. waits  R runs  D done  F failed  A aborted  ? unknown', 'R run D done F fail A abort ? unknown'],
    cells,
    empty: 'not looked at yet',
  }
}
