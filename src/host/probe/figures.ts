import { known, quote, type Reading, unknown, wholeNumber } from './value.ts'

/** Memory of the whole machine: shown, never used for limits (handbook monitoring 7.2). */
export interface Memory {
  readonly totalBytes: Reading<number>
  readonly availableBytes: Reading<number>
}

/** Parses `/proc/meminfo`. */
export function parseMeminfo(text: string): Memory {
  const line = (name: string): Reading<number> => {
    const match = new RegExp(`^${name}:[ \\t]+(\\d+) kB\\n`, 'm').exec(text)
    if (match?.[1] === undefined) return unknown(`no whole line ${name} in kB`)
    const value = wholeNumber(match[1])
    return value.isKnown ? known(value.value * 1024) : value
  }
  return { totalBytes: line('MemTotal'), availableBytes: line('MemAvailable') }
}

/** Parses `/proc/loadavg`: mean number of runnable tasks over 1, 5 and 15 minutes. */
export function parseLoadavg(text: string): Reading<readonly [number, number, number]> {
  const match = /^(\d{1,9}\.\d\d) (\d{1,9}\.\d\d) (\d{1,9}\.\d\d) \d+\/\d+ \d+\n$/.exec(text)
  if (match === null) return unknown(`loadavg is ${quote(text)}`)
  return known([Number(match[1]), Number(match[2]), Number(match[3])])
}

/** Parses `/proc/uptime`: seconds since boot. */
export function parseUptimeSeconds(text: string): Reading<number> {
  const match = /^(\d{1,12}\.\d\d) \d+\.\d\d\n$/.exec(text)
  return match?.[1] === undefined ? unknown(`uptime is ${quote(text)}`) : known(Number(match[1]))
}

/** CPU time of the whole machine since boot, in clock ticks. */
export interface CpuTicks {
  readonly total: number
  readonly busy: number
}

/** Parses the first line of `/proc/stat`. Idle and waiting for disk count as not busy; guest time is within user. */
export function parseCpuTicks(text: string): Reading<CpuTicks> {
  const match = /^cpu +((?:\d{1,16} ){4,9}\d{1,16})\n/.exec(text)
  if (match?.[1] === undefined) return unknown('no whole cpu line')
  const ticks = match[1].split(' ').map(Number).slice(0, 8)
  const total = ticks.reduce((sum, each) => sum + each, 0)
  return known({ total, busy: total - (ticks[3] ?? 0) - (ticks[4] ?? 0) })
}

/** Parses the output of a command that prints one whole number and a newline, such as `nproc` or `date +%s`. */
export function parseOneNumber(text: string): Reading<number> {
  if (!text.endsWith('\n')) return unknown(`not a whole line: ${quote(text)}`)
  return wholeNumber(text.slice(0, -1).trim())
}

/** Parses `/proc/vmstat` for the machine's count of kills for want of memory. */
export function parseVmstatOomKills(text: string): Reading<number> {
  const match = /^oom_kill (\d+)\n/m.exec(text)
  return match?.[1] === undefined ? unknown('no whole line oom_kill') : wholeNumber(match[1])
}
