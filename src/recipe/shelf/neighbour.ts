import type { Probe } from '../../host/probe/probe.ts'
import { formatNumber, formatPercent } from '../../text/format.ts'

/** Counters since boot; null: the kernel does not tell. */
export interface OwnCpu {
  readonly usedSeconds: number | null
  readonly periods: number | null
  readonly throttled: number | null
  /** Clock ticks of the whole machine: all, busy, and stolen by its hypervisor. */
  readonly ticks: { readonly total: number; readonly busy: number; readonly stolen: number } | null
}

/** Parses the lines of the look; a cut answer tells nothing. */
export function parseOwnCpu(text: string): OwnCpu {
  const isWhole = text.endsWith('end\n')
  const number = (name: string): number | null => {
    const match = isWhole ? new RegExp(`^${name} (\\d{1,19})$`, 'm').exec(text) : null
    return match === null ? null : Number(match[1])
  }
  const usec = number('usage')
  const nanoseconds = number('nanoseconds')
  const fields = isWhole
    ? (/^cpu ((?:\d{1,16} ?){8,10})$/m.exec(text)?.[1]?.trim().split(' ').map(Number) ?? null)
    : null
  const eight = fields?.slice(0, 8) ?? null
  const total = eight?.reduce((sum, each) => sum + each, 0) ?? 0
  return {
    usedSeconds: usec !== null ? usec / 1e6 : nanoseconds === null ? null : nanoseconds / 1e9,
    periods: number('periods'),
    throttled: number('throttled'),
    ticks:
      eight === null
        ? null
        : { total, busy: total - (eight[3] ?? 0) - (eight[4] ?? 0) - (eight[7] ?? 0), stolen: eight[7] ?? 0 },
  }
}

export interface CpuUse {
  readonly ownCores: number | null
  readonly throttledShare: number | null
  readonly machineShare: number | null
  readonly stolenShare: number | null
}

/** What was used between two looks. */
export function cpuUse(before: OwnCpu, after: OwnCpu, seconds: number): CpuUse {
  const rise = (a: number | null, b: number | null) => (a === null || b === null || b < a ? null : b - a)
  const used = rise(before.usedSeconds, after.usedSeconds)
  const periods = rise(before.periods, after.periods)
  const throttled = rise(before.throttled, after.throttled)
  const ticks =
    before.ticks === null || after.ticks === null || after.ticks.total <= before.ticks.total
      ? null
      : { total: after.ticks.total - before.ticks.total, from: before.ticks, to: after.ticks }
  return {
    ownCores: used === null || seconds <= 0 ? null : used / seconds,
    throttledShare: throttled === null || periods === null ? null : periods === 0 ? 0 : throttled / periods,
    machineShare: ticks === null ? null : (ticks.to.busy - ticks.from.busy) / ticks.total,
    stolenShare: ticks === null ? null : Math.max(0, ticks.to.stolen - ticks.from.stolen) / ticks.total,
  }
}

export interface NeighbourVerdict {
  readonly kind: 'neighbour' | 'own-quota' | 'own-work' | 'quiet' | 'unknown'
  readonly text: string
}

/** Share of a busy machine that must be of others, and of stolen time, before a neighbour is named (kx). */
const foreignShare = 0.3
const stolenLimit = 0.1

/**
 * Load far above the cores, a roomy container and a flat kill counter are a neighbour's (handbook monitoring 8.1, U41); a
 * quota of one's own that holds back is not.
 */
export function judgeNeighbour(seen: {
  readonly probe: Pick<Probe, 'cores' | 'load'>
  readonly use: CpuUse
  readonly oomKills: number | null
}): NeighbourVerdict {
  const { probe, use, oomKills } = seen
  if (use.stolenShare !== null && use.stolenShare >= stolenLimit)
    return {
      kind: 'neighbour',
      text: `A neighbour: ${formatPercent(use.stolenShare)} of the time was taken from this machine by its hypervisor`,
    }
  if (use.throttledShare !== null && use.throttledShare >= 0.2)
    return {
      kind: 'own-quota',
      text: `Not a neighbour: the own quota held the run back in ${formatPercent(use.throttledShare)} of its periods; use fewer threads (cap-threads)`,
    }
  if (use.machineShare === null || use.ownCores === null || !probe.cores.isKnown)
    return { kind: 'unknown', text: 'the kernel does not tell what is ours and what is of others' }
  const others = Math.max(0, use.machineShare * probe.cores.value - use.ownCores)
  const share = others / probe.cores.value
  const load = probe.load.isKnown ? probe.load.value[0] : null
  if (share >= foreignShare && (use.machineShare > 0.8 || (load !== null && load > probe.cores.value)))
    return {
      kind: 'neighbour',
      text: `A neighbour: others use ${formatNumber(others, 3)} of ${formatNumber(probe.cores.value)} cores, this container ${formatNumber(use.ownCores, 3)}${oomKills === 0 ? ', and nothing was killed for memory' : ''}; nothing to mend here, or another machine`,
    }
  if (use.machineShare > 0.8)
    return {
      kind: 'own-work',
      text: `Not a neighbour: this container uses ${formatNumber(use.ownCores, 3)} of ${formatNumber(probe.cores.value)} cores itself`,
    }
  return {
    kind: 'quiet',
    text: `No neighbour in the way now: the machine is busy to ${formatPercent(use.machineShare)}`,
  }
}
