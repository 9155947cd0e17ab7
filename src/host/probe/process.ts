import { known, quote, type Reading, unknown, wholeNumber } from './value.ts'

/** Fields of `/proc/<pid>/stat` that kx uses (proc(5); numbers in brackets are field numbers). */
export interface ProcessStat {
  readonly pid: number
  readonly command: string
  /** (3) One letter; Z and X are no longer running. */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** (14)+(15) CPU time used, in clock ticks. */
  readonly cpuTicks: number
  /** (22) Clock ticks after boot. */
  readonly startTicks: number
}

/** Parses `/proc/<pid>/stat`. The command may hold spaces, brackets and newlines, so fields count from the last `)`. */
export function parseProcessStat(text: string): Reading<ProcessStat> {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 1 || close < open) return unknown('no command in brackets in the stat line')
  const pid = wholeNumber(text.slice(0, open).trim())
  if (!pid.isKnown) return pid
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  // Field 3 is fields[0]; a line that ends inside field 22 cannot be told from a whole one, so field 23 must be there.
  if (fields.length < 21) return unknown(`stat line has ${fields.length + 2} fields, 23 or more expected`)
  const state = fields[0] ?? ''
  if (!/^[A-Za-z]$/.test(state)) return unknown(`process state is ${quote(state)}`)
  const number = (field: number) => wholeNumber(fields[field - 3] ?? '')
  const parent = number(4)
  const group = number(5)
  const session = number(6)
  const user = number(14)
  const system = number(15)
  const start = number(22)
  if (!parent.isKnown) return parent
  if (!group.isKnown) return group
  if (!session.isKnown) return session
  if (!user.isKnown) return user
  if (!system.isKnown) return system
  if (!start.isKnown) return start
  return known({
    pid: pid.value,
    command: text.slice(open + 1, close),
    state,
    parent: parent.value,
    group: group.value,
    session: session.value,
    cpuTicks: user.value + system.value,
    startTicks: start.value,
  })
}

/** Figures of `/proc/<pid>/status`. */
export interface ProcessStatus {
  readonly residentBytes: Reading<number>
  readonly peakResidentBytes: Reading<number>
  readonly threads: Reading<number>
}

/** Parses `/proc/<pid>/status`. Kernel threads and zombies have no `VmRSS`: that is unknown, not zero. */
export function parseProcessStatus(text: string): ProcessStatus {
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(\\d+)[ \\t]*(kB)?[ \\t]*\\n`, 'm').exec(text)
  const bytes = (name: string): Reading<number> => {
    const match = field(name)
    if (match?.[1] === undefined || match[2] !== 'kB') return unknown(`no ${name} line in kB`)
    const value = wholeNumber(match[1])
    return value.isKnown ? known(value.value * 1024) : value
  }
  const threads = field('Threads')
  return {
    residentBytes: bytes('VmRSS'),
    peakResidentBytes: bytes('VmHWM'),
    threads: threads?.[1] === undefined ? unknown('no Threads line') : wholeNumber(threads[1]),
  }
}
