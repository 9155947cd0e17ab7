import type { UnitState } from '../../engine/types.ts'
import type { RunLiveness } from '../../walk/phase.ts'
import { runEndOf } from '../../walk/run-end.ts'
import type { Assignment } from '../../walk/shares.ts'
import { type Counted, type Holder, releasedOf } from '../../walk/shares.ts'
import type { GpuPanel, HostLine, MachineFigure, Observation, Signals, UnitRow } from '../types.ts'
import { decide } from './decision.ts'
import { countStates } from './rows.ts'

/** One host of a run over several, with its newest look and the newest one that it answered. */
export interface HostLooks {
  readonly host: string
  readonly isLaunched: boolean
  readonly liveness: RunLiveness | null
  readonly reason: string | null
  readonly latest: Observation | null
  readonly truth: Observation | null
}

export interface TogetherInput {
  readonly nowMs: number
  readonly hosts: readonly HostLooks[]
  readonly units: readonly { readonly id: string; readonly index: number }[]
  readonly assignments: readonly Assignment[]
  readonly owners: ReadonlyMap<string, Holder>
  readonly counted: Counted
  /** How the run stands over all hosts, with why. */
  readonly state: RunLiveness
  readonly reason: string | null
  readonly previous: Observation | null
  readonly openFindings: Observation['openFindings']
}

const sum = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((total, each) => (total === null || each === null ? null : total + each), 0)

/**
 * What the looks at all hosts come to. A unit has one row: of the host whose result counts, else of the one that is to do
 * it. Of a host that does not answer nothing is claimed but what it had finished when it last did.
 */
export function togetherOf(input: TogetherInput): Observation {
  const { nowMs, hosts, previous, state } = input
  const byName = new Map(hosts.map((each) => [each.host, each]))
  const rows = input.units.map((unit) => rowOf(unit, input, byName))
  const counts = countStates(rows)
  const released = releasedOf(input.assignments)
  const asked = hosts.filter(({ host, isLaunched }) => isLaunched && !released.has(host))
  const seen = asked.flatMap(({ latest }) => (latest === null ? [] : [latest]))
  const isOver = state === 'finished' || state === 'dead'
  const etas = asked.flatMap(({ liveness, latest }) =>
    liveness === 'running' || liveness === 'stalled' ? [latest?.eta ?? null] : [],
  )
  const exits = seen.flatMap(({ signals }) => (signals.exit === null ? [] : [signals.exit]))
  const ends = exits.map((exit) => ({ exit, end: runEndOf(exit) }))
  const worst = ends.find(({ end }) => end.word !== 'completed') ?? ends[0]
  const exit = isOver && worst !== undefined ? worst.exit : null
  const starts = hosts.flatMap(({ truth }) => (truth?.startedAtMs == null ? [] : [truth.startedAtMs]))
  const stops = seen.flatMap(({ endedAtMs }) => (endedAtMs === null ? [] : [endedAtMs]))
  const lines = hosts.map((each) => hostLine(each, input, rows, released.has(each.host)))
  const working = lines.filter((line) => line.state === 'running').length
  const spread = `${working} of ${asked.length} hosts at work`
  return {
    v: 1,
    atMs: nowMs,
    host: hosts.map(({ host }) => host).join(', '),
    state,
    sinceMs: previous?.state === state ? previous.sinceMs : nowMs,
    reasons: [input.reason ?? (isOver ? `${state} on all hosts` : spread)],
    isSuspect: seen.some((look) => look.isSuspect),
    deadSinceMs: null,
    unitsDone: counts.done,
    unitsTotal: input.units.length,
    signals: signalsOf(asked, counts, input, exit),
    engineState: seen.map((look) => look.engineState).join(' '),
    counts,
    units: rows,
    metricName: seen[0]?.metricName ?? null,
    eta:
      etas.length === 0 || etas.some((eta) => eta === null) || state === 'unknown'
        ? null
        : etas.reduce((last, eta) =>
            last === null || eta === null ? null : eta.secondsP50 > last.secondsP50 ? eta : last,
          ),
    disks: hosts.flatMap(({ host, latest }) =>
      (latest?.disks ?? []).map((disk) => ({ ...disk, tier: `${host} ${disk.tier}` })),
    ),
    machine: machineOf(seen, nowMs),
    gpu: gpuOf(hosts, nowMs),
    crashes: seen.flatMap((look) => look.crashes),
    startedAtMs: starts.length === 0 ? null : Math.min(...starts),
    endedAtMs: isOver && stops.length > 0 ? Math.max(...stops) : null,
    troubles: hosts.flatMap(({ host, latest }) => (latest?.troubles ?? []).map((text) => `${host}: ${text}`)),
    probeSeconds: Math.max(0, ...seen.map((look) => look.probeSeconds)),
    openFindings: input.openFindings,
    hosts: lines,
    ...decide(state, input.openFindings.error, exit === null ? null : runEndOf(exit)),
  }
}

const rowIn = (look: Observation | null, unit: string) => look?.units.find((row) => row.unit === unit)

const blank = (unit: { readonly id: string; readonly index: number }, state: UnitState, host?: string): UnitRow => ({
  unit: unit.id,
  index: unit.index,
  state,
  worker: null,
  attempt: 0,
  seconds: null,
  exitCode: null,
  step: null,
  steps: null,
  metric: null,
  nanCount: 0,
  etaSeconds: null,
  overdueSeconds: null,
  logBytes: null,
  lastWriteMs: null,
  ...(host === undefined ? {} : { host }),
})

