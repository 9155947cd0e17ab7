import { growthOf, timeToFullSeconds } from '../estimate/disk.ts'
import { bytesUsedFraction } from '../host/probe/df.ts'
import { usableCores } from '../host/probe/machine-class.ts'
import { isSlowedByHardware } from '../host/probe/nvidia.ts'
import type { ProbeAnswer } from '../host/probe/run-probe.ts'
import { orNull } from '../host/probe/value.ts'
import type { Tier } from '../profile/schema.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import type { Thresholds } from './rules/thresholds.ts'
import type { SamplePoint, Samples } from './samples.ts'
import type { DiskFigure, GpuPanel, MachineFigure } from './types.ts'

/** Window over which growth is judged. */
const trendWindowMs = 3_600_000
const diskSampleEveryMs = 10_000
const line = (text: string | null) => (text === null ? null : sanitiseLine(text, 200))

/** Disk panel: one figure a tier, with growth and time to full from earlier samples. */
export function diskFigures(
  answer: ProbeAnswer,
  tiers: readonly { readonly tier: Tier; readonly path: string }[],
  samples: Samples,
  thresholds: Thresholds,
): readonly DiskFigure[] {
  // A trend over an hour needs no point a second, and reads all that there are at every look.
  const sampledAtMs = samples.get('disks sampled at')
  const isDue = typeof sampledAtMs !== 'number' || Math.abs(answer.atMs - sampledAtMs) >= diskSampleEveryMs
  if (isDue) samples.set('disks sampled at', answer.atMs)
  return tiers.map(({ tier, path }) => {
    const disk = answer.probe.disks.find((each) => each.path === path)
    const bytes = disk === undefined ? null : orNull(disk.bytes)
    const inodes = disk === undefined ? null : orNull(disk.inodes)
    if (isDue)
      samples.add(answer.atMs, {
        [`disk.${tier.id}.used`]: bytes?.usedBytes ?? null,
        [`disk.${tier.id}.inodes`]: inodes?.used ?? null,
      })
    const growth = trend(samples.series(`disk.${tier.id}.used`, answer.atMs - trendWindowMs), thresholds)
    const inodeGrowth = trend(samples.series(`disk.${tier.id}.inodes`, answer.atMs - trendWindowMs), thresholds)
    const untilBytes = bytes === null ? null : timeToFullSeconds(growth, bytes.availableBytes)
    const untilInodes = inodes === null ? null : timeToFullSeconds(inodeGrowth, inodes.free)
    return {
      tier: tier.id,
      path,
      survives: tier.survives,
      atMs: answer.atMs,
      totalBytes: bytes?.totalBytes ?? null,
      usedBytes: bytes?.usedBytes ?? null,
      freeBytes: bytes?.availableBytes ?? null,
      usedFraction: bytes === null ? null : bytesUsedFraction(bytes),
      totalInodes: inodes?.total ?? null,
      usedInodes: inodes?.used ?? null,
      freeInodes: inodes?.free ?? null,
      growthBytesPerSecond: growth?.bytesPerSecond ?? null,
      growthInodesPerSecond: inodeGrowth?.bytesPerSecond ?? null,
      secondsToFull:
        untilBytes === null ? untilInodes : untilInodes === null ? untilBytes : Math.min(untilBytes, untilInodes),
      growthSamples: growth?.samples ?? 0,
      reason: disk === undefined ? 'not asked' : disk.bytes.isKnown ? null : disk.bytes.reason,
    }
  })
}

function trend(points: readonly SamplePoint[], thresholds: Thresholds) {
  const growth = growthOf(points.map((point) => ({ atMs: point.atMs, usedBytes: point.mean })))
  return growth === null || growth.spanSeconds < thresholds.trendMinimumSeconds ? null : growth
}

