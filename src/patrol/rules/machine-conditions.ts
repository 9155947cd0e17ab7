import { formatBytes, formatCount, formatDuration, formatNumber, formatPercent } from '../../text/format.ts'
import type { Condition } from '../types.ts'
import type { Rule } from './condition-input.ts'

const isAtLeast = (value: number | null, limit: number): boolean | null => (value === null ? null : value >= limit)

const disk: Rule = ({ disks, thresholds, checkpointIntervalSeconds }) =>
  disks.flatMap((figure) => {
    const common = { class: 'capacity' as const, recipe: 'free-disk' }
    const inodeFraction =
      figure.usedInodes === null || figure.totalInodes === null || figure.totalInodes === 0
        ? null
        : figure.usedInodes / figure.totalInodes
    const errorSeconds = Math.max(thresholds.fullErrorSeconds, 2 * (checkpointIntervalSeconds ?? 0))
    const bytesLeft = formatBytes(figure.freeBytes)
    return [
      {
        ...common,
        rule: `disk-bytes/${figure.tier}`,
        isActive: isAtLeast(figure.usedFraction, thresholds.diskWarnFraction),
        severity: (figure.usedFraction ?? 0) >= thresholds.diskErrorFraction ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} is ${formatPercent(figure.usedFraction)} full`,
        evidence: `${figure.path}: ${bytesLeft} free`,
        remedy:
          'Prune periodic checkpoints and keep the best; if that is not enough, ask for a larger disk with the figure.',
      },
      {
        ...common,
        rule: `disk-inodes/${figure.tier}`,
        recipe: 'free-inodes',
        isActive: isAtLeast(inodeFraction, thresholds.diskWarnFraction),
        severity: (inodeFraction ?? 0) >= thresholds.diskErrorFraction ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} has used ${formatPercent(inodeFraction)} of its inodes`,
        evidence: `${figure.path}: ${formatCount(figure.freeInodes)} inodes free`,
        remedy: 'Pack small files of finished units into archives, and cap outputs per sample.',
      },
      {
        ...common,
        rule: `disk-trend/${figure.tier}`,
        isActive:
          figure.secondsToFull === null
            ? figure.growthSamples > 0
              ? false
              : null
            : figure.secondsToFull < thresholds.fullWarnSeconds,
        severity:
          (figure.secondsToFull ?? Number.POSITIVE_INFINITY) < errorSeconds ? ('error' as const) : ('warn' as const),
        text: `${figure.tier} is full in ${formatDuration(figure.secondsToFull)} at this growth`,
        evidence: `${bytesLeft} free, ${formatBytes(figure.growthBytesPerSecond)}/s over ${figure.growthSamples} samples`,
        remedy: 'Find what grows; free scratch before it is full, or ask for a larger disk.',
      },
    ]
  })

const memory: Rule = ({ machine, oomBaseline, thresholds }) => {
  const limit = machine.memoryLimitBytes
  const fraction =
    typeof limit === 'number' && machine.memoryWorkingBytes !== null ? machine.memoryWorkingBytes / limit : null
  const kills = machine.oomKills === null || oomBaseline === null ? null : machine.oomKills - oomBaseline
  return [
    {
      rule: 'memory-limit',
      isActive: limit === 'none' ? false : isAtLeast(fraction, thresholds.memoryWarnFraction),
      severity: 'warn',
      class: 'capacity',
      text: `memory is at ${formatPercent(fraction)} of the container's limit`,
      evidence: `${formatBytes(machine.memoryWorkingBytes)} of ${typeof limit === 'number' ? formatBytes(limit) : 'no limit'}`,
      remedy: 'Hold workers and loaders against the limit before the kernel does; not the batch size.',
      recipe: 'host-memory',
    },
    {
      rule: 'oom-kill',
      // A kill does not un-happen: the finding stays until a person has seen it.
      isActive: kills === null ? null : kills > 0 ? true : null,
      severity: 'error',
      class: 'capacity',
      text: `the kernel killed ${formatCount(kills)} times for want of memory (${machine.oomScope})`,
      evidence: `oom_kill ${formatCount(oomBaseline)} at first look, ${formatCount(machine.oomKills)} now`,
      remedy: 'Hold workers and loaders against the memory limit, then retry the same configuration.',
      recipe: 'host-memory',
    },
  ]
}

