import { known, mapReading, quote, type Reading, unknown } from './value.ts'

/**
 * Fields asked of `nvidia-smi --query-gpu` (handbook monitoring 7.1), in the order of the question. Drivers that do not
 * know one refuse the whole call: the probe script drops that one and repeats, and says which list was answered.
 */
export const gpuFields = [
  'index',
  'uuid',
  'pci.bus_id',
  'name',
  'driver_version',
  'pstate',
  'utilization.gpu',
  'utilization.memory',
  'memory.total',
  'memory.used',
  'temperature.gpu',
  'fan.speed',
  'power.draw',
  'power.limit',
  'clocks.sm',
  'clocks.max.sm',
  'clocks.mem',
  'clocks.max.mem',
  'pcie.link.gen.current',
  'pcie.link.width.current',
  'ecc.errors.uncorrected.volatile.total',
  'clocks_throttle_reasons.active',
  'compute_cap',
] as const
export type GpuField = (typeof gpuFields)[number]

/** One card. Every figure is a value or unknown with the driver's own word as the reason; never a guessed zero. */
export interface Gpu {
  readonly index: Reading<number>
  readonly uuid: Reading<string>
  readonly busId: Reading<string>
  readonly name: Reading<string>
  readonly driver: Reading<string>
  readonly performanceState: Reading<string>
  readonly utilisationPercent: Reading<number>
  readonly memoryBusPercent: Reading<number>
  readonly memoryTotalMiB: Reading<number>
  readonly memoryUsedMiB: Reading<number>
  readonly temperatureCelsius: Reading<number>
  readonly fanPercent: Reading<number>
  readonly powerWatts: Reading<number>
  readonly powerLimitWatts: Reading<number>
  readonly smClockMHz: Reading<number>
  readonly smClockMaxMHz: Reading<number>
  readonly memoryClockMHz: Reading<number>
  readonly memoryClockMaxMHz: Reading<number>
  readonly pcieGeneration: Reading<number>
  readonly pcieWidth: Reading<number>
  readonly eccUncorrected: Reading<number>
  /** Bit mask of reasons for a lower clock. */
  readonly throttleReasons: Reading<bigint>
  readonly computeCapability: Reading<string>
}

export interface GpuReport {
  readonly gpus: readonly Gpu[]
  /** Lines that speak of a card without figures, such as "GPU is lost". */
  readonly lost: readonly string[]
}

/** Newer drivers call the throttle field by another name; the answer is the same. */
const alias: Readonly<Record<string, GpuField>> = { 'clocks_event_reasons.active': 'clocks_throttle_reasons.active' }

const failure =
  /^(NVIDIA-SMI has failed|Failed to initialize NVML|NVIDIA-SMI couldn't|Field ".*" is not a valid field|Driver\/library version mismatch|No permission|Unable to load)/i
const lostCard = /(unable to determine the device handle|gpu is lost|gpu has fallen off the bus|requires reset)/i

/**
 * Parses `nvidia-smi --query-gpu=<fields> --format=csv,noheader` with or without `nounits`. `fields` is the list that
 * was really asked. No cards is a known empty list; a driver that does not answer is unknown.
 */
export function parseGpus(text: string, fields: readonly string[] = gpuFields): Reading<GpuReport> {
  if (text.trim() === '') return unknown('nvidia-smi printed nothing')
  if (!text.endsWith('\n')) return unknown('the output of nvidia-smi was cut')
  const gpus: Gpu[] = []
  const lost: string[] = []
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '')
    if (line.trim() === '') continue
    if (/^No devices were found/i.test(line.trim())) continue
    if (failure.test(line.trim())) return unknown(line.trim().slice(0, 200))
    const cells = splitCells(line, fields)
    if (cells === null) {
      if (!lostCard.test(line)) return unknown(`not a line of figures: ${quote(line)}`)
      lost.push(line.trim().slice(0, 200))
      continue
    }
    gpus.push(toGpu(cells))
  }
  return known({ gpus, lost })
}

