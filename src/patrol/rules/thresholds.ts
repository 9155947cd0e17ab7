/** Bands of handbook monitoring 5; every one may be replaced by configuration. Shares are 0 to 1. */
export const defaultThresholds = {
  diskWarnFraction: 0.9,
  diskErrorFraction: 0.95,
  fullWarnSeconds: 24 * 3600,
  fullErrorSeconds: 3600,
  /** Growth is judged only over at least this long, so that one checkpoint is no trend. */
  trendMinimumSeconds: 300,
  memoryWarnFraction: 0.9,
  gpuLowPercent: 50,
  gpuLowSeconds: 600,
  gpuMemoryWarnFraction: 0.9,
  gpuMemoryErrorFraction: 0.95,
  gpuHotCelsius: 83,
  gpuClockFraction: 0.7,
  heartbeatStaleSeconds: 600,
  /** Alive, but nothing was written for this long: stalled. A slow unit asks for more. */
  stallSeconds: 600,
  /** Times the longest step or unit that was seen, before silence counts as a stall. */
  stallTimesExpected: 3,
  /** Nothing alive and no exit file: looked at again this much later before it is called dead. */
  deadRecheckSeconds: 30,
  fastFinishFraction: 0.5,
  slowUnitTimes: 2,
  tooSlowUnitTimes: 3,
  /** A unit of one second that took three shows a busy machine, not a fault: this much must have been lost. */
  slowUnitLossSeconds: 10,
  chanceUnits: 2,
  leaseWarnFraction: 0.25,
  leaseErrorFraction: 0.1,
  overBudgetFraction: 1,
  skewSeconds: 30,
  unknownTicks: 2,
} as const

export type Thresholds = { readonly [K in keyof typeof defaultThresholds]: number }

/** The bands in force: defaults with what configuration replaces. Values that are no positive number are ignored. */
export function thresholdsWith(overrides: Readonly<Record<string, unknown>> = {}): Thresholds {
  const given = Object.entries(overrides).filter(
    ([key, value]) =>
      Object.hasOwn(defaultThresholds, key) && typeof value === 'number' && Number.isFinite(value) && value >= 0,
  )
  return { ...defaultThresholds, ...(Object.fromEntries(given) as Partial<Thresholds>) }
}
