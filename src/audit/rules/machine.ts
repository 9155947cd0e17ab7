import type { Cgroup, Limit } from '../../host/probe/cgroup.ts'
import type { DiskBytes } from '../../host/probe/df.ts'
import type { Memory } from '../../host/probe/figures.ts'
import type { Reading } from '../../host/probe/value.ts'
import type { PidLimit, ProcessLimits } from '../../host/probe/wide.ts'
import type { Profile } from '../../profile/schema.ts'
import { formatBytes, formatCount, formatDuration, formatNumber } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure, worst } from './verdict.ts'

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

/** Processes and threads that loaders, trackers and the runner have beside the workers' own (kx; rounded up). */
const sparePids = 64
/** Fewer open files than this starve a loader that shares tensors by file (the usual default of a login is 1,024). */
const fewFiles = 1024

/** Limits on processes, threads and open files against what the plan will start. Threads count as processes here. */
export function judgeLimits(
  limits: ProcessLimits,
  pids: PidLimit,
  workers: number,
  threadsPerWorker: number | null,
): Verdict {
  const wanted = workers * (threadsPerWorker ?? 1) + sparePids
  const left =
    pids.limit.isKnown && pids.limit.value !== 'none' && pids.current.isKnown
      ? { isKnown: true as const, value: pids.limit.value - pids.current.value }
      : pids.limit
  const judge = (what: string, limit: Reading<Limit>, least: number): Verdict => {
    if (!limit.isKnown) return unsure(`${what}: ${limit.reason}`)
    if (limit.value === 'none') return pass(`${what}: no limit`)
    const text = `${what}: ${formatCount(limit.value)}, ${formatCount(least)} wanted`
    return limit.value < least ? fail(text) : pass(text)
  }
  const verdicts = [
    judge('open files', limits.openFiles, fewFiles),
    judge('processes and threads of this user', limits.processes, wanted),
  ]
  // A machine without this kind of group has no such limit beside the user's own.
  if (pids.limit.isKnown) verdicts.push(judge('processes and threads left in the control group', left, wanted))
  const hardest = worst(verdicts, 'warn') ?? unsure('nothing could be read')
  return {
    ...hardest,
    ...(hardest.result === 'pass' && { summary: verdicts.map((each) => each.summary).join('; ') }),
    detail: verdicts.map((each) => each.summary),
  }
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

/** A rented machine that says whose it is and since when is not forgotten: `<project>-<purpose>-<yyyymmdd>`. */
export function judgeBoxName(profile: Pick<Profile, 'kind'>, plan: string, names: readonly string[]): Verdict {
  const said = [...new Set(names)].join(', ')
  if (profile.kind === 'workstation' || profile.kind === 'ssh')
    return notApplicable(`nothing is rented by kx here; it is called ${said}`)
  const found = names.find((name) => /-(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\b/.test(name))
  if (found === undefined) return fail(`called ${said}, which says neither whose it is nor since when`)
  return found.toLowerCase().startsWith(`${plan.toLowerCase()}-`)
    ? pass(`called ${found}`)
    : fail(`called ${found}, which does not begin with the plan's name ${plan}`)
}

/** Sessions that kx holds at once on one connection at least: a look, an act, and one that is kept for a kill. */
const leastSessions = 3

/** How many commands ran at once on one connection, of those that were started together. */
export function judgeSessions(atOnce: Reading<number>, started: number): Verdict {
  if (!atOnce.isKnown) return unsure(atOnce.reason)
  const text = `${formatCount(atOnce.value)} of ${formatCount(started)} commands ran at once on one connection`
  const value = { atOnce: atOnce.value, started }
  if (atOnce.value >= leastSessions) return pass(text, { value })
  return fail(`${text}; the others waited their turn, and a kill may have to`, {
    value,
    fix: 'Raise MaxSessions of its sshd (10 is the default), or expect slow looks while something runs.',
  })
}

/** Most intervals that overlap. `ended` must not lie before `began`. */
export function mostAtOnce(intervals: readonly { readonly began: number; readonly ended: number }[]): number {
  const turns = intervals
    .flatMap(({ began, ended }) => [
      { at: began, by: 1 },
      { at: ended, by: -1 },
    ])
    // One that ends when another begins does not overlap it.
    .sort((a, b) => a.at - b.at || a.by - b.by)
  let now = 0
  let most = 0
  for (const { by } of turns) {
    now += by
    most = Math.max(most, now)
  }
  return most
}
