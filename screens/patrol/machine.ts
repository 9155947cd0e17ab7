import type { DiskFigure, GpuFigure, Observation } from '../../src/patrol/types.ts'
import { formatBytes, formatDuration } from '../../src/text/format.ts'
import { staleMark } from '../workbench/ages.ts'
import type { MeterRow, Span } from '../workbench/model.ts'

const line = (text: string, token: Span['token'] = 'text.muted'): MeterRow => ({
  kind: 'line',
  line: [{ text, token }],
})

interface Bar {
  readonly label: string
  readonly fraction: number | null
  readonly text: string
  /** Behind text or reason: how old the figure is, when it is too old. */
  readonly mark: string
  readonly unknown?: string | null | undefined
  /** Fractions from which it is drawn as a warning and as an error; without them it is only a figure. */
  readonly limits?: readonly [number, number]
}

function bar({ label, fraction, text, mark, unknown, limits }: Bar): MeterRow {
  const [mid, high] = limits ?? [2, 2]
  const row = { kind: 'meter', label, fraction, mid, high, ...(mark === '' ? {} : { isOld: true }) } as const
  return fraction === null ? { ...row, unknown: `${unknown ?? 'not told'}${mark}` } : { ...row, text: `${text}${mark}` }
}

/** Bytes in use of what the run may have: of its container when that has a limit, else of the machine. */
function memoryBar(o: Observation, mark: string): MeterRow {
  const m = o.machine
  const limit = typeof m.memoryLimitBytes === 'number' ? m.memoryLimitBytes : null
  const total = limit ?? m.memoryTotalBytes
  const ofMachine =
    m.memoryTotalBytes === null || m.memoryAvailableBytes === null ? null : m.memoryTotalBytes - m.memoryAvailableBytes
  const used = limit === null ? ofMachine : m.memoryWorkingBytes
  const isKnown = used !== null && total !== null && total > 0
  const text = isKnown ? `${formatBytes(used)} of ${formatBytes(total)}` : ''
  // Above 90 % of a container's memory its killer is near (handbook monitoring 5).
  return bar({ label: 'memory', fraction: isKnown ? used / total : null, text, mark, limits: [0.9, 0.95] })
}

function diskBar(d: DiskFigure, mark: string): MeterRow {
  const share =
    d.usedInodes === null || d.totalInodes === null || d.totalInodes === 0 ? null : d.usedInodes / d.totalInodes
  const inodes = share === null ? 'inodes unknown' : `inodes ${(share * 100).toFixed(1)} %`
  const free = d.freeBytes === null ? 'free bytes unknown' : `${formatBytes(d.freeBytes)} free`
  // Bytes or inodes, whichever is nearer to its end (handbook monitoring 5: 90 and 95 %).
  const fraction = d.usedFraction === null ? null : Math.max(d.usedFraction, share ?? 0)
  return bar({
    label: d.tier,
    fraction,
    text: `${free}, ${inodes}`,
    mark,
    unknown: d.reason,
    limits: [0.9, 0.95],
  })
}

function diskLine(d: DiskFigure): MeterRow {
  const rate = d.growthBytesPerSecond
  const growth =
    rate === null ? 'growth: too early to say' : `${rate >= 0 ? '+' : ''}${formatBytes(Math.round(rate * 60))}/min`
  const full = d.secondsToFull === null ? '' : `, full in ${formatDuration(d.secondsToFull)}`
  const destroy = d.survives.destroy === 'survives' ? 'kept' : d.survives.destroy
  // Less than a day to go is a warning, less than an hour an error (handbook monitoring 5).
  const token =
    d.secondsToFull === null || d.secondsToFull >= 86_400
      ? 'text.muted'
      : d.secondsToFull < 3600
        ? 'severity.error'
        : 'severity.warn'
  return line(`${d.tier}: ${growth}${full}; on destroy ${destroy}`, token)
}