/**
 * Cells by field name. The separator is comma and space, which a decimal comma is not; some builds write no space. A
 * name may hold the separator itself, so surplus cells belong to the name. Null when the line cannot be such a list.
 */
function splitCells(line: string, fields: readonly string[]): ReadonlyMap<GpuField, string> | null {
  let parts = line.split(/,\s+/)
  if (parts.length < fields.length) parts = line.split(',')
  const surplus = parts.length - fields.length
  if (surplus < 0) return null
  if (surplus > 0) {
    const at = fields.indexOf('name')
    if (at < 0) return null
    parts = [...parts.slice(0, at), parts.slice(at, at + surplus + 1).join(', '), ...parts.slice(at + surplus + 1)]
  }
  const cells = new Map<GpuField, string>()
  for (const [i, field] of fields.entries()) cells.set(alias[field] ?? (field as GpuField), (parts[i] ?? '').trim())
  // A card is told from chatter by its number: a line whose index is no number is not a card.
  if (fields.includes('index') && !/^\d{1,4}$/.test(cells.get('index') ?? '')) return null
  return cells
}

/** The words by which drivers say that they cannot tell. */
const notTold = /^(\[.*\]|n\/a|err!?|unknown error|not supported|not available|)$/i

function toGpu(cells: ReadonlyMap<GpuField, string>): Gpu {
  const cell = (field: GpuField): Reading<string> => {
    const text = cells.get(field)
    if (text === undefined) return unknown('this driver does not know the field')
    return notTold.test(text) ? unknown(text === '' ? 'empty' : text.slice(0, 60)) : known(text)
  }
  const word = (field: GpuField, pattern: RegExp): Reading<string> => {
    const text = cell(field)
    return text.isKnown && !pattern.test(text.value) ? unknown(`reads ${quote(text.value)}`) : text
  }
  const amount = (field: GpuField, unit: string, maximum: number) => {
    const text = cell(field)
    return text.isKnown ? parseAmount(text.value, unit, maximum) : text
  }
  const total = amount('memory.total', 'MiB', 1e8)
  const used = amount('memory.used', 'MiB', 1e8)
  return {
    index: amount('index', '', 10_000),
    uuid: word('uuid', /^(GPU|MIG)-[0-9A-Za-z/-]{1,80}$/),
    busId: word('pci.bus_id', /^[0-9A-Fa-f:.]{5,32}$/),
    name: cell('name'),
    driver: word('driver_version', /^\d+(\.\d+){0,4}$/),
    performanceState: word('pstate', /^P\d{1,2}$/),
    utilisationPercent: amount('utilization.gpu', '%', 100),
    memoryBusPercent: amount('utilization.memory', '%', 100),
    memoryTotalMiB: total.isKnown && total.value === 0 ? unknown('a total of zero') : total,
    memoryUsedMiB:
      used.isKnown && total.isKnown && used.value > total.value ? unknown('more used than there is') : used,
    temperatureCelsius: amount('temperature.gpu', 'C', 200),
    fanPercent: amount('fan.speed', '%', 150),
    powerWatts: amount('power.draw', 'W', 10_000),
    powerLimitWatts: amount('power.limit', 'W', 10_000),
    smClockMHz: amount('clocks.sm', 'MHz', 20_000),
    smClockMaxMHz: amount('clocks.max.sm', 'MHz', 20_000),
    memoryClockMHz: amount('clocks.mem', 'MHz', 50_000),
    memoryClockMaxMHz: amount('clocks.max.mem', 'MHz', 50_000),
    pcieGeneration: amount('pcie.link.gen.current', '', 20),
    pcieWidth: amount('pcie.link.width.current', '', 64),
    eccUncorrected: amount('ecc.errors.uncorrected.volatile.total', '', Number.MAX_SAFE_INTEGER),
    throttleReasons: throttle(cell('clocks_throttle_reasons.active')),
    computeCapability: word('compute_cap', /^\d{1,2}\.\d$/),
  }
}

