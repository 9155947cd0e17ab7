import { existsSync, readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** What a process has used, from /proc: of the child itself, never of the test. */
export interface ProcessUse {
  readonly cpuSeconds: number
  readonly rssBytes: number
  /** Times the main thread went to sleep by itself: its wake-ups. */
  readonly voluntarySwitches: number
  readonly openFiles: number
  readonly threads: number
}

/** Reads /proc of one process; throws when it is gone. Linux only. */
export function processUse(pid: number): ProcessUse {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may hold anything; fields are counted from behind it. utime is field 14, stime 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const line = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? Number.NaN)
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rssBytes: line('VmRSS') * 1024,
    voluntarySwitches: line('voluntary_ctxt_switches'),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
    threads: line('Threads'),
  }
}

/** One letter of /proc/<pid>/stat (R, S, T, Z …), or null when the process is gone. */
export function processState(pid: number): string | null {
  if (!existsSync(`/proc/${pid}/stat`)) return null
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).charAt(0)
  } catch {
    return null
  }
}

/** Whether a process is there and not merely waiting to be reaped. */
export const isRunning = (pid: number): boolean => !['Z', null].includes(processState(pid))

/** Processes that a process has begun and not yet heard the end of, from all its threads. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .split(' ')
      .filter((each) => each !== '')
      .map(Number),
  )
}
