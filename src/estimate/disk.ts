export interface DiskInput {
  /** Size of one checkpoint, in bytes; the measured one where there is one. */
  readonly checkpointBytes: number
  /** Checkpoints kept at once, over all units. */
  readonly checkpointCount: number
  readonly scratchBytes: number
  readonly artifactBytes: number
  readonly codeBytes?: number
  readonly dataBytes?: number
}

export interface DiskNeed {
  readonly totalBytes: number
  readonly checkpointBytes: number
  readonly scratchBytes: number
  readonly artifactBytes: number
  readonly inputBytes: number
}

/** Bytes that a run needs at once: checkpoints x count + scratch + artifacts + what is pushed (lifecycle `audit.checkpoint-budget`). */
export function diskNeed(input: DiskInput): DiskNeed {
  const checkpointBytes = input.checkpointBytes * input.checkpointCount
  const inputBytes = (input.codeBytes ?? 0) + (input.dataBytes ?? 0)
  return {
    totalBytes: checkpointBytes + input.scratchBytes + input.artifactBytes + inputBytes,
    checkpointBytes,
    scratchBytes: input.scratchBytes,
    artifactBytes: input.artifactBytes,
    inputBytes,
  }
}

export interface UsageSample {
  readonly atMs: number
  readonly usedBytes: number
}

export interface Growth {
  readonly bytesPerSecond: number
  readonly samples: number
  readonly spanSeconds: number
}

/** Growth by least squares over the samples; null below two moments: one look shows no trend. */
export function growthOf(samples: readonly UsageSample[]): Growth | null {
  const points = samples.filter((s) => Number.isFinite(s.atMs) && Number.isFinite(s.usedBytes))
  const first = points[0]
  if (first === undefined) return null
  let sumX = 0
  let sumY = 0
  for (const p of points) {
    sumX += (p.atMs - first.atMs) / 1000
    sumY += p.usedBytes - first.usedBytes
  }
  const meanX = sumX / points.length
  const meanY = sumY / points.length
  let top = 0
  let bottom = 0
  let earliest = 0
  let latest = 0
  for (const p of points) {
    const x = (p.atMs - first.atMs) / 1000
    top += (x - meanX) * (p.usedBytes - first.usedBytes - meanY)
    bottom += (x - meanX) ** 2
    earliest = Math.min(earliest, x)
    latest = Math.max(latest, x)
  }
  if (bottom === 0) return null
  return { bytesPerSecond: top / bottom, samples: points.length, spanSeconds: latest - earliest }
}

/** Seconds until `freeBytes` are used up at this growth; null when nothing grows (it never fills) or growth is unknown. */
export function timeToFullSeconds(growth: Growth | null, freeBytes: number): number | null {
  if (growth === null || growth.bytesPerSecond <= 0) return null
  return Math.max(0, freeBytes) / growth.bytesPerSecond
}