function rowOf(
  unit: { readonly id: string; readonly index: number },
  { counted, owners }: TogetherInput,
  byName: ReadonlyMap<string, HostLooks>,
): UnitRow {
  const from = counted.from.get(unit.id)?.host
  if (from !== undefined) {
    const row = rowIn(byName.get(from)?.truth ?? null, unit.id)
    return row?.state === 'done' ? { ...row, host: from } : blank(unit, 'done', from)
  }
  const owner = owners.get(unit.id)?.host
  if (owner === undefined) return blank(unit, 'queued')
  const looks = byName.get(owner)
  if (looks === undefined || !looks.isLaunched) return blank(unit, 'queued', owner)
  if (looks.liveness === 'unknown' || looks.latest === null) return blank(unit, 'unknown', owner)
  // Given to it since it was last looked at, or left out of a very long list: it waits.
  const row = rowIn(looks.latest, unit.id)
  return row === undefined ? blank(unit, 'queued', owner) : { ...row, host: owner }
}

function hostLine(
  { host, isLaunched, liveness, reason, latest, truth }: HostLooks,
  { owners }: TogetherInput,
  rows: readonly UnitRow[],
  isReleased: boolean,
): HostLine {
  const own = rows.filter((row) => row.host === host)
  return {
    host,
    state: isLaunched ? (liveness ?? 'unknown') : null,
    isReleased,
    reason: reason ?? latest?.reasons[0] ?? null,
    truthAtMs: truth?.atMs ?? null,
    unitsDone: own.filter((row) => row.state === 'done').length,
    unitsRunning: own.filter((row) => row.state === 'running').length,
    units: [...owners.values()].filter((owner) => owner.host === host).length,
    etaSeconds: latest?.eta?.secondsP50 ?? null,
    ...(latest?.guard === undefined ? {} : { guard: latest.guard }),
  }
}

function signalsOf(
  asked: readonly HostLooks[],
  counts: Observation['counts'],
  input: TogetherInput,
  exit: Signals['exit'],
): Signals {
  const all = asked.map(({ latest }) => latest?.signals)
  const every = (of: (signals: Signals) => boolean | null): boolean | null => {
    const values = all.map((signals) => (signals === undefined ? null : of(signals)))
    return values.includes(false) ? false : values.includes(null) || values.length === 0 ? null : true
  }
  const number = (of: (signals: Signals) => number | null): readonly number[] =>
    all.flatMap((signals) => (signals === undefined ? [] : (of(signals) ?? [])))
  const most = (values: readonly number[]) => (values.length === 0 ? null : Math.max(...values))
  return {
    isProcessAlive: every((signals) => signals.isProcessAlive),
    isSameBoot: every((signals) => signals.isSameBoot),
    isSameMachine: every((signals) => signals.isSameMachine),
    heartbeatAgeSeconds: most(number((signals) => signals.heartbeatAgeSeconds)),
    exit,
    newestWriteAgeSeconds: most(number((signals) => signals.newestWriteAgeSeconds)),
    stalledAfterSeconds: most(number((signals) => signals.stalledAfterSeconds)) ?? 0,
    unitsDone: counts.done,
    unitsTotal: input.units.length,
    unitsRunning: counts.running,
    cpuFraction: null,
    gpuPercent: null,
    provider: 'up',
    elapsedSeconds: most(number((signals) => signals.elapsedSeconds)),
    expectedSeconds: most(number((signals) => signals.expectedSeconds)),
  }
}

/** Sums where every host says; a share of processors is that of all cores together. */
function machineOf(seen: readonly Observation[], nowMs: number): MachineFigure {
  const of = (figure: (machine: MachineFigure) => number | null) =>
    seen.length === 0 ? null : sum(seen.map((look) => figure(look.machine)))
  const cores = of((machine) => machine.cores)
  const busy = of(({ cores: own, cpuFraction }) => (own === null || cpuFraction === null ? null : own * cpuFraction))
  return {
    atMs: nowMs,
    cores,
    cpuFraction: cores === null || busy === null || cores === 0 ? null : busy / cores,
    load1: of((machine) => machine.load1),
    memoryTotalBytes: of((machine) => machine.memoryTotalBytes),
    memoryAvailableBytes: of((machine) => machine.memoryAvailableBytes),
    memoryLimitBytes: null,
    memoryWorkingBytes: of((machine) => machine.memoryWorkingBytes),
    oomKills: of((machine) => machine.oomKills),
    oomScope: 'machine',
    skewSeconds: null,
  }
}

function gpuOf(hosts: readonly HostLooks[], nowMs: number): GpuPanel {
  const panels = hosts.flatMap(({ host, latest }) => (latest === null ? [] : [{ host, gpu: latest.gpu }]))
  if (panels.length === 0) return { kind: 'unknown', atMs: nowMs, reason: 'no host was looked at' }
  if (panels.every(({ gpu }) => gpu.kind === 'none')) return { kind: 'none', atMs: nowMs }
  const silent = panels.find(({ gpu }) => gpu.kind === 'unknown')
  if (silent?.gpu.kind === 'unknown')
    return { kind: 'unknown', atMs: nowMs, reason: `${silent.host}: ${silent.gpu.reason}` }
  const known = panels.flatMap(({ host, gpu }) => (gpu.kind === 'known' ? [{ host, gpu }] : []))
  return {
    kind: 'known',
    atMs: Math.min(...known.map(({ gpu }) => gpu.atMs)),
    gpus: known.flatMap(({ host, gpu }) =>
      gpu.gpus.map((figure) => ({ ...figure, name: `${host} ${figure.name ?? ''}`.trim() })),
    ),
    lost: known.flatMap(({ host, gpu }) => gpu.lost.map((text) => `${host}: ${text}`)),
    processes: null,
    xids: known.flatMap(({ gpu }) => gpu.xids ?? []),
  }
}