/** A figure with or without its unit, with a decimal point or comma. Outside 0 to `maximum` it is unknown. */
function parseAmount(text: string, unit: string, maximum: number): Reading<number> {
  const match = /^(\d{1,16})(?:[.,](\d{1,6}))? ?([A-Za-z%]*)$/.exec(text)
  if (match?.[1] === undefined) return unknown(`reads ${quote(text)}`)
  const factor = match[3] === '' || match[3] === unit ? 1 : unit === 'MiB' ? mebibytes[match[3] ?? ''] : undefined
  if (factor === undefined) return unknown(`in another unit: ${quote(text)}`)
  const value = Number(`${match[1]}.${match[2] ?? '0'}`) * factor
  return value <= maximum ? known(value) : unknown(`out of range: ${quote(text)}`)
}

const mebibytes: Readonly<Record<string, number>> = {
  KiB: 1 / 1024,
  MB: 1e6 / 1024 ** 2,
  GiB: 1024,
  GB: 1e9 / 1024 ** 2,
}

function throttle(text: Reading<string>): Reading<bigint> {
  if (!text.isKnown) return text
  if (/^0x[0-9a-fA-F]{1,16}$/.test(text.value)) return known(BigInt(text.value))
  return unknown(`reads ${quote(text.value)}`)
}

/** Bits of the throttle mask that mean the hardware slows itself down (NVML: hw slowdown, hw thermal, power brake). */
export const hardwareSlowdownBits = 0x8n | 0x40n | 0x80n

/** True when the hardware slows the card down. */
export function isSlowedByHardware(gpu: Gpu): Reading<boolean> {
  return mapReading(gpu.throttleReasons, (mask) => (mask & hardwareSlowdownBits) !== 0n)
}

export interface GpuProcess {
  readonly gpuUuid: string
  readonly pid: Reading<number>
  readonly name: string
  readonly usedMiB: Reading<number>
}

/** A path and four short cells. */
const longestLine = 4500

/**
 * Parses `nvidia-smi --query-compute-apps=gpu_uuid,pid,process_name,used_memory --format=csv,noheader,nounits`. Pids may
 * be the host's and not ours. The name may hold commas: it is what stands between pid and the last cell.
 */
export function parseGpuProcesses(text: string): Reading<readonly GpuProcess[]> {
  if (text.trim() === '' || /^No running processes found/i.test(text.trim())) return known([])
  if (!text.endsWith('\n')) return unknown('the output of nvidia-smi was cut')
  const found: GpuProcess[] = []
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '').trim()
    if (line === '') continue
    if (failure.test(line)) return unknown(line.slice(0, 200))
    if (line.length > longestLine) return unknown('a process line longer than any path')
    const match = /^((?:GPU|MIG)-[0-9A-Za-z/-]{1,80}), *([^,]*), *(.*), *([^,]*)$/.exec(line)
    if (match?.[1] === undefined) return unknown(`not a process line: ${quote(line)}`)
    const pid = match[2]?.trim() ?? ''
    const used = match[4]?.trim() ?? ''
    found.push({
      gpuUuid: match[1],
      pid: /^\d{1,9}$/.test(pid) ? known(Number(pid)) : unknown(pid === '' ? 'empty' : `reads ${quote(pid)}`),
      name: match[3]?.trim() ?? '',
      usedMiB: notTold.test(used) ? unknown(used === '' ? 'empty' : used) : parseAmount(used, 'MiB', 1e8),
    })
  }
  return known(found)
}

/** Xid numbers in lines of the kernel log, oldest first (`NVRM: Xid (PCI:0000:3b:00): 79, …`). */
export function parseXids(text: string): readonly number[] {
  return [...text.matchAll(/NVRM: Xid \([^)\n]*\): (\d{1,4})\b/g)].map((match) => Number(match[1]))
}
