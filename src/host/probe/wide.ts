import { type Limit, parseMemoryLimit } from './cgroup.ts'
import { type ProcessStat, parseProcessStat } from './process.ts'
import { type PsRow, parsePs } from './ps.ts'
import type { Section } from './sections.ts'
import { known, quote, type Reading, unknown, wholeNumber } from './value.ts'

/** Where a path really lies. `missing`: of the nearest folder above it. `dangling`: a link on the way leads nowhere. */
export interface RealPath {
  readonly state: 'there' | 'missing' | 'dangling'
  readonly path: string
}

/** Processes that a control group may have, and has. */
export interface PidLimit {
  readonly limit: Reading<Limit>
  readonly current: Reading<number>
}

/** Limits of a process that kx starts on the host (`/proc/self/limits`, soft limits). */
export interface ProcessLimits {
  readonly openFiles: Reading<Limit>
  readonly processes: Reading<Limit>
  readonly lockedBytes: Reading<Limit>
}

/** A process that has a card open. */
export interface Holder {
  readonly card: number
  readonly stat: ProcessStat
}

/** Programs of the driver itself, which keep a card open without working on it. `comm` is cut at 15 letters by the kernel. */
export const isProgramOfDriver = (command: string): boolean =>
  /^(nvidia-persiste|nv-hostengine|nvidia-smi|nvidia-powerd|nvidia-fabricm|dcgm-exporter)/.test(command)

export interface Holders {
  readonly found: readonly Holder[]
  /** Processes whose files this user may not look at. */
  readonly hidden: number
}

export interface Processes {
  readonly pids: ReadonlySet<number>
  /** The kernel's first namespace of pids: pids that the driver names are those of this list. */
  readonly isFirstNamespace: boolean | null
  /** False: processes of other users are hidden (`hidepid`), so one that is not in the list may be there. */
  readonly isWhole: boolean
}

/** What the wide probe tells beyond the usual one. `none`: there is no such thing on the host. */
export interface Wide {
  /** In the order of the paths that were asked. */
  readonly realPaths: readonly Reading<RealPath>[]
  readonly limits: ProcessLimits
  readonly pids: PidLimit
  /** Highest CUDA that the driver takes, such as `12.4`. */
  readonly driverCuda: Reading<string> | 'none'
  /** Release of the CUDA compiler that is installed. */
  readonly toolkit: Reading<string> | 'none'
  readonly holders: Reading<Holders> | 'none'
  readonly processes: Reading<Processes>
}

export type ReadSection = <T>(name: string, parse: (text: string) => Reading<T>) => Reading<T>

/** Reads the wide sections; what is cut or malformed is unknown with a reason. Never throws. */
export function parseWide(
  read: ReadSection,
  section: (name: string) => Reading<Section>,
  paths: readonly string[],
): Wide {
  const orNone = <T>(name: string, parse: (text: string) => Reading<T>): Reading<T> | 'none' => {
    const found = section(name)
    return found.isKnown && found.value.exitCode === 127 ? 'none' : read(name, parse)
  }
  const limits = read('limits', known)
  return {
    realPaths: paths.map((_, i) => read(`real-${i}`, parseRealPath)),
    limits: parseProcessLimits(limits.isKnown ? limits.value : ''),
    pids: parsePidLimit(orEmpty(read('cgroup-pids', known))),
    driverCuda: orNone('driver-cuda', parseVersion),
    toolkit: orNone('toolkit', parseToolkit),
    holders: orNone('holders', parseHolders),
    processes: orPs(read('processes', parseProcesses), orNone('ps', parsePs)),
  }
}

/** The list of `ps` where `/proc` gave none. */
function orPs(processes: Reading<Processes>, ps: Reading<readonly PsRow[]> | 'none'): Reading<Processes> {
  if (processes.isKnown || ps === 'none' || !ps.isKnown) return processes
  const pids = new Set(ps.value.map((row) => row.pid))
  return known({ pids, isFirstNamespace: null, isWhole: isWholeList(pids) })
}

/** Every namespace has a first process, and it belongs to another user than one for whom things are hidden. */
const isWholeList = (pids: ReadonlySet<number>) => pids.has(1)

const orEmpty = (reading: Reading<string>) => (reading.isKnown ? reading.value : '')

/** Parses `there /real/path`; a path may hold spaces and newlines. */
export function parseRealPath(text: string): Reading<RealPath> {
  const match = /^(there|missing|dangling) (\/[^\0]*)\n$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return unknown(`no path in ${quote(text)}`)
  return known({ state: match[1] as RealPath['state'], path: match[2] })
}