/** CPU, memory and control group. CPU share is that of the time since the tick before. */
export function machineFigure(answer: ProbeAnswer, samples: Samples, beforeMs: number): MachineFigure {
  const { probe, atMs } = answer
  const limit = probe.cgroup.memoryLimitBytes
  const ticks = orNull(probe.cpu)
  const before = samples.get('cpu ticks') as { total: number; busy: number } | null
  samples.set('cpu ticks', ticks)
  const cpuFraction =
    ticks === null || before === null || ticks.total <= before.total
      ? null
      : Math.min(1, Math.max(0, (ticks.busy - before.busy) / (ticks.total - before.total)))
  const seconds = orNull(probe.clockSeconds)
  const skew = seconds === null ? null : seconds - (beforeMs + atMs) / 2000
  const oomKills = orNull(probe.oomKills)
  if (oomKills !== null && samples.get('oom baseline') === null) samples.set('oom baseline', oomKills)
  const figure: MachineFigure = {
    atMs,
    cores: orNull(usableCores(probe)),
    cpuFraction,
    load1: orNull(probe.load)?.[0] ?? null,
    memoryTotalBytes: orNull(probe.memory.totalBytes),
    memoryAvailableBytes: orNull(probe.memory.availableBytes),
    memoryLimitBytes: limit.isKnown ? limit.value : null,
    memoryWorkingBytes: orNull(probe.cgroup.memoryWorkingBytes),
    oomKills,
    oomScope: probe.oomScope,
    // Whole seconds on the other side: less than two apart is the same time.
    skewSeconds: skew === null ? null : Math.abs(skew) < 2 ? 0 : Math.round(skew),
  }
  samples.add(atMs, {
    'machine.cpu': figure.cpuFraction,
    'machine.load1': figure.load1,
    'machine.memoryAvailable': figure.memoryAvailableBytes,
    'machine.memoryWorking': figure.memoryWorkingBytes,
  })
  return figure
}

/** GPU panel; without a card it says which kind of "without" that is. */
export function gpuPanel(answer: ProbeAnswer, samples: Samples): GpuPanel {
  const { gpus, gpuProcesses, xids } = answer.probe
  const { atMs } = answer
  if (gpus === 'none') return { kind: 'none', atMs }
  if (!gpus.isKnown) return { kind: 'unknown', atMs, reason: sanitiseLine(gpus.reason, 200) }
  const figures = gpus.value.gpus.map((gpu) => ({
    index: orNull(gpu.index),
    uuid: line(orNull(gpu.uuid)),
    name: line(orNull(gpu.name)),
    utilisationPercent: orNull(gpu.utilisationPercent),
    memoryBusPercent: orNull(gpu.memoryBusPercent),
    memoryTotalMiB: orNull(gpu.memoryTotalMiB),
    memoryUsedMiB: orNull(gpu.memoryUsedMiB),
    temperatureCelsius: orNull(gpu.temperatureCelsius),
    powerWatts: orNull(gpu.powerWatts),
    powerLimitWatts: orNull(gpu.powerLimitWatts),
    smClockMHz: orNull(gpu.smClockMHz),
    smClockMaxMHz: orNull(gpu.smClockMaxMHz),
    isSlowedByHardware: orNull(isSlowedByHardware(gpu)),
  }))
  samples.together(() => {
    for (const [at, figure] of figures.entries()) {
      const name = `gpu.${figure.index ?? at}`
      samples.add(atMs, {
        [`${name}.utilisation`]: figure.utilisationPercent,
        [`${name}.memory`]: figure.memoryUsedMiB,
        [`${name}.power`]: figure.powerWatts,
        [`${name}.temperature`]: figure.temperatureCelsius,
        [`${name}.clock`]: figure.smClockMHz,
      })
    }
  })
  return {
    kind: 'known',
    atMs,
    gpus: figures,
    lost: gpus.value.lost.map((text) => sanitiseLine(text, 200)),
    processes:
      gpuProcesses === 'none' || !gpuProcesses.isKnown
        ? null
        : gpuProcesses.value.map((p) => ({
            pid: orNull(p.pid),
            name: sanitiseLine(p.name, 200),
            usedMiB: orNull(p.usedMiB),
          })),
    xids: xids === 'none' ? null : orNull(xids),
  }
}

/** Mean utilisation over the last window of all cards together, and how long the window really is. */
export function gpuWindow(
  samples: Samples,
  panel: GpuPanel,
  nowMs: number,
  windowSeconds: number,
): { readonly percent: number; readonly seconds: number } | null {
  if (panel.kind !== 'known') return null
  // Summed up by the database: as rows, ten minutes of eight cards would be taken apart at every look.
  const cards = panel.gpus.flatMap((figure, at) => {
    const found = samples.summary(`gpu.${figure.index ?? at}.utilisation`, nowMs - windowSeconds * 1000 - 1)
    return found === null ? [] : [found]
  })
  const count = cards.reduce((sum, card) => sum + card.count, 0)
  const first = cards.reduce((least, card) => Math.min(least, card.firstMs), Number.POSITIVE_INFINITY)
  if (count < 3) return null
  return {
    percent: cards.reduce((sum, card) => sum + card.mean * card.count, 0) / count,
    // Ticks do not fall on the border of the window: one interval less counts as the whole of it.
    seconds: (nowMs - first) / 1000 + (nowMs - first) / 1000 / Math.max(1, count / panel.gpus.length - 1),
  }
}