/** Processor, memory and disks: bars first, then what is to be said about them. */
export function machineRows(o: Observation, nowMs: number, isMoving: boolean, isLost = false): MeterRow[] {
  const m = o.machine
  const mark = staleMark(nowMs - m.atMs, isMoving, isLost)
  const hasLimit = typeof m.memoryLimitBytes === 'number'
  const limit =
    m.memoryLimitBytes === null ? 'memory limit unknown' : hasLimit ? 'limit of the container' : 'no memory limit'
  const kills =
    m.oomKills === null ? 'oom kills unknown' : `${m.oomKills} oom kill${m.oomKills === 1 ? '' : 's'} (${m.oomScope})`
  const skew = m.skewSeconds !== null && Math.abs(m.skewSeconds) >= 2 ? `, its clock is ${m.skewSeconds} s off` : ''
  return [
    ...o.troubles.map((text) => line(text, 'severity.warn')),
    bar({
      label: 'CPU',
      fraction: m.cpuFraction,
      text: `${Math.round((m.cpuFraction ?? 0) * 100)} % of ${m.cores ?? '?'} cores`,
      mark,
      unknown: 'needs two looks',
    }),
    memoryBar(o, mark),
    ...o.disks.map((d) => diskBar(d, staleMark(nowMs - d.atMs, isMoving, isLost))),
    line(
      `load ${m.load1 === null ? 'unknown' : m.load1.toFixed(2)}, ${limit}, ${kills}${skew}`,
      m.oomKills !== null && m.oomKills > 0 ? 'severity.error' : 'text.muted',
    ),
    ...(o.gpu.kind === 'none' ? [line('GPU: none on this machine (no nvidia-smi)')] : []),
    ...o.disks.map(diskLine),
  ]
}

const figure = (value: number | null, unit: string) => (value === null ? `? ${unit}` : `${Math.round(value)} ${unit}`)

/** Name and limits, said once for cards that are the same. */
function cardLines(gpus: readonly GpuFigure[]): string[] {
  const names = gpus.map(
    (g) => `${g.name ?? 'name unknown'}, up to ${figure(g.smClockMaxMHz, 'MHz')} and ${figure(g.powerLimitWatts, 'W')}`,
  )
  return [...new Set(names)].map((name) => {
    const same = gpus.filter((_, i) => names[i] === name)
    return same.length === gpus.length && same.length > 1
      ? `${same.length} x ${name}`
      : `GPU ${same.map((g) => g.index ?? '?').join(', ')}: ${name}`
  })
}

/** Load and memory of each card, what is wrong with it, and who uses it. What it did not tell is unknown, never zero. */
export function gpuRows(o: Observation, nowMs: number, isMoving: boolean, isLost = false): MeterRow[] {
  const { gpu } = o
  if (gpu.kind === 'none') return []
  if (gpu.kind === 'unknown') return [line(`unknown: ${gpu.reason}`, 'state.unknown')]
  const mark = staleMark(nowMs - gpu.atMs, isMoving, isLost)
  const rows: MeterRow[] = []
  for (const lost of gpu.lost) rows.push(line(`lost: ${lost}`, 'severity.error'))
  if (gpu.xids !== null && gpu.xids.length > 0)
    rows.push(line(`Xid in the kernel log: ${gpu.xids.join(', ')}`, 'severity.error'))
  for (const g of gpu.gpus) {
    const util = g.utilisationPercent
    const isMemoryKnown = g.memoryUsedMiB !== null && g.memoryTotalMiB !== null && g.memoryTotalMiB > 0
    rows.push(
      bar({
        label: `GPU ${g.index ?? '?'}`,
        fraction: util === null ? null : util / 100,
        text: `${figure(g.smClockMHz, 'MHz')} ${figure(g.powerWatts, 'W')} ${figure(g.temperatureCelsius, '°C')} ${figure(util, '%').padStart(5)}`,
        mark,
      }),
      bar({
        label: '  memory',
        fraction: isMemoryKnown ? (g.memoryUsedMiB ?? 0) / (g.memoryTotalMiB ?? 1) : null,
        text: `${g.memoryUsedMiB} of ${g.memoryTotalMiB} MiB`,
        mark,
        limits: [0.9, 0.95],
      }),
    )
    if (g.isSlowedByHardware === true)
      rows.push(line(`  GPU ${g.index ?? '?'} is slowed by hardware`, 'severity.error'))
  }
  for (const text of cardLines(gpu.gpus)) rows.push(line(text))
  if (gpu.processes === null) rows.push(line('processes unknown', 'state.unknown'))
  else if (gpu.processes.length === 0) rows.push(line('no process uses a GPU'))
  else
    for (const p of gpu.processes)
      rows.push(line(`pid ${p.pid ?? '?'} ${p.name}${p.usedMiB === null ? '' : ` ${p.usedMiB} MiB`}`))
  return rows
}
