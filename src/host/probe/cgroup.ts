import { known, quote, type Reading, unknown, wholeNumber } from './value.ts'

/** A limit in force, or none. */
export type Limit = number | 'none'

/** What the container (control group) may use and has used; never the host's figures (handbook monitoring 7.2). */
export interface Cgroup {
  readonly version: Reading<1 | 2>
  /** Smallest memory limit from the own group up to the root. */
  readonly memoryLimitBytes: Reading<Limit>
  /** Use in the group whose limit counts, page cache included. */
  readonly memoryUsedBytes: Reading<number>
  /** The same without page cache that the kernel can give back: what the limit really presses on. */
  readonly memoryWorkingBytes: Reading<number>
  /** Times that the kernel killed for want of memory. */
  readonly oomKills: Reading<number>
  /** CPU quota in cores, smallest from the own group up. */
  readonly cpuCores: Reading<Limit>
}

/** v1 writes "no limit" as the largest multiple of the page size below 2^63. */
const noLimitFrom = 2 ** 60

/** Parses `memory.max`, `memory.limit_in_bytes` and the like: `max`, or bytes. */
export function parseMemoryLimit(text: string): Reading<Limit> {
  const word = text.trim()
  if (word === 'max') return known('none')
  if (/^\d{1,20}$/.test(word) && Number(word) >= noLimitFrom) return known('none')
  return wholeNumber(word)
}

/** Parses `cpu.max` of v2: `max 100000`, or quota and period in microseconds. Result in cores. */
export function parseCpuMax(text: string): Reading<Limit> {
  const match = /^(max|\d{1,15}) (\d{1,15})$/.exec(text.trim())
  if (match?.[1] === undefined || match[2] === undefined) return unknown(`cpu.max is ${quote(text)}`)
  return cores(match[1] === 'max' ? '-1' : match[1], match[2])
}

/** Cores from `cpu.cfs_quota_us` and `cpu.cfs_period_us` of v1; a quota of -1 is none. */
export function cores(quotaMicroseconds: string, periodMicroseconds: string): Reading<Limit> {
  if (!/^-?\d{1,15}$/.test(quotaMicroseconds.trim())) return unknown(`CPU quota is ${quote(quotaMicroseconds)}`)
  const quota = Number(quotaMicroseconds)
  if (quota === -1) return known('none')
  const period = wholeNumber(periodMicroseconds.trim())
  if (!period.isKnown) return period
  if (quota <= 0 || period.value === 0) return unknown('CPU quota or period is zero')
  return known(quota / period.value)
}

/**
 * Parses what the probe script prints of the control groups: `version <n>`, then `<level> <file> <content>` a line, where
 * level 0 is the own group and higher levels lie above it.
 */
export function parseCgroup(text: string): Cgroup {
  const lines = text.split('\n').slice(0, -1)
  const version = lines.find((line) => line.startsWith('version '))?.slice(8)
  const levels = new Map<string, Map<string, string>>()
  for (const line of lines) {
    const match = /^(\d{1,3}) (\S+) (.+)$/.exec(line)
    if (match?.[1] === undefined || match[2] === undefined || match[3] === undefined) continue
    const level = levels.get(match[1]) ?? new Map<string, string>()
    level.set(match[2], match[3])
    levels.set(match[1], level)
  }
  const own = levels.get('0')
  const isWhole = lines.at(-1) === 'end'
  if (!isWhole || (version !== '1' && version !== '2') || own === undefined) {
    const none = unknown(isWhole ? 'no control group is visible' : 'what was read of the control groups was cut')
    return {
      version: none,
      memoryLimitBytes: none,
      memoryUsedBytes: none,
      memoryWorkingBytes: none,
      oomKills: none,
      cpuCores: none,
    }
  }
  const memory = smallest([...levels.values()].map((level) => of(level, 'memory.max', parseMemoryLimit)))
  const limited =
    [...levels.values()].find((level) => {
      const limit = of(level, 'memory.max', parseMemoryLimit)
      return limit.isKnown && memory.isKnown && limit.value === memory.value
    }) ?? own
  const used = of(limited, 'memory.current', (word) => wholeNumber(word.trim()))
  const cache = of(limited, 'inactive_file', (word) => wholeNumber(word.trim()))
  return {
    version: known(version === '1' ? 1 : 2),
    memoryLimitBytes: memory,
    memoryUsedBytes: used,
    memoryWorkingBytes: !used.isKnown ? used : !cache.isKnown ? cache : known(Math.max(0, used.value - cache.value)),
    oomKills: of(own, 'oom_kill', (word) => wholeNumber(word.trim())),
    cpuCores: smallest([...levels.values()].map((level) => of(level, 'cpu.max', parseCpuMax))),
  }
}

function of<T>(level: ReadonlyMap<string, string>, file: string, parse: (text: string) => Reading<T>): Reading<T> {
  const text = level.get(file)
  return text === undefined ? unknown(`${file} is not there`) : parse(text)
}

/** The limit in force is the smallest on the way up. Files that are missing set none, unless all are missing. */
function smallest(limits: readonly Reading<Limit>[]): Reading<Limit> {
  let found: Reading<Limit> = limits[0] ?? unknown('no control group is visible')
  for (const limit of limits) {
    if (!limit.isKnown) continue
    if (!found.isKnown || found.value === 'none') found = limit
    else if (limit.value !== 'none' && limit.value < found.value) found = limit
  }
  return found
}
