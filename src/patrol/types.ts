import type { BoxExit, UnitState } from '../engine/types.ts'
import type { Survival } from '../profile/schema.ts'
import type { ObservationHead } from '../run/payloads.ts'
import type { FindingClass } from '../run/types.ts'
import type { RunLiveness } from '../walk/phase.ts'

/** What is known of the whole run from independent witnesses (handbook monitoring 3). Null: could not be told. */
export interface Signals {
  /** Runner alive by pid, start time and boot id. */
  readonly isProcessAlive: boolean | null
  readonly isSameBoot: boolean | null
  /** Whether the machine that answers is the one of the receipt. */
  readonly isSameMachine: boolean | null
  readonly heartbeatAgeSeconds: number | null
  readonly exit: BoxExit | null
  /** Age of the newest file that any unit wrote. */
  readonly newestWriteAgeSeconds: number | null
  /** Silence from which a unit counts as stalled, from what its steps and units were measured to take. */
  readonly stalledAfterSeconds: number
  readonly unitsDone: number | null
  readonly unitsTotal: number
  readonly unitsRunning: number | null
  /** Share of the machine's CPU in use since the tick before; a silent unit that computes is not stalled yet. */
  readonly cpuFraction: number | null
  readonly gpuPercent: number | null
  /** What bills for the machine says about it; this machine is always up. */
  readonly provider: 'up' | 'gone' | 'unknown'
  readonly elapsedSeconds: number | null
  readonly expectedSeconds: number | null
}

export interface Liveness {
  readonly state: RunLiveness
  /** Why, in words; the first is the shortest. */
  readonly reasons: readonly string[]
  /** Finished, but not to be believed before a person looked (too fast, or the roster is short). */
  readonly isSuspect: boolean
  /** Since when there is neither process nor exit file; dead is said only when it stays so. */
  readonly deadSinceMs: number | null
}

/** One row of the split grid. Seconds are measured, never guessed. */
export interface UnitRow {
  readonly unit: string
  readonly index: number
  readonly state: UnitState
  readonly worker: number | null
  readonly attempt: number
  readonly seconds: number | null
  readonly exitCode: number | null
  readonly step: number | null
  readonly steps: number | null
  /** Newest value of the plan's primary metric. */
  readonly metric: number | null
  readonly nanCount: number
  /** Seconds left, from the unit's own steps or from units that have finished; null when neither tells. Never of one overdue. */
  readonly etaSeconds: number | null
  /** Seconds beyond what finished units took; null: it is not, or nothing tells. Older records have none. */
  readonly overdueSeconds?: number | null
  /** It runs and has written nothing for longer than `stalledAfterSeconds`. Older records do not say. */
  readonly isStalled?: boolean
  readonly logBytes: number | null
  readonly lastWriteMs: number | null
  /** Of a run over several hosts: whose result counts, else who is to do it. */
  readonly host?: string
}

/** The guard of the lease, as it was last read on the box. */
export interface GuardFigure {
  /** When it was read: before the look itself when that one did not tell. */
  readonly atMs: number
  /** `gone`: its process is, while work goes on; `left`: with a run that is over; `none`: no guard of this launch is there. */
  readonly word: 'armed' | 'gone' | 'left' | 'none'
  /** Lease that it holds. */
  readonly number: number | null
  /** Of that lease, by the clock of the box; below zero: it is over. */
  readonly leftSeconds: number | null
  /** What it has raised, and about what; null: nothing. */
  readonly alarm: string | null
  readonly why: string | null
}

/** How one host of several stands, in the look at all of them. */
export interface HostLine {
  readonly host: string
  /** Null: nothing was launched there. */
  readonly state: RunLiveness | null
  /** It has given back what it had not finished. */
  readonly isReleased: boolean
  readonly reason: string | null
  /** When it last answered; null: never. */
  readonly truthAtMs: number | null
  readonly unitsDone: number
  readonly unitsRunning: number
  readonly units: number
  readonly etaSeconds: number | null
  /** Older records have none. */
  readonly guard?: GuardFigure
}

export interface DiskFigure {
  readonly tier: string
  readonly path: string
  readonly survives: { readonly reboot: Survival; readonly stop: Survival; readonly destroy: Survival }
  readonly atMs: number
  readonly totalBytes: number | null
  readonly usedBytes: number | null
  readonly freeBytes: number | null
  /** Share used as df counts it, 0 to 1. */
  readonly usedFraction: number | null
  readonly totalInodes: number | null
  readonly usedInodes: number | null
  readonly freeInodes: number | null
  readonly growthBytesPerSecond: number | null
  readonly growthInodesPerSecond: number | null
  /** Until bytes or inodes run out at that growth, whichever comes first; null: never, or not known yet. */
  readonly secondsToFull: number | null
  /** Samples that the growth rests on. */
  readonly growthSamples: number
  readonly reason: string | null
}

