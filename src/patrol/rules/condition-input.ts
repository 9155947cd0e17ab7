import type { GuardStatus } from '../../engine/types.ts'
import type { Plan } from '../../spec/schema.ts'
import type { Condition, CrashMark, DiskFigure, GpuPanel, Liveness, MachineFigure, Signals, UnitRow } from '../types.ts'
import type { Thresholds } from './thresholds.ts'

/** Everything that the rules look at: this tick's figures and what earlier ticks left. */
export interface ConditionsInput {
  readonly nowMs: number
  readonly plan: Plan
  readonly liveness: Liveness
  readonly signals: Signals
  readonly units: readonly UnitRow[]
  readonly disks: readonly DiskFigure[]
  readonly machine: MachineFigure
  readonly gpu: GpuPanel
  /** All marks of units since launch, not only those of this tick. */
  readonly marks: readonly CrashMark[]
  /** Kills for want of memory when the run was first looked at. */
  readonly oomBaseline: number | null
  /** Mean GPU utilisation over the last window, and how long the window is. */
  readonly gpuWindow: { readonly percent: number; readonly seconds: number } | null
  /** Median seconds of a unit: of finished ones, else as the smoke measured it. */
  readonly expectedUnitSeconds: number | null
  /** What the smoke measured alone. */
  readonly smokeUnitSeconds: number | null
  readonly checkpointIntervalSeconds: number | null
  /** Ticks in a row, this one included, that could not tell the state. */
  readonly unknownTicks: number
  readonly lease: { readonly openedAtMs: number; readonly untilMs: number } | null
  /** The guard of the lease on the box. Null: the box answered and has none; absent: nobody asked, or it did not answer. */
  readonly guard?: GuardStatus | null
  /** Token of the launch that the guard ought to be of. */
  readonly token?: string
  readonly thresholds: Thresholds
  /** Money since the launch; absent: nobody reckoned it. */
  readonly spend?: Spend
  /** Values over steps of units that run; absent: nobody read them. */
  readonly series?: readonly UnitSeries[]
}

/** What has been spent, against what was estimated and approved. */
export interface Spend {
  /** Of all meters of the run until now. Null: a price is not known, which is not zero. */
  readonly usd: number | null
  /** Of the meters that are open now. */
  readonly usdPerHour: number | null
  /** Median of the estimate that was approved. Null: there is none. */
  readonly estimateUsd: number | null
  readonly capUsd: number
  /** Since when the oldest meter runs that is open now. Null: none is open. */
  readonly meterSeconds: number | null
  readonly sinceLaunchSeconds: number
}

/** One metric of one unit, oldest first. A null value was there and was no number. */
export interface UnitSeries {
  readonly unit: string
  readonly name: string
  readonly points: readonly { readonly step: number; readonly value: number | null }[]
}

/** Looks at a tick's figures; every condition that it knows, active or not. */
export type Rule = (input: ConditionsInput) => readonly Condition[]
