import { type Cgroup, parseCgroup } from './cgroup.ts'
import { type DiskBytes, type DiskInodes, parseDfBytes, parseDfInodes } from './df.ts'
import {
  type CpuTicks,
  type Memory,
  parseCpuTicks,
  parseLoadavg,
  parseMeminfo,
  parseOneNumber,
  parseUptimeSeconds,
  parseVmstatOomKills,
} from './figures.ts'
import { type Mount, mountOf, parseMountinfo } from './mountinfo.ts'
import { type GpuProcess, type GpuReport, parseGpuProcesses, parseGpus, parseXids } from './nvidia.ts'
import { type ProcessStat, type ProcessStatus, parseProcessStat, parseProcessStatus } from './process.ts'
import { cutSections, type Section } from './sections.ts'
import { known, mapReading, type Reading, unknown } from './value.ts'
import { parseWide, type Wide } from './wide.ts'

export interface DiskProbe {
  /** Path as it was asked; figures are those of the nearest folder above it that is there. */
  readonly path: string
  readonly mount: Reading<Mount>
  readonly bytes: Reading<DiskBytes>
  readonly inodes: Reading<DiskInodes>
}

/** `none`: there is no nvidia-smi on the host. Unknown: there is one, and it did not answer. */
export type GpuProbe = Reading<GpuReport> | 'none'

/** Everything that one run of the probe script told. */
export interface Probe {
  readonly isComplete: boolean
  readonly clockSeconds: Reading<number>
  readonly machineId: Reading<string>
  readonly bootId: Reading<string>
  readonly memory: Memory
  readonly load: Reading<readonly [number, number, number]>
  readonly uptimeSeconds: Reading<number>
  readonly cpu: Reading<CpuTicks>
  readonly cores: Reading<number>
  /** As `uname -m` says it: `x86_64`, `aarch64`. */
  readonly architecture: Reading<string>
  readonly ticksPerSecond: Reading<number>
  readonly cgroup: Cgroup
  /** Kills for want of memory: of the own group where it counts them, else of the whole machine. */
  readonly oomKills: Reading<number>
  readonly oomScope: 'group' | 'machine'
  /** Null: no pid was asked, or there is no such process. */
  readonly process: {
    readonly stat: Reading<ProcessStat>
    readonly status: ProcessStatus
    readonly descriptors: Reading<number>
  } | null
  readonly shm: Reading<DiskBytes>
  readonly disks: readonly DiskProbe[]
  readonly gpus: GpuProbe
  readonly gpuProcesses: Reading<readonly GpuProcess[]> | 'none'
  /** Unknown when the kernel log may not be read, as in most containers. */
  readonly xids: Reading<readonly number[]> | 'none'
  /** What only the wide probe asks; of the usual one, all of it is unknown. */
  readonly wide: Wide
}

/** Exit codes of `timeout`: 124 ended by it, 137 killed by it. */
const ranOut = (section: Section) => section.exitCode === 124 || section.exitCode === 137

/**
 * Reads the answer of `probeScript`. Never throws; whatever is cut, missing or malformed is unknown with a reason, and
 * does not sink the rest. `paths` are those that the script was given, in the same order.
 */
export function parseProbe(text: string, nonce: string, paths: readonly string[]): Probe {
  const section = cutSections(text, nonce)
  /** Only a command that ended well is read. */
  const read = <T>(name: string, parse: (text: string) => Reading<T>): Reading<T> => {
    const found = section(name)
    if (!found.isKnown) return found
    if (ranOut(found.value)) return unknown('gave no answer in time')
    if (found.value.exitCode !== 0) return unknown(`the command ended with ${found.value.exitCode}`)
    return parse(found.value.text)
  }
  const textOf = (name: string) => {
    const found = read(name, known)
    return found.isKnown ? found.value : ''
  }
  const word = (pattern: RegExp, what: string) => (content: string) => {
    const line = content.trim()
    return pattern.test(line) ? known(line) : unknown(`not a ${what}`)
  }
  /** What needs nvidia-smi: `none` without it. */
  const nvidia = <T>(name: string, parse: (text: string) => Reading<T>): Reading<T> | 'none' => {
    const found = section(name)
    if (found.isKnown && found.value.exitCode === 127) return 'none'
    if (found.isKnown && found.value.exitCode !== 0 && !ranOut(found.value)) {
      const parsed = parse(found.value.text)
      // Without cards, or with one that fell off the bus, the command ends in error and its answer still says so.
      if (parsed.isKnown && /No devices were found|device handle|is lost|fallen off/i.test(found.value.text))
        return parsed
      const why = parsed.isKnown ? '' : `: ${parsed.reason}`
      return unknown(`nvidia-smi ended with ${found.value.exitCode}${why}`)
    }
    return read(name, parse)
  }
  const cgroup = parseCgroup(textOf('cgroup'))
  const mounts = parseMountinfo(textOf('mounts'))
  const processStat = section('process-stat')
  return {
    isComplete: text.endsWith(`\n${nonce} done\n`),
    clockSeconds: read('clock', parseOneNumber),
    machineId: read('machine-id', word(/^[0-9a-f]{32}$/, 'machine id')),
    bootId: read('boot-id', word(/^[0-9a-f-]{36}$/, 'boot id')),
    memory: parseMeminfo(textOf('meminfo')),
    load: read('loadavg', parseLoadavg),
    uptimeSeconds: read('uptime', parseUptimeSeconds),
    cpu: read('cpu-ticks', parseCpuTicks),
    cores: read('cores', parseOneNumber),
    architecture: read('arch', word(/^[A-Za-z0-9_-]{1,32}$/, 'machine name')),
    ticksPerSecond: read('ticks-per-second', parseOneNumber),
    cgroup,
    oomKills: cgroup.oomKills.isKnown ? cgroup.oomKills : read('vmstat', parseVmstatOomKills),
    oomScope: cgroup.oomKills.isKnown ? 'group' : 'machine',
    process:
      !processStat.isKnown || processStat.value.exitCode !== 0
        ? null
        : {
            stat: parseProcessStat(processStat.value.text),
            status: parseProcessStatus(textOf('process-status')),
            descriptors: read('process-descriptors', parseOneNumber),
          },
    shm: read('shm', parseDfBytes),
    disks: paths.map((path, i) => {
      const bytes = read(`bytes-${i}`, parseDfBytes)
      return {
        path,
        bytes,
        inodes: read(`inodes-${i}`, parseDfInodes),
        mount: mountOf(mounts, bytes.isKnown ? bytes.value.mount : path),
      }
    }),
    gpus: nvidia('gpus', (answer) => {
      const line = answer.indexOf('\n')
      return parseGpus(answer.slice(line + 1), answer.slice(0, line).split(','))
    }),
    gpuProcesses: nvidia('gpu-processes', parseGpuProcesses),
    xids: nvidia('xids', (lines) => known(parseXids(lines))),
    wide: parseWide(read, section, paths),
  }
}

/** How many cards there are, those that no longer answer included. Without nvidia-smi there are none to be used. */
export function gpuCount(gpus: GpuProbe): Reading<number> {
  return gpus === 'none' ? known(0) : mapReading(gpus, (report) => report.gpus.length + report.lost.length)
}
