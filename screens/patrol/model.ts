import type { UnitState } from '../../src/engine/types.ts'
import type { GpuFigure, Observation, UnitRow } from '../../src/patrol/types.ts'
import { formatBytes, formatDuration, formatNumber } from '../../src/text/format.ts'
import type { Token } from '../../src/ui/theme.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { GridCell, MeterRow, PaneModel, Row, ScreenModel, Span, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { phaseSummary, proofOf } from '../workbench/phase-model.ts'

const unitMarks: Readonly<Record<UnitState, { readonly mark: string; readonly token: Token }>> = {
  queued: { mark: '.', token: 'text.muted' },
  running: { mark: 'R', token: 'state.running' },
  done: { mark: 'D', token: 'state.pass' },
  failed: { mark: 'F', token: 'state.fail' },
  aborted: { mark: 'A', token: 'state.stale' },
  unknown: { mark: '?', token: 'state.unknown' },
}
const stateTokens: Readonly<Record<Observation['state'], Token>> = {
  running: 'state.running',
  stalled: 'state.stale',
  finished: 'state.pass',
  dead: 'state.fail',
  unknown: 'state.unknown',
}
const duration = (seconds: number | null) => (seconds === null ? '' : formatDuration(seconds))

function unitRow(u: UnitRow): Row {
  const step = u.step === null ? '' : u.steps === null ? `${u.step}` : `${u.step}/${u.steps}`
  const eta = u.state === 'running' ? (u.etaSeconds === null ? 'unknown' : duration(u.etaSeconds)) : ''
  const exit = u.exitCode === null || u.exitCode === 0 ? '' : ` ${u.exitCode}`
  return {
    id: u.unit,
    cells: [
      u.unit,
      u.state + exit,
      u.worker === null ? '' : `${u.worker}`,
      duration(u.seconds),
      step,
      u.metric === null ? '' : formatNumber(u.metric),
      eta,
      u.attempt > 1 ? `${u.attempt}` : '',
      u.nanCount > 0 ? `${u.nanCount}` : '',
    ],
    token: unitMarks[u.state].token,
  }
}

/** Units that need a look first, then those that run, then the finished ones, newest first, then those that wait. */
function inOrder(units: readonly UnitRow[]): readonly UnitRow[] {
  const rank: Readonly<Record<UnitState, number>> = {
    failed: 0,
    aborted: 0,
    unknown: 1,
    running: 2,
    done: 3,
    queued: 4,
  }
  return [...units].sort(
    (a, b) => rank[a.state] - rank[b.state] || (a.state === 'done' ? b.index - a.index : a.index - b.index),
  )
}

function machineRows(o: Observation, nowMs: number): MeterRow[] {
  const m = o.machine
  const rows: MeterRow[] = [
    {
      kind: 'meter',
      label: 'CPU',
      fraction: m.cpuFraction,
      text: m.cpuFraction === null ? undefined : `${Math.round(m.cpuFraction * 100)} % of ${m.cores ?? '?'} cores`,
      unknown: 'needs two looks',
      mid: 2,
      high: 2,
    } as MeterRow,
  ]
  const limit = m.memoryLimitBytes === 'none' || m.memoryLimitBytes === null ? null : m.memoryLimitBytes
  const total = limit ?? m.memoryTotalBytes
  const used =
    limit !== null
      ? m.memoryWorkingBytes
      : m.memoryTotalBytes !== null && m.memoryAvailableBytes !== null
        ? m.memoryTotalBytes - m.memoryAvailableBytes
        : null
  rows.push({
    kind: 'meter',
    label: 'memory',
    fraction: used === null || total === null || total === 0 ? null : used / total,
    text: used === null || total === null ? undefined : `${formatBytes(used)} of ${formatBytes(total)}`,
  } as MeterRow)
  const oom =
    m.oomKills === null ? 'oom kills unknown' : `${m.oomKills} oom kill${m.oomKills === 1 ? '' : 's'} (${m.oomScope})`
  rows.push({
    kind: 'line',
    line: [
      {
        text: `load ${m.load1 === null ? 'unknown' : m.load1.toFixed(2)}, ${limit === null ? 'no memory limit' : 'memory limit of the container'}, ${oom}`,
        token: m.oomKills ? 'severity.error' : 'text.muted',
      },
    ],
  })
  for (const d of o.disks) {
    const free = d.freeBytes === null ? undefined : `${formatBytes(d.freeBytes)} free`
    rows.push({
      kind: 'meter',
      label: `${d.tier}`,
      fraction: d.usedFraction,
      text: free,
      unknown: d.reason ?? undefined,
      mid: 0.9,
      high: 0.95,
    } as MeterRow)
    const inodes =
      d.usedInodes === null || d.totalInodes === null
        ? 'inodes unknown'
        : `${((d.usedInodes / Math.max(1, d.totalInodes)) * 100).toFixed(1)} % of inodes`
    const growth =
      d.growthBytesPerSecond === null
        ? `growth not known yet (${d.growthSamples} looks)`
        : `${d.growthBytesPerSecond >= 0 ? '+' : ''}${formatBytes(Math.round(d.growthBytesPerSecond * 60))}/min`
    const full = d.secondsToFull === null ? '' : `, full in ${formatDuration(d.secondsToFull)}`
    rows.push({
      kind: 'line',
      line: [
        {
          text: `  ${inodes}, ${growth}${full}; on destroy ${d.survives.destroy === 'survives' ? 'kept' : d.survives.destroy}`,
          token: d.secondsToFull !== null && d.secondsToFull < 86_400 ? 'severity.warn' : 'text.muted',
        },
      ],
    })
  }
  rows.push({ kind: 'line', line: [{ text: `looked ${ageText(nowMs - m.atMs)}`, token: 'text.muted' }] })
  return rows
}

