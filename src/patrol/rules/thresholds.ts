/** Bands of handbook monitoring 5; every one may be replaced by configuration. Shares are 0 to 1. */
export const defaultThresholds = {
  diskWarnFraction: 0.9,
  diskErrorFraction: 0.95,
  fullWarnSeconds: 24 * 3600,
  fullErrorSeconds: 3600,
  /** Growth is judged only over at least this long, so that one checkpoint is no trend. */
  trendMinimumSeconds: 300,
  memoryWarnFraction: 0.9,
  /** Mean utilisation below the first is worth a look, below the second somebody should look. */
  gpuWorthALookPercent: 70,
  gpuLowPercent: 50,
  gpuLowSeconds: 600,
  gpuMemoryWarnFraction: 0.9,
  gpuMemoryErrorFraction: 0.95,
  gpuHotCelsius: 83,
  gpuClockFraction: 0.7,
  /** A heartbeat older than the first is named, older than the second it is none. */
  heartbeatHealthySeconds: 120,
  heartbeatStaleSeconds: 600,
  /** Alive, but nothing was written for this long: stalled, where nothing was measured. A slow unit asks for more. */
  stallSeconds: 600,
  /** Units of seconds are silent in a pause of the machine too: sooner than this none is called stalled (`kx`). */
  stallFloorSeconds: 60,
  /** Loggers flush late, every so many steps: until as many could have passed, silence says nothing (monitoring 3.2). */
  stallSteps: 100,
  /** Times the longest step, or the unit that shows no steps, before silence counts as a stall. */
  stallTimesExpected: 3,
  /** Nothing alive and no exit file: looked at again this much later before it is called dead. */
  deadRecheckSeconds: 30,
  fastFinishFraction: 0.5,
  slowUnitTimes: 2,
  tooSlowUnitTimes: 3,
  /**
   * The bands above know no floor, and a unit of one second that took three shows a busy machine, not a fault: this much
   * must have been lost. No handbook figure; it is the deadline of one probe (monitoring 7), so less is below what a look
   * can tell.
   */
  slowUnitLossSeconds: 10,
  chanceUnits: 2,
  leaseWarnFraction: 0.25,
  leaseErrorFraction: 0.1,
  overBudgetFraction: 1,
  /** Spent against the estimate: above the first a warning, above the second an error; early on the first is an error. */
  costWarnFraction: 1.2,
  costErrorFraction: 1.5,
  costEarlySeconds: 900,
  /** A loss that is flat for so long is named, for twice as long it is to be checked. */
  plateauSeconds: 1800,
  /** Fewer values than this in that time show no trend: twice the patience of three evaluations (monitoring 11), and two to fit. */
  plateauPoints: 8,
  /**
   * Equal values in a row, from the first one on, after which predictions count as constant. No handbook figure: the first
   * ten steps are dropped elsewhere too, as not yet telling (money 5.2).
   */
  fixedValues: 10,
  /** Finished units that all show one and the same value to the last bit; two may agree by chance on a small test set. */
  fixedUnits: 3,
  /** A machine that is billed for so long is named. */
  machineWarnSeconds: 24 * 3600,
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
