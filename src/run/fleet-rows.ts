import type { RunLiveness } from '../walk/phase.ts'
import { ownersOf, releasedOf } from '../walk/shares.ts'
import { viewOf } from './host-view.ts'
import { hostLiveness, livenessOf } from './reader.ts'
import type { RunState } from './types.ts'
import { countedIn } from './units-done.ts'

export interface FleetGpu {
  readonly name: string | null
  readonly usePercent: number | null
  readonly memoryUsedMiB: number | null
  readonly memoryTotalMiB: number | null
  readonly temperatureCelsius: number | null
}

/** One host of a run, as its journal tells it. What is not known is null, never zero. */
export interface FleetRow {
  readonly host: string
  readonly runId: string
  /** `planned`: nothing was launched there yet. */
  readonly state: RunLiveness | 'planned' | 'removed'
  /** It has given back what it had not finished. */
  readonly isReleased: boolean
  readonly reason: string | null
  /** When it last answered a look; null: never. */
  readonly truthAtMs: number | null
  readonly machineClass: string | null
  /** Null: not known; empty: it has none. */
  readonly gpus: readonly FleetGpu[] | null
  readonly diskUsedFraction: number | null
  readonly diskFreeBytes: number | null
  readonly units: number
  readonly unitsDone: number
  readonly unitsRunning: number | null
  /** Units an hour, from those that it has finished; null: it has finished none, or nobody knows. */
  readonly unitsPerHour: number | null
  readonly etaSeconds: number | null
  readonly usdPerHour: number | null
  readonly usdSpent: number | null
  readonly hasMeter: boolean
  readonly leaseUntilMs: number | null
  readonly openFindings: number
  /** What there is on record of it, for what can be done with it. */
  readonly has: { readonly audit: boolean; readonly receipt: boolean; readonly manifest: boolean }
}

/** What is read of a look; another room's payload, so every part of it may be missing. */
interface Seen {
  readonly gpu?: { readonly kind?: unknown; readonly gpus?: unknown }
  readonly disks?: unknown
  readonly units?: unknown
  readonly eta?: { readonly secondsP50?: unknown } | null
}

const finite = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)
const rows = (value: unknown): readonly Readonly<Record<string, unknown>>[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : []

function gpusOf(seen: Seen | null): readonly FleetGpu[] | null {
  if (seen?.gpu?.kind === 'none') return []
  if (seen?.gpu?.kind !== 'known') return null
  return rows(seen.gpu.gpus).map((gpu) => ({
    name: typeof gpu.name === 'string' ? gpu.name : null,
    usePercent: finite(gpu.utilisationPercent),
    memoryUsedMiB: finite(gpu.memoryUsedMiB),
    memoryTotalMiB: finite(gpu.memoryTotalMiB),
    temperatureCelsius: finite(gpu.temperatureCelsius),
  }))
}

function spentOn(
  state: RunState,
  nowMs: number,
): Pick<FleetRow, 'usdPerHour' | 'usdSpent' | 'hasMeter' | 'leaseUntilMs'> {
  const sum = (values: readonly (number | null)[]) =>
    values.reduce<number | null>((total, each) => (total === null || each === null ? null : total + each), 0)
  const open = state.meters.filter((meter) => meter.closedAtMs === null)
  const leases = open.flatMap((meter) => (meter.leaseUntilMs === null ? [] : [meter.leaseUntilMs]))
  return {
    usdPerHour: sum(open.map((meter) => meter.usdPerHour)),
    usdSpent: sum(
      state.meters.map(({ usdPerHour, openedAtMs, closedAtMs }) =>
        usdPerHour === null ? null : (usdPerHour * Math.max(0, (closedAtMs ?? nowMs) - openedAtMs)) / 3_600_000,
      ),
    ),
    hasMeter: open.length > 0,
    leaseUntilMs: leases.length === 0 ? null : Math.min(...leases),
  }
}

/** Every host of a run, in the order of the plan. A run on one host has one row, or none before its host is known. */
export function fleetRows(state: RunState, nowMs: number): readonly FleetRow[] {
  const { fleet } = state
  if (fleet === undefined || fleet.hosts.length < 2) {
    const host = state.latest.Receipt?.host?.host ?? state.latest.AuditReport?.host?.host
    return host === undefined ? [] : [rowOf(state, state, host, nowMs, null)]
  }
  return fleet.hosts.map((host) => rowOf(state, viewOf(state, host), host, nowMs, fleet))
}

function rowOf(
  whole: RunState,
  own: RunState,
  host: string,
  nowMs: number,
  fleet: NonNullable<RunState['fleet']> | null,
): FleetRow {
  const { liveness, reason } =
    fleet === null
      ? livenessOf(own, nowMs)
      : (hostLiveness(whole, fleet, nowMs, true).find((each) => each.host === host) ?? { liveness: null, reason: null })
  const latest = own.observation?.payload as (Seen & { readonly reasons?: unknown }) | undefined
  const truth = fleet === null ? own.observation : (fleet.truths[host] ?? null)
  const seen = (truth?.payload ?? null) as Seen | null
  const said = Array.isArray(latest?.reasons) && typeof latest.reasons[0] === 'string' ? latest.reasons[0] : null
  const units = rows(seen?.units)
  const counted = fleet === null ? null : countedIn(whole).from
  const owned = fleet === null ? null : [...ownersOf(fleet.assignments)].filter(([, owner]) => owner.host === host)
  const done =
    counted === null
      ? units.filter((unit) => unit.state === 'done').length
      : [...counted.values()].filter((from) => from.host === host).length
  const seconds = units.flatMap((unit) => (unit.state === 'done' ? (finite(unit.seconds) ?? []) : []))
  const workers = finite((own.latest.Receipt?.payload as { readonly workers?: unknown } | undefined)?.workers)
  const mean = seconds.length === 0 ? null : seconds.reduce((sum, each) => sum + each, 0) / seconds.length
  const disks = rows(seen?.disks).flatMap((disk) => {
    const used = finite(disk.usedFraction)
    return used === null ? [] : [{ used, free: finite(disk.freeBytes) }]
  })
  const fullest = disks.sort((a, b) => b.used - a.used)[0]
  const isKnown = liveness === 'running' || liveness === 'stalled'
  return {
    host,
    runId: whole.runId,
    state: own.latest.MeterStopped !== undefined ? 'removed' : (liveness ?? 'planned'),
    isReleased: fleet !== null && releasedOf(fleet.assignments).has(host),
    reason: reason ?? said,
    truthAtMs: truth?.atMs ?? null,
    machineClass: own.latest.AuditReport?.machineClass ?? null,
    gpus: gpusOf(seen),
    diskUsedFraction: fullest?.used ?? null,
    diskFreeBytes: fullest?.free ?? null,
    units: owned?.length ?? units.length,
    unitsDone: done,
    unitsRunning: isKnown ? units.filter((unit) => unit.state === 'running').length : liveness === 'unknown' ? null : 0,
    unitsPerHour: mean === null || workers === null || !(mean > 0) ? null : (workers * 3600) / mean,
    etaSeconds: isKnown ? finite((latest as Seen | undefined)?.eta?.secondsP50) : null,
    ...spentOn(own, nowMs),
    openFindings: own.findings.filter((finding) => finding.closedAtMs === null).length,
    has: {
      audit: own.latest.AuditReport !== undefined,
      receipt: own.latest.Receipt !== undefined,
      manifest: own.latest.VerifiedManifest !== undefined,
    },
  }
}