function gpuName(g: GpuFigure): string {
  return `GPU ${g.index ?? '?'} ${g.name ?? 'unknown'}`
}

function gpuRows(o: Observation, nowMs: number): MeterRow[] {
  const { gpu } = o
  if (gpu.kind === 'none')
    return [{ kind: 'line', line: [{ text: 'none on this machine (no nvidia-smi)', token: 'text.muted' }] }]
  if (gpu.kind === 'unknown')
    return [{ kind: 'line', line: [{ text: `unknown: ${gpu.reason}`, token: 'state.unknown' }] }]
  const rows: MeterRow[] = []
  for (const g of gpu.gpus) {
    const memory =
      g.memoryUsedMiB === null || g.memoryTotalMiB === null ? null : g.memoryUsedMiB / Math.max(1, g.memoryTotalMiB)
    const figure = (value: number | null, unit: string) => (value === null ? 'unknown' : `${Math.round(value)} ${unit}`)
    rows.push({
      kind: 'meter',
      label: `GPU ${g.index ?? '?'}`,
      fraction: g.utilisationPercent === null ? null : g.utilisationPercent / 100,
      text: g.utilisationPercent === null ? undefined : `${Math.round(g.utilisationPercent)} %`,
      mid: 2,
      high: 2,
    } as MeterRow)
    rows.push({
      kind: 'meter',
      label: '  memory',
      fraction: memory,
      text: memory === null ? undefined : `${g.memoryUsedMiB} of ${g.memoryTotalMiB} MiB`,
      mid: 0.9,
      high: 0.95,
    } as MeterRow)
    const slow = g.isSlowedByHardware ? ', slowed by hardware' : ''
    rows.push({
      kind: 'line',
      line: [
        {
          text: `  ${gpuName(g)}: SM ${figure(g.smClockMHz, 'MHz')} of ${figure(g.smClockMaxMHz, 'MHz')}, ${figure(g.powerWatts, 'W')} of ${figure(g.powerLimitWatts, 'W')}, ${figure(g.temperatureCelsius, '°C')}${slow}`,
          token: g.isSlowedByHardware ? 'severity.error' : 'text.muted',
        },
      ],
    })
  }
  for (const lost of gpu.lost) rows.push({ kind: 'line', line: [{ text: `lost: ${lost}`, token: 'severity.error' }] })
  if (gpu.processes === null) rows.push({ kind: 'line', line: [{ text: 'processes unknown', token: 'state.unknown' }] })
  else
    for (const p of gpu.processes)
      rows.push({
        kind: 'line',
        line: [
          {
            text: `  pid ${p.pid ?? '?'} ${p.name}${p.usedMiB === null ? '' : ` ${p.usedMiB} MiB`}`,
            token: 'text.muted',
          },
        ],
      })
  rows.push({ kind: 'line', line: [{ text: `looked ${ageText(nowMs - gpu.atMs)}`, token: 'text.muted' }] })
  return rows
}

function findingRows(input: ScreenInput): readonly Row[] {
  const weights = { error: 0, warn: 1, info: 2 } as const
  return [...(input.run?.findings ?? [])]
    .filter((f) => f.closedAtMs === null)
    .sort((a, b) => weights[a.severity] - weights[b.severity] || b.openedAtMs - a.openedAtMs)
    .map((f) => ({
      id: f.findingId,
      cells: [
        f.severity,
        f.text,
        f.remedy,
        ageText(input.nowMs - f.openedAtMs),
        f.acknowledgedBy === null ? '' : `seen by ${f.acknowledgedBy}`,
      ],
      token: `severity.${f.severity}` as const,
    }))
}

