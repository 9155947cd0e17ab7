/** Young 1974: seconds between checkpoints for a save of `saveSeconds` and a mean time between interruptions. */
export function youngSeconds(saveSeconds: number, meanUpSeconds: number): number {
  return Math.sqrt(2 * saveSeconds * meanUpSeconds)
}

/** Daly 2004, the higher-order form (handbook money 5.3): for saves of 2M and longer the interval is M itself. */
export function dalySeconds(saveSeconds: number, meanUpSeconds: number): number {
  if (saveSeconds >= 2 * meanUpSeconds) return meanUpSeconds
  const ratio = saveSeconds / (2 * meanUpSeconds)
  return youngSeconds(saveSeconds, meanUpSeconds) * (1 + Math.sqrt(ratio) / 3 + ratio / 9) - saveSeconds
}

/**
 * Expected wall seconds of `workSeconds` of work under exponential interruptions, with saves every `intervalSeconds`
 * (handbook money 5.4): M e^(R/M) (e^((tau+C)/M) - 1) W / tau.
 */
export function expectedSeconds(input: {
  readonly workSeconds: number
  readonly intervalSeconds: number
  readonly saveSeconds: number
  readonly restartSeconds: number
  readonly meanUpSeconds: number
}): number {
  const m = input.meanUpSeconds
  const lap = Math.expm1((input.intervalSeconds + input.saveSeconds) / m)
  return (m * Math.exp(input.restartSeconds / m) * lap * input.workSeconds) / input.intervalSeconds
}

/** Spot pays when its price, as a share of on-demand, is below work over expected time (handbook money 5.4). */
export function isSpotCheaper(spotUsdPerHour: number, onDemandUsdPerHour: number, stretch: number): boolean {
  return spotUsdPerHour * stretch < onDemandUsdPerHour
}
