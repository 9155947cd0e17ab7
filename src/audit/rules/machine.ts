import type { Cgroup, Limit } from '../../host/probe/cgroup.ts'
import type { DiskBytes } from '../../host/probe/df.ts'
import type { Memory } from '../../host/probe/figures.ts'
import type { Reading } from '../../host/probe/value.ts'
import { formatBytes, formatCount, formatDuration, formatNumber } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure } from './verdict.ts'

export interface MemoryNeed {
  readonly bytes: number | null
  /** Where the figure comes from, in words. */
  readonly from: string
}

/** Memory of the container (of the machine where no limit is set) against the need; kills so far are shown beside it. */
export function judgeMemory(
  cgroup: Cgroup,
  memory: Memory,
  oomKills: Reading<number>,
  oomScope: 'group' | 'machine',
  need: MemoryNeed,
): Verdict {
  const kills = oomKills.isKnown
    ? `kills for want of memory so far (${oomScope}): ${formatCount(oomKills.value)}`
    : `kills for want of memory: not known (${oomKills.reason})`
  const limit = cgroup.memoryLimitBytes
  const isLimited = limit.isKnown && limit.value !== 'none'
  const room: Reading<number> =
    limit.isKnown && limit.value !== 'none' ? { isKnown: true, value: limit.value } : memory.availableBytes
  const detail = [kills, `need: ${need.bytes === null ? 'not declared' : formatBytes(need.bytes)} (${need.from})`]
  const what = isLimited ? 'limit of the container' : limit.isKnown ? 'no limit; available now' : 'available now'
  if (!room.isKnown) return unsure(room.reason, { detail })
  const value = {
    limitBytes: isLimited ? room.value : null,
    availableBytes: memory.availableBytes.isKnown ? memory.availableBytes.value : null,
    needBytes: need.bytes,
    oomKills: oomKills.isKnown ? oomKills.value : null,
  }
  const text = `${what} ${formatBytes(room.value)}`
  if (need.bytes !== null && need.bytes > room.value)
    return fail(`${text}, needs ${formatBytes(need.bytes)}`, {
      detail,
      value,
      fix: 'Use fewer workers or loader processes, map data instead of loading it, or take a machine with more memory.',
    })
  return pass(need.bytes === null ? text : `${text}, needs ${formatBytes(need.bytes)}`, { detail, value })
}

/** Cores that may be used against workers x threads. */
export function judgeCpu(
  cores: Reading<number>,
  quota: Reading<Limit>,
  usable: Reading<number>,
  workers: number,
  threadsPerWorker: number | null,
): Verdict {
  const asked = workers * (threadsPerWorker ?? 1)
  const detail = [
    `cores of the machine: ${cores.isKnown ? formatCount(cores.value) : `not known (${cores.reason})`}`,
    `quota of the container: ${quota.isKnown ? (quota.value === 'none' ? 'none' : `${formatNumber(quota.value)} cores`) : `not known (${quota.reason})`}`,
    `asked: ${workers} workers x ${threadsPerWorker ?? 1} threads${threadsPerWorker === null ? ' (threads not declared)' : ''}`,
  ]
  if (!usable.isKnown) return unsure(usable.reason, { detail })
  const value = { usableCores: usable.value, asked }
  const text = `${formatNumber(usable.value)} cores may be used, ${formatCount(asked)} asked`
  return asked > usable.value
    ? fail(text, {
        detail,
        value,
        fix: `Set resources.workers x threadsPerWorker to at most ${Math.max(1, Math.floor(usable.value))}.`,
      })
    : pass(text, { detail, value })
}

/** The common default of container engines, too small for loader workers that share tensors. */
const smallShmBytes = 64 * 1024 * 1024

export function judgeShm(shm: Reading<DiskBytes>, needBytes: number | null, compute: 'cpu' | 'gpu'): Verdict {
  if (!shm.isKnown) return unsure(shm.reason)
  const { totalBytes, availableBytes } = shm.value
  const value = { totalBytes, availableBytes, needBytes }
  const text = `${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} free`
  if (needBytes !== null && needBytes > availableBytes)
    return fail(`${text}, needs ${formatBytes(needBytes)}`, { value })
  if (needBytes === null && compute === 'gpu' && totalBytes <= smallShmBytes)
    return fail(`${text}: the small default, loader workers may die with a bus error`, { value })
  return pass(text, { value })
}

/** Longest difference that is taken for the same time; half the round trip is the error of the measurement. */
const skewSeconds = 5

export function judgeClock(
  hostSeconds: Reading<number>,
  beforeMs: number,
  afterMs: number,
  newestFileMs: number | null,
): Verdict {
  if (!hostSeconds.isKnown) return unsure(hostSeconds.reason)
  const middleMs = (beforeMs + afterMs) / 2
  const skew = hostSeconds.value - Math.floor(middleMs / 1000)
  const error = (afterMs - beforeMs) / 2000 + 1
  const value = { skewSeconds: skew, errorSeconds: error }
  if (Math.abs(skew) > skewSeconds + error)
    return fail(`its clock is ${formatDuration(Math.abs(skew))} ${skew > 0 ? 'ahead of' : 'behind'} this one`, {
      value,
    })
  // 2024-01-01: kx is younger than that, so a clock before it has lost its battery or its NTP server.
  if (hostSeconds.value < 1_704_067_200) return fail('its clock stands before the year 2024', { value })
  if (newestFileMs !== null && newestFileMs > afterMs + 60_000)
    return fail(`a file of the project was changed ${formatDuration((newestFileMs - afterMs) / 1000)} in the future`, {
      value,
    })
  return pass(`agrees within ${formatNumber(Math.abs(skew) + error, 2)} s`, { value })
}

export const noSsh = (): Verdict => notApplicable('commands run directly on this machine, without SSH')