const gpus: Rule = ({ gpu, gpuWindow, plan, units, thresholds }) => {
  if (plan.resources.compute !== 'gpu' || gpu.kind !== 'known') return []
  const found: Condition[] = gpu.gpus.flatMap((card, at) => {
    const name = `GPU ${card.index ?? at}`
    const fraction =
      card.memoryUsedMiB === null || card.memoryTotalMiB === null ? null : card.memoryUsedMiB / card.memoryTotalMiB
    const isHot = isAtLeast(card.temperatureCelsius, thresholds.gpuHotCelsius)
    const share =
      card.smClockMHz === null || card.smClockMaxMHz === null || card.smClockMaxMHz === 0
        ? null
        : card.smClockMHz / card.smClockMaxMHz
    const isSlow =
      card.isSlowedByHardware === true || (isHot === true && share !== null && share < thresholds.gpuClockFraction)
    return [
      {
        rule: `gpu-memory/${card.index ?? at}`,
        isActive: isAtLeast(fraction, thresholds.gpuMemoryWarnFraction),
        severity: (fraction ?? 0) > thresholds.gpuMemoryErrorFraction ? ('error' as const) : ('warn' as const),
        class: 'bug' as const,
        text: `${name}: ${formatPercent(fraction)} of its memory is used`,
        evidence: `${formatCount(card.memoryUsedMiB)} of ${formatCount(card.memoryTotalMiB)} MiB`,
        remedy: 'Walk the fit ladder before it overflows: smaller micro-batch with accumulation first.',
        recipe: 'vram-fit',
      },
      {
        rule: `gpu-slowdown/${card.index ?? at}`,
        isActive: isHot === null && card.isSlowedByHardware === null ? null : isHot === true || isSlow,
        severity: isSlow ? ('error' as const) : ('warn' as const),
        class: 'hardware' as const,
        text: isSlow ? `${name} is slowed down by heat or power` : `${name} is hot`,
        evidence: `${formatNumber(card.temperatureCelsius)} °C, clock at ${formatPercent(share)} of its maximum`,
        remedy: 'Take another machine; do not fight this one.',
        recipe: 'gpu-preflight',
      },
    ]
  })
  found.push({
    rule: 'gpu-lost',
    isActive: gpu.lost.length > 0 || (gpu.xids ?? []).some((xid) => xid === 48 || xid === 79),
    severity: 'error',
    class: 'hardware',
    text: 'a card no longer answers',
    evidence: gpu.lost[0] ?? `Xid ${(gpu.xids ?? []).join(', ')}`,
    remedy: 'Stop, and go on from the checkpoint on another machine.',
    recipe: 're-rent',
  })
  const advances = units.some((unit) => unit.state === 'running' && (unit.step ?? 0) > 0)
  const isLow =
    gpuWindow === null || gpuWindow.seconds < thresholds.gpuLowSeconds
      ? null
      : gpuWindow.percent < Math.max(thresholds.gpuWorthALookPercent, thresholds.gpuLowPercent)
  found.push({
    rule: 'gpu-idle',
    isActive: isLow,
    severity: gpuWindow !== null && gpuWindow.percent < thresholds.gpuLowPercent ? 'warn' : 'info',
    class: 'observation',
    text: `the cards are used to ${formatNumber(gpuWindow?.percent ?? null, 3)} % over ${formatDuration(gpuWindow?.seconds ?? null)}`,
    evidence: advances ? 'steps advance: the loader is the bottleneck' : 'no step advances',
    remedy: advances
      ? 'Measure data time against compute time of a step.'
      : 'Look whether the run waits for something.',
    recipe: advances ? 'profile-loader' : 'why-silent',
  })
  return found
}

/** Disks, memory and cards of the host. */
export const machineRules: readonly Rule[] = [disk, memory, gpus]
