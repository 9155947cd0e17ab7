import type { Observation } from '../../src/patrol/types.ts'
import type { RunState } from '../../src/run/types.ts'
import { formatDuration, plural } from '../../src/text/format.ts'
import { ageText, lookedText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import { lostLink } from '../workbench/link.ts'
import type { PaneModel, ScreenModel, Span, StyledLine } from '../workbench/model.ts'
import { phaseSummary, proofOf } from '../workbench/phase-model.ts'
import { isMoving, standingOf } from '../workbench/standing.ts'
import { farLogWords } from './far-log.ts'
import { findingsPane } from './findings.ts'
import { leasePane } from './lease.ts'
import { gpuRows, machineRows } from './machine.ts'
import { gridPane, inOrder, unitsPane } from './units.ts'

/** Of the whole run; one unit that is overdue or silent makes it unknown, never zero. */
function etaText(o: Observation): string {
  if (o.eta !== null) return `ETA ${formatDuration(o.eta.secondsP50)} (n=${o.eta.samples})`
  const late = o.units.filter((u) => u.isStalled === true || (u.overdueSeconds ?? 0) > 0).length
  return late === 0 ? '' : `ETA unknown (${late} overdue)`
}

/** Errors that nobody has seen yet, by number: on a narrow terminal their pane is not the one that is shown. */
function alertText(run: RunState | null): Span | null {
  const isNew = (f: RunState['findings'][number]) => f.closedAtMs === null && f.acknowledgedBy === null
  const count = (run?.findings ?? []).filter((f) => isNew(f) && f.severity === 'error').length
  return count === 0 ? null : { text: plural(count, 'error'), token: 'severity.error' }
}

/** State, age, counts, time left: in the order in which they may be cut at the edge of a narrow terminal. */
function stateLine(input: ScreenInput, o: Observation): Span[] {
  const { word, token, reason, end } = standingOf(input)
  const isSame = word === o.state
  const { done, running, queued, failed, aborted, unknown } = o.counts
  const spans: Span[] = [{ text: end === null ? word : `${word}, ${end.word}`, token }]
  if (isSame && o.isSuspect) spans.push({ text: ' (suspect)', token: 'severity.warn' })
  const looked = lookedText(input.nowMs - o.atMs, isMoving(o.state), lostLink(input) !== null)
  spans.push({ text: `, ${looked}`, token: looked.startsWith('!') ? 'state.stale' : 'text.muted' })
  const counts = [
    `${done} of ${o.unitsTotal ?? '?'} done`,
    failed > 0 ? `${failed} failed` : '',
    aborted > 0 ? `${aborted} aborted` : '',
    unknown > 0 ? `${unknown} unknown` : '',
    word === 'running' ? etaText(o) : '',
    running > 0 ? `${running} running` : '',
    queued > 0 ? `${queued} queued` : '',
  ]
  const alert = alertText(input.run)
  spans.push({ text: ' – ' }, ...(alert === null ? [] : [alert, { text: ', ' }]))
  spans.push({ text: counts.filter((c) => c !== '').join(', ') })
  const why = reason ?? end?.text ?? (isSame ? o.reasons[0] : undefined)
  if (why !== undefined && word !== 'running') spans.push({ text: `  ${why}`, token: 'text.muted' })
  return spans
}

function summary(input: ScreenInput, o: Observation | null): StyledLine {
  if (proofOf(input, 'Receipt') === undefined)
    return phaseSummary(input, 'patrol', 'nothing was launched yet; 5 goes to the launch')
  if (o === null)
    return [{ text: 'unknown', token: 'state.unknown' }, { text: ' – launched, not looked at yet; r looks now' }]
  return stateLine(input, o)
}

/** When the unit that log and chart are of last wrote something. */
function writtenText(o: Observation | null, unit: string | null, nowMs: number): string {
  const at = o?.units.find((u) => u.unit === unit)?.lastWriteMs ?? null
  return at === null ? '' : `written ${ageText(nowMs - at)}`
}

export function patrolModel(input: ScreenInput): ScreenModel {
  const { observation: o, nowMs, shelves } = input
  const moving = o !== null && isMoving(o.state)
  const isLost = lostLink(input) !== null
  const looked = (atMs: number) => lookedText(nowMs - atMs, moving, isLost)
  // The cursor may stand on a unit of a run that was open before.
  const chosen = input.selected('units')
  const wanted = o === null ? null : ((o.units.find((u) => u.unit === chosen) ?? inOrder(o.units)[0])?.unit ?? null)
  const log = shelves.unitLog?.unit === wanted ? shelves.unitLog : null
  const written = writtenText(o, wanted, nowMs)
  const { far } = log ?? {}
  const link = input.links?.find((each) => each.host === far?.host)
  const farWords = far === undefined ? null : farLogWords(far, log?.log !== null, link, nowMs, input.reconnectKey ?? '')
  const hasGpu = o !== null && o.gpu.kind !== 'none'
  const lease = leasePane(input, o, isLost)
  const panes: PaneModel[] = [
    unitsPane(o, o === null ? '' : looked(o.atMs), nowMs, isLost),
    {
      kind: 'log',
      id: 'log',
      title: wanted === null ? 'Log' : `Log of ${wanted}`,
      note: farWords !== null && farWords.note.length > 0 ? [...farWords.note, ''] : [written, ''],
      log: log?.log ?? null,
      empty: wanted === null ? 'no unit' : (farWords?.empty ?? 'nothing written yet'),
    },
    findingsPane(input.run, nowMs),
    ...(lease === null ? [] : [lease]),
    gridPane(o, input.selected('grid'), isLost),
    {
      kind: 'meters',
      id: 'machine',
      title: 'Machine and disks',
      note: o === null ? '' : looked(o.machine.atMs),
      rows: o === null ? [] : machineRows(o, nowMs, moving, isLost),
      empty: 'not looked at yet',
    },
    ...(hasGpu
      ? [
          {
            kind: 'meters' as const,
            id: 'gpu',
            title: 'GPU',
            note: looked(o.gpu.atMs),
            rows: gpuRows(o, nowMs, moving, isLost),
            empty: 'not looked at yet',
          },
        ]
      : []),
    {
      kind: 'chart',
      id: 'chart',
      title: wanted === null ? 'Metrics' : `Metrics of ${wanted}`,
      note: written,
      series: log === null ? [] : shelves.series,
      version: shelves.seriesVersion,
      xStep: 1,
      empty: 'no metrics written yet',
    },
  ]
  const at = (id: string, weight: number) => ({ id, weight })
  const leaseAt = lease === null ? [] : [at('lease', 8)]
  return {
    id: 'patrol',
    title: 'Patrol',
    summary: summary(input, o),
    panes,
    columns: hasGpu
      ? [
          { weight: 1, panes: [at('units', 13), ...leaseAt, at('grid', 7), at('log', 9)] },
          { weight: 1, panes: [at('gpu', 5), at('machine', 4), at('chart', 3), at('findings', 2)] },
        ]
      : [
          { weight: 1, panes: [at('units', 17), ...leaseAt, at('log', 11)] },
          { weight: 1, panes: [at('grid', 4), at('machine', 9), at('chart', 8), at('findings', 5)] },
        ],
  }
}