/** Parses `/proc/self/limits` (proc(5)): columns of fixed names, `unlimited` is none. */
export function parseProcessLimits(text: string): ProcessLimits {
  const soft = (name: string): Reading<Limit> => {
    const match = new RegExp(`^${name} +(unlimited|\\d{1,20}) +(?:unlimited|\\d{1,20}) +\\S+ *\\n`, 'm').exec(text)
    if (match?.[1] === undefined) return unknown(`no whole line ${name}`)
    return match[1] === 'unlimited' ? known('none') : parseMemoryLimit(match[1])
  }
  return { openFiles: soft('Max open files'), processes: soft('Max processes'), lockedBytes: soft('Max locked memory') }
}

/** Parses `<level> pids.max <n>` and `<level> pids.current <n>`; the smallest limit counts, with the use in its group. */
export function parsePidLimit(text: string): PidLimit {
  if (!text.endsWith('\nend\n') && text !== 'end\n') {
    const cut = unknown('what was read of the control groups was cut')
    return { limit: cut, current: cut }
  }
  let found: PidLimit = { limit: unknown('no control group counts processes'), current: unknown('not counted') }
  const currents = new Map<string, Reading<number>>()
  const limits = new Map<string, Reading<Limit>>()
  for (const line of text.split('\n')) {
    const match = /^(\d{1,3}) pids\.(max|current) (\S{1,20})$/.exec(line)
    if (match?.[1] === undefined || match[3] === undefined) continue
    if (match[2] === 'max') limits.set(match[1], parseMemoryLimit(match[3]))
    else currents.set(match[1], wholeNumber(match[3]))
  }
  for (const [level, limit] of limits) {
    if (!limit.isKnown) continue
    const isSmaller =
      !found.limit.isKnown ||
      (limit.value !== 'none' && (found.limit.value === 'none' || limit.value < found.limit.value))
    if (isSmaller) found = { limit, current: currents.get(level) ?? unknown('pids.current is not there') }
  }
  return found
}

/** One line that is a version. */
export function parseVersion(text: string): Reading<string> {
  const match = /^(\d{1,3}\.\d{1,3}(?:\.\d{1,4})?)\n$/.exec(text)
  return match?.[1] === undefined ? unknown(`no version in ${quote(text)}`) : known(match[1])
}

/** Parses `nvcc --version`: `Cuda compilation tools, release 12.4, V12.4.131`. */
export function parseToolkit(text: string): Reading<string> {
  const match = /^Cuda compilation tools, release (\d{1,3}\.\d{1,3}), V\S+\n/m.exec(text)
  return match?.[1] === undefined ? unknown('nvcc names no release') : known(match[1])
}

/** Parses the list of who holds a card: `hidden <n>`, then `holder <card> <stat line>`. */
export function parseHolders(text: string): Reading<Holders> {
  const lines = text.split('\n')
  const hidden = /^hidden (\d{1,9})$/.exec(lines[0] ?? '')
  if (hidden?.[1] === undefined || lines.at(-2) !== 'end' || lines.at(-1) !== '')
    return unknown('the list of those who hold a card was cut')
  const found: Holder[] = []
  for (const line of lines.slice(1, -2)) {
    const match = /^holder (\d{1,4}) (.+)$/.exec(line)
    const stat = match?.[2] === undefined ? unknown('') : parseProcessStat(match[2])
    if (match?.[1] === undefined || !stat.isKnown) return unknown(`not a holder of a card: ${quote(line)}`)
    found.push({ card: Number(match[1]), stat: stat.value })
  }
  return known({ found, hidden: Number(hidden[1]) })
}

/** Number of the kernel's first namespace of pids (`PROC_PID_INIT_INO` in linux/proc_ns.h). */
const firstNamespace = 'pid:[4026531836]'

/** Parses the namespace of pids and every pid that is seen in it. */
export function parseProcesses(text: string): Reading<Processes> {
  const match = /^(\S+)\n((?:\d{1,9} )*)\nend\n$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) return unknown('the list of processes was cut')
  const pids = new Set(match[2].split(' ').filter(Boolean).map(Number))
  if (pids.size === 0) return unknown('no process is visible')
  const isFirstNamespace = match[1] === 'unknown' ? null : match[1] === firstNamespace
  return known({ pids, isFirstNamespace, isWhole: isWholeList(pids) })
}
