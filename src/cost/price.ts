import { diskNeed } from '../estimate/disk.ts'
import { estimateHours } from '../estimate/hours.ts'
import { guardActText } from '../profile/park-on-box.ts'
import type { Profile } from '../profile/schema.ts'
import type { Plan } from '../spec/schema.ts'
import { countUnits, effectiveWorkers } from '../spec/units.ts'
import { formatHours } from '../text/format.ts'
import { carried, extrapolationText } from './extrapolate.ts'
import type { Extrapolation, PricedPayload, SmokeEvidence } from './types.ts'

/** The lease is the p90 of the estimate times this, within the cap (handbook money 8.3). */
export const leaseFactor = 1.5
/**
 * No lease is shorter than this: a run of seconds would be alarmed about before anybody could look. The handbook names no
 * least lease; it is the time for which every launch is watched (lifecycle 6.5, `launch.watch-first`). The cap still ends it.
 */
export const leastLeaseHours = 0.25

export interface PriceInput {
  readonly plan: Plan
  readonly profile: Profile
  readonly smoke: SmokeEvidence
  readonly codeBytes: number
  /** What is carried to another hardware class than the smoke's; null or absent: nothing. */
  readonly extrapolation?: Extrapolation | null
}

/** Hours, money, disk, cap and lease of a plan from what its smoke measured. What cannot be known is null. */
export function pricePlan({
  plan,
  profile,
  smoke: measured,
  codeBytes,
  extrapolation = null,
}: PriceInput): PricedPayload {
  const smoke = carried(measured, extrapolation)
  const unitCount = countUnits(plan.units)
  const workers = effectiveWorkers(plan)
  const hours = estimateHours({
    unitCount,
    workers,
    unitSeconds: smoke.unitSeconds,
    stepSeconds: smoke.stepSeconds,
    stepsPerUnit: smoke.stepsPerUnit,
    droppedSteps: smoke.droppedSteps,
  })
  const { usdPerHour } = profile.billing
  const times = (h: number | undefined): number | null =>
    usdPerHour === 0 ? 0 : h === undefined || usdPerHour === null ? null : h * usdPerHour
  const disk = diskNeed({
    checkpointBytes: smoke.checkpointBytes ?? plan.checkpoints.bytes,
    checkpointCount: plan.checkpoints.count,
    scratchBytes: plan.checkpoints.scratchBytes,
    artifactBytes: plan.artifacts.reduce((sum, a) => sum + a.minimumBytes * a.minimumCount, 0),
    codeBytes,
  })
  const afterNote =
    plan.after.length === 0 ? '' : `; ${plan.after.map((s) => s.name).join(', ')} afterwards not measured, not counted`
  return {
    platform: profile.platform,
    machineClass: smoke.machineClass,
    extrapolation,
    unitCount,
    workers,
    hoursP50: hours?.hoursP50 ?? null,
    hoursP90: hours?.hoursP90 ?? null,
    // What nobody measured on that class is no p90 of it.
    isP90Assumed: (hours?.isP90Assumed ?? true) || extrapolation?.isFactorMeasured === false,
    lowerBoundHours: hours?.lowerBoundHours ?? null,
    stepSamples: smoke.stepSeconds.length,
    unitSamples: smoke.unitSeconds.length,
    basis:
      hours === null
        ? 'the smoke measured neither steps nor a whole unit'
        : `${hours.basis}${afterNote}${extrapolation === null ? '' : `; ${extrapolationText(extrapolation)}`}`,
    usdPerHour,
    usdP50: times(hours?.hoursP50),
    usdP90: times(hours?.hoursP90),
    priceSource: profile.billing.priceSource,
    priceAtMs: Date.parse(`${profile.billing.verified}-01T00:00:00Z`),
    capUsd: plan.budget.usd,
    capHours: plan.budget.hours,
    leaseHours: Math.min(
      plan.budget.hours,
      hours === null ? plan.budget.hours : Math.max(leastLeaseHours, hours.hoursP90 * leaseFactor),
    ),
    meters: [{ what: profile.title, usdPerHour, note: profile.billing.priceSource }],
    verbs: profile.billing.verbs.map(({ verb, stops, stillBills, dies, isReversible }) => ({
      verb,
      stops,
      stillBills,
      dies,
      isReversible,
    })),
    park: profile.park.verb ?? `none: ${profile.park.note}`,
    leaseEnd: guardActText(profile),
    disk: {
      needBytes: disk.totalBytes,
      checkpointBytes: smoke.checkpointBytes ?? plan.checkpoints.bytes,
      isMeasured: smoke.checkpointBytes !== null,
    },
  }
}

/** Why the cap does not cover the p90; null when it does. Unknown figures are never covered. */
export function capShortfall(priced: PricedPayload): string | null {
  const { hoursP90, usdP90, capHours, capUsd } = priced
  if (hoursP90 === null) return 'hours are not known, so no cap can be said to cover them'
  if (usdP90 === null) return 'money is not known, so no cap can be said to cover it'
  if (hoursP90 > capHours) return `p90 of ${formatHours(hoursP90)} is above the cap of ${formatHours(capHours)}`
  if (usdP90 > capUsd) return `p90 of $${figure(usdP90)} is above the cap of $${figure(capUsd)}`
  return null
}

/** At most three significant digits. */
export const figure = (value: number): string => String(Number(value.toPrecision(3)))