function stateLine(o: Observation, nowMs: number): Span[] {
  const { done, running, queued, failed, aborted } = o.counts
  const spans: Span[] = [{ text: o.state, token: stateTokens[o.state] }]
  if (o.isSuspect) spans.push({ text: ' (suspect)', token: 'severity.warn' })
  spans.push({
    text: ` – ${done} of ${o.unitsTotal ?? '?'} done, ${running} running, ${queued} queued${failed + aborted > 0 ? `, ${failed + aborted} failed` : ''}`,
  })
  if (o.state === 'running' && o.eta !== null)
    spans.push({ text: `  ETA ${formatDuration(o.eta.secondsP50)} (${o.eta.samples} samples)` })
  else if (o.reasons[0] !== undefined) spans.push({ text: `  ${o.reasons[0]}`, token: 'text.muted' })
  spans.push({ text: `  looked ${ageText(nowMs - o.atMs)}`, token: 'text.muted' })
  return spans
}

function summary(input: ScreenInput, o: Observation | null): StyledLine {
  if (proofOf(input, 'Receipt') === undefined)
    return phaseSummary(input, 'patrol', 'nothing was launched yet; 5 goes to the launch')
  if (o === null)
    return [{ text: 'unknown', token: 'state.unknown' }, { text: ' – launched, not looked at yet; r looks now' }]
  return stateLine(o, input.nowMs)
}

export function patrolModel(input: ScreenInput): ScreenModel {
  const o = input.observation
  const units = o === null ? [] : inOrder(o.units)
  const cells = (o?.units ?? []).map(
    (u): GridCell => ({ id: u.unit, text: unitMarks[u.state].mark, token: unitMarks[u.state].token }),
  )
  const wanted = input.selected('units') ?? units[0]?.unit ?? null
  const log = input.shelves.unitLog
  const findings = findingRows(input)
  const panes: PaneModel[] = [
    {
      kind: 'table',
      id: 'units',
      title: 'Units',
      note: o === null ? '' : `${o.counts.done}/${o.unitsTotal ?? '?'}`,
      columns: [
        column(0, 'unit', { flex: 1, min: 12 }),
        column(1, 'state', { width: 9 }),
        column(2, 'wkr', { width: 3, align: 'right', dropOrder: 3 }),
        column(3, 'time', { width: 8, align: 'right' }),
        column(4, 'step', { width: 9, align: 'right', dropOrder: 2 }),
        column(5, o?.metricName ?? 'metric', { width: 9, align: 'right' }),
        column(6, 'left', { width: 8, align: 'right', dropOrder: 1 }),
        column(7, 'try', { width: 3, align: 'right', dropOrder: 5 }),
        column(8, 'NaN', { width: 4, align: 'right', dropOrder: 4 }),
      ],
      rows: units.map(unitRow),
      empty: o === null ? 'not looked at yet; r looks now' : 'no units',
    },
    {
      kind: 'log',
      id: 'log',
      title: wanted === null ? 'Log' : `Log of ${wanted}`,
      log: log !== null && log.unit === wanted ? log.log : null,
      empty: wanted === null ? 'no unit' : 'nothing written yet',
    },
    {
      kind: 'table',
      id: 'findings',
      title: 'Findings',
      note: `${findings.length} open`,
      columns: [
        column(0, '', { width: 5 }),
        column(1, 'what', { flex: 3, min: 16 }),
        column(2, 'remedy', { flex: 3, min: 16, dropOrder: 1 }),
        column(3, 'since', { width: 12, dropOrder: 2 }),
        column(4, '', { width: 14, dropOrder: 3 }),
      ],
      rows: findings,
      empty: 'nothing found',
    },
    {
      kind: 'grid',
      id: 'grid',
      title: 'Split grid',
      note: '. waits  R runs  D done  F failed  A aborted',
      cells,
      empty: 'not looked at yet',
    },
    {
      kind: 'meters',
      id: 'machine',
      title: 'Machine and disks',
      rows: o === null ? [] : machineRows(o, input.nowMs),
      empty: 'not looked at yet',
    },
    {
      kind: 'meters',
      id: 'gpu',
      title: 'GPU',
      rows: o === null ? [] : gpuRows(o, input.nowMs),
      empty: 'not looked at yet',
    },
    {
      kind: 'chart',
      id: 'chart',
      title: 'Metrics',
      series: input.shelves.series,
      version: input.shelves.seriesVersion,
      xStep: 1,
      empty: 'no metrics written yet',
    },
  ]
  const hasGpu = o?.gpu.kind === 'known'
  return {
    id: 'patrol',
    title: 'Patrol',
    summary: summary(input, o),
    panes,
    columns: [
      {
        weight: 1,
        panes: [
          { id: 'units', weight: 3 },
          { id: 'log', weight: 2 },
        ],
      },
      {
        weight: 1,
        panes: hasGpu
          ? [
              { id: 'gpu', weight: 3 },
              { id: 'machine', weight: 2 },
              { id: 'chart', weight: 2 },
              { id: 'findings', weight: 1 },
            ]
          : [
              { id: 'grid', weight: 1 },
              { id: 'machine', weight: 2 },
              { id: 'chart', weight: 3 },
              { id: 'findings', weight: 1 },
            ],
      },
    ],
  }
}