export interface MachineFigure {
  readonly atMs: number
  readonly cores: number | null
  readonly cpuFraction: number | null
  readonly load1: number | null
  readonly memoryTotalBytes: number | null
  readonly memoryAvailableBytes: number | null
  /** Limit of the container; null: not known; `none`: no limit is set. */
  readonly memoryLimitBytes: number | 'none' | null
  /** Use of the container without page cache that can be given back. */
  readonly memoryWorkingBytes: number | null
  readonly oomKills: number | null
  readonly oomScope: 'group' | 'machine'
  readonly skewSeconds: number | null
}

export interface GpuFigure {
  readonly index: number | null
  readonly uuid: string | null
  readonly name: string | null
  readonly utilisationPercent: number | null
  readonly memoryBusPercent: number | null
  readonly memoryTotalMiB: number | null
  readonly memoryUsedMiB: number | null
  readonly temperatureCelsius: number | null
  readonly powerWatts: number | null
  readonly powerLimitWatts: number | null
  readonly smClockMHz: number | null
  readonly smClockMaxMHz: number | null
  readonly isSlowedByHardware: boolean | null
}

/** `none`: the host has no nvidia-smi; `unknown`: it has one that did not answer. Never zero percent for either. */
export type GpuPanel =
  | { readonly kind: 'none'; readonly atMs: number }
  | { readonly kind: 'unknown'; readonly atMs: number; readonly reason: string }
  | {
      readonly kind: 'known'
      readonly atMs: number
      readonly gpus: readonly GpuFigure[]
      readonly lost: readonly string[]
      readonly processes:
        | readonly { readonly pid: number | null; readonly name: string; readonly usedMiB: number | null }[]
        | null
      readonly xids: readonly number[] | null
    }

/** A crash mark that appeared in the log of a unit, found once, by byte offset. */
export interface CrashMark {
  readonly unit: string
  readonly word: string
  readonly line: string
  readonly atMs: number
  readonly class: FindingClass
  readonly remedy: string
  readonly recipe: string
}

/** What a condition of the run looks like now; the episode of it is a finding in the journal. */
export interface Condition {
  readonly rule: string
  readonly unit?: string
  /** Null: cannot be told now; an open finding stays open, and none is opened. */
  readonly isActive: boolean | null
  readonly severity: 'info' | 'warn' | 'error'
  readonly class: FindingClass
  readonly text: string
  readonly evidence: string
  readonly remedy: string
  readonly recipe: string
}

/** Payload of a journalled observation, and what a tick gives back. Every group carries the time it was read at. */
export interface Observation extends ObservationHead {
  readonly v: 1
  readonly atMs: number
  readonly host: string
  /** Since when the run is in this state. */
  readonly sinceMs: number
  readonly reasons: readonly string[]
  readonly isSuspect: boolean
  readonly deadSinceMs: number | null
  readonly signals: Signals
  readonly engineState: string
  readonly counts: Readonly<Record<UnitState, number>>
  /** All units; above 5,000 those that wait are left out. */
  readonly units: readonly UnitRow[]
  readonly metricName: string | null
  readonly eta: { readonly secondsP50: number; readonly secondsP90: number | null; readonly samples: number } | null
  readonly disks: readonly DiskFigure[]
  readonly machine: MachineFigure
  readonly gpu: GpuPanel
  /** Marks that this tick found; earlier ones are findings. */
  readonly crashes: readonly CrashMark[]
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  /** Why figures are missing that ought to be there. */
  readonly troubles: readonly string[]
  readonly probeSeconds: number
  readonly openFindings: { readonly error: number; readonly warn: number; readonly info: number }
  /** Absent: nobody has read it yet, or the record is an older one. Of several hosts each line has its own. */
  readonly guard?: GuardFigure
  /** Only of a run over several hosts. */
  readonly hosts?: readonly HostLine[]
  /** Decision of the tick (handbook monitoring 6). */
  readonly decision: 'running' | 'done' | 'escalate' | 'unknown'
  readonly exitCode: 0 | 1 | 4
}

/** Payload of an `Outcome`. */
export interface OutcomePayload {
  readonly state: 'finished' | 'dead'
  readonly reasons: readonly string[]
  readonly isSuspect: boolean
  readonly exit: BoxExit | null
  readonly unitsTotal: number
  readonly counts: Readonly<Record<UnitState, number>>
  readonly startedAtMs: number | null
  readonly endedAtMs: number | null
  readonly elapsedSeconds: number | null
  readonly unitSeconds: readonly number[]
  readonly failedUnits: readonly string[]
}
