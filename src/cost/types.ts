import type { Profile } from '../profile/schema.ts'
import type { Plan } from '../spec/schema.ts'

/** One thing that costs money, with what it costs an hour. Null: not known, which is not zero. */
export interface PricedMeter {
  readonly what: string
  readonly usdPerHour: number | null
  readonly note: string
}

/** A row of the meter table: what a verb stops, what goes on billing, what dies. */
export interface MeterVerbRow {
  readonly verb: string
  readonly stops: string
  readonly stillBills: string
  readonly dies: string
  readonly isReversible: boolean
}

/** Times of one hardware class taken for another. */
export interface Extrapolation {
  readonly from: string
  readonly to: string
  /** Times measured on `from` are multiplied by it. */
  readonly factor: number
  /** Where the factor comes from, in words. */
  readonly source: string
  readonly isFactorMeasured: boolean
}

/** Payload of a `PricedPlan`: the one document that a person approves. Prices in it are frozen. */
export interface PricedPayload {
  readonly platform: string
  readonly machineClass: string | null
  /** What was carried from the class that was measured to another; null: nothing. Absent in records of before. */
  readonly extrapolation?: Extrapolation | null
  readonly unitCount: number
  readonly workers: number
  /** Wall hours. Null: the smoke measured nothing that they could rest on. */
  readonly hoursP50: number | null
  readonly hoursP90: number | null
  readonly isP90Assumed: boolean
  readonly lowerBoundHours: number | null
  readonly stepSamples: number
  readonly unitSamples: number
  /** What hours rest on, in words. */
  readonly basis: string
  readonly usdPerHour: number | null
  readonly usdP50: number | null
  readonly usdP90: number | null
  readonly priceSource: string
  /** When the price was last compared with its source. */
  readonly priceAtMs: number
  readonly capUsd: number
  readonly capHours: number
  /** p90 x 1.5, at least a quarter of an hour, at most the cap (handbook money 8.3). The lease of a launch ends this long after its start. */
  readonly leaseHours: number
  readonly meters: readonly PricedMeter[]
  readonly verbs: readonly MeterVerbRow[]
  readonly park: string
  /** What the guard on the box does when the lease is over, in words. Older records have none. */
  readonly leaseEnd?: string
  readonly disk: { readonly needBytes: number; readonly checkpointBytes: number; readonly isMeasured: boolean }
}

/** Payload of an `Approval`. What was approved is repeated, so that it can be read alone. */
export interface ApprovalPayload {
  readonly pricedPlanId: string
  readonly by: string
  readonly expiresAtMs: number
  readonly hoursP90: number
  readonly usdP90: number
  readonly usdPerHour: number
  readonly priceSource: string
  readonly capUsd: number
  readonly capHours: number
  readonly leaseHours: number
}

/** What pricing takes from a smoke: the measured part of its payload. */
export interface SmokeEvidence {
  readonly unitSeconds: readonly number[]
  readonly stepSeconds: readonly number[]
  readonly stepsPerUnit: number | null
  readonly droppedSteps: number
  readonly peakRssBytes: number | null
  readonly checkpointBytes: number | null
  readonly checkpointSeconds: number | null
  readonly machineClass: string | null
}

export interface CostInput {
  readonly plan: Plan
  readonly profile: Profile
  readonly smoke: SmokeEvidence
  readonly priced: PricedPayload
  readonly nowMs: number
}
