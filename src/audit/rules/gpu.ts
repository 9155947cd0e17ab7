import { type Gpu, type GpuProcess, hardwareSlowdownBits } from '../../host/probe/nvidia.ts'
import { type GpuProbe, gpuCount } from '../../host/probe/probe.ts'
import type { Reading } from '../../host/probe/value.ts'
import { formatCount, formatNumber } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure, worst } from './verdict.ts'

/** Memory that CUDA and its context take for themselves, per card (handbook lifecycle 6.2). */
const contextMiB = 1024
/** Used memory above this means that somebody else is on the card (kx; an idle driver takes a few hundred MiB). */
const idleFloorMiB = 600

export const asksForNoGpu = (): Verdict => notApplicable('the plan asks for CPU only')

/** Cards that can be judged, or the verdict that there are none to be judged. */
function cards(gpus: GpuProbe): readonly Gpu[] | Verdict {
  if (gpus === 'none') return fail('none: there is no nvidia-smi on this host')
  if (!gpus.isKnown) return unsure(gpus.reason)
  if (gpus.value.lost.length > 0)
    return fail(`${formatCount(gpus.value.lost.length)} lost: ${gpus.value.lost[0]}`, { detail: gpus.value.lost })
  if (gpus.value.gpus.length === 0) return fail('none: the driver sees no card')
  return gpus.value.gpus
}
const isVerdict = (found: readonly Gpu[] | Verdict): found is Verdict => !Array.isArray(found)

const show = <T>(reading: Reading<T>, unit = ''): string =>
  reading.isKnown ? `${String(reading.value)}${unit}` : `not known (${reading.reason})`
const title = (gpu: Gpu): string => `${show(gpu.index)}: ${show(gpu.name)}`

export function judgeGpuPresent(gpus: GpuProbe, wanted: number): Verdict {
  const found = cards(gpus)
  if (isVerdict(found)) return found
  const count = gpuCount(gpus)
  const detail = found.map((gpu) => `${title(gpu)}, ${show(gpu.memoryTotalMiB, ' MiB')}, driver ${show(gpu.driver)}`)
  const text = `${formatCount(found.length)} cards, ${formatCount(wanted)} asked`
  const value = { count: count.isKnown ? count.value : null, wanted }
  return found.length < wanted ? fail(text, { detail, value }) : pass(text, { detail, value })
}

export function judgeGpuMemory(gpus: GpuProbe, neededMiB: number | null): Verdict {
  const found = cards(gpus)
  if (isVerdict(found)) return found
  const detail = found.map((gpu) => `${title(gpu)}: ${show(gpu.memoryTotalMiB, ' MiB')}`)
  if (neededMiB === null) return notApplicable('the plan declares no resources.gpuMemoryMiB', { detail })
  const wanted = neededMiB + contextMiB
  return each(found, 'error', detail, (gpu) => {
    if (!gpu.memoryTotalMiB.isKnown) return unsure(`${title(gpu)}: ${gpu.memoryTotalMiB.reason}`)
    const text = `${title(gpu)}: ${formatCount(gpu.memoryTotalMiB.value)} MiB, ${formatCount(wanted)} MiB needed with ${formatCount(contextMiB)} MiB for the context`
    return gpu.memoryTotalMiB.value < wanted ? fail(text) : pass(text)
  })
}

/** Oldest driver branch for each major version of CUDA (NVIDIA's compatibility table for minor versions, Linux). */
const driverForCuda: Readonly<Record<number, number>> = { 11: 450, 12: 525, 13: 580 }

/** `cuda`: the version that the run's libraries were built for, such as `12.4`; null when that is not known. */
export function judgeGpuDriver(gpus: GpuProbe, cuda: string | null, profileMaximum: string | null): Verdict {
  const found = cards(gpus)
  if (isVerdict(found)) return found
  const drivers = [...new Set(found.map((gpu) => show(gpu.driver)))]
  const unread = found.find((gpu) => !gpu.driver.isKnown)
  if (unread !== undefined && !unread.driver.isKnown) return unsure(unread.driver.reason)
  const text = `driver ${drivers.join(', ')}`
  if (cuda === null) return pass(`${text}; CUDA of the run is not known`, { value: { drivers } })
  if (profileMaximum !== null && Number.parseFloat(cuda) > Number.parseFloat(profileMaximum))
    return fail(`${text}; built for CUDA ${cuda}, this platform goes up to ${profileMaximum}`)
  const needed = driverForCuda[Number.parseInt(cuda, 10)]
  if (needed === undefined) return unsure(`which driver CUDA ${cuda} needs`, { value: { drivers, cuda } })
  const branch = Number.parseInt(drivers[0] ?? '', 10)
  return branch < needed
    ? fail(`${text}; CUDA ${cuda} needs ${needed} or newer`, { value: { drivers, cuda } })
    : pass(`${text} is new enough for CUDA ${cuda}`, { value: { drivers, cuda } })
}

/** Preflight of handbook monitoring 4, from one look. */
export function judgeGpuHealth(gpus: GpuProbe, xids: Reading<readonly number[]> | 'none'): Verdict {
  const found = cards(gpus)
  if (isVerdict(found)) return found
  const verdicts: Verdict[] = found.flatMap(judgeCard)
  if (xids === 'none' || !xids.isKnown)
    verdicts.push(
      unsure(`the kernel log cannot be read, as usual in containers${xids === 'none' ? '' : ` (${xids.reason})`}`, {
        severity: 'warn',
      }),
    )
  else {
    const dead = xids.value.filter((xid) => xid === 48 || xid === 79)
    if (dead.length > 0) verdicts.push(fail(`Xid ${dead[0]} in the kernel log: the card is dying`))
    else if (xids.value.length > 0)
      verdicts.push(fail(`Xid ${xids.value.at(-1)} in the kernel log`, { severity: 'warn' }))
    else verdicts.push(pass('no Xid in the kernel log'))
  }
  const hardest = worst(verdicts, 'error')
  if (hardest === null) return unsure('nothing could be read')
  return { ...hardest, detail: verdicts.map((verdict) => verdict.summary) }
}

function judgeCard(gpu: Gpu): readonly Verdict[] {
  const verdicts: Verdict[] = []
  const name = title(gpu)
  if (!gpu.throttleReasons.isKnown)
    verdicts.push(unsure(`${name}: reasons for a lower clock: ${gpu.throttleReasons.reason}`, { severity: 'warn' }))
  else if ((gpu.throttleReasons.value & hardwareSlowdownBits) !== 0n)
    verdicts.push(fail(`${name}: slowed down by the hardware`))
  const heat = gpu.temperatureCelsius
  if (!heat.isKnown) verdicts.push(unsure(`${name}: temperature: ${heat.reason}`, { severity: 'warn' }))
  else if (heat.value >= 83) {
    const share =
      gpu.smClockMHz.isKnown && gpu.smClockMaxMHz.isKnown && gpu.smClockMaxMHz.value > 0
        ? gpu.smClockMHz.value / gpu.smClockMaxMHz.value
        : null
    verdicts.push(
      share !== null && share < 0.7
        ? fail(`${name}: ${heat.value} °C and the clock at ${formatNumber(share * 100, 3)} % of its maximum`)
        : fail(`${name}: ${heat.value} °C`, { severity: 'warn' }),
    )
  }
  if (gpu.eccUncorrected.isKnown && gpu.eccUncorrected.value > 0)
    verdicts.push(
      fail(`${name}: ${formatCount(gpu.eccUncorrected.value)} uncorrected memory errors`, { severity: 'warn' }),
    )
  return verdicts.length > 0 ? verdicts : [pass(`${name}: ${show(heat, ' °C')}, not slowed down`)]
}

/** Nobody else may be on the cards before a start: no compute process, no memory held by nobody. */
export function judgeGpuFree(gpus: GpuProbe, processes: Reading<readonly GpuProcess[]> | 'none'): Verdict {
  const found = cards(gpus)
  if (isVerdict(found)) return found
  if (processes === 'none') return unsure('the processes on the cards cannot be listed')
  if (!processes.isKnown) return unsure(processes.reason)
  if (processes.value.length > 0)
    return fail(`${formatCount(processes.value.length)} processes on the cards`, {
      detail: processes.value.map((p) => `pid ${show(p.pid)} ${p.name} ${show(p.usedMiB, ' MiB')}`),
    })
  return each(found, 'error', undefined, (gpu) => {
    if (!gpu.memoryUsedMiB.isKnown) return unsure(`${title(gpu)}: ${gpu.memoryUsedMiB.reason}`)
    const text = `${title(gpu)}: ${formatCount(gpu.memoryUsedMiB.value)} MiB used by nobody that is listed`
    return gpu.memoryUsedMiB.value > idleFloorMiB ? fail(text) : pass(`${title(gpu)}: free`)
  })
}

function each(
  gpus: readonly Gpu[],
  usual: 'error' | 'warn',
  detail: readonly string[] | undefined,
  judge: (gpu: Gpu) => Verdict,
): Verdict {
  const verdicts = gpus.map(judge)
  const hardest = worst(verdicts, usual) ?? unsure('no card')
  return { ...hardest, detail: detail ?? verdicts.map((verdict) => verdict.summary) }
}

/** What the run's own interpreter says about CUDA. */
export interface InterpreterFacts {
  readonly executable: string
  readonly python: string
  readonly torch: string | null
  readonly cuda: string | null
  readonly isAvailable: boolean
  readonly devices: readonly { readonly name: string; readonly totalBytes: number; readonly capability: string }[]
  readonly architectures: readonly string[]
  readonly trouble: string | null
}

/** Parses the one line of JSON that `interpreterScript` prints; everything in it is checked. */
export function parseInterpreter(text: string): InterpreterFacts | null {
  const line = text.split('\n').findLast((each) => each.startsWith('kx-interpreter '))
  if (line === undefined) return null
  let raw: unknown
  try {
    raw = JSON.parse(line.slice('kx-interpreter '.length))
  } catch {
    return null
  }
  if (typeof raw !== 'object' || raw === null) return null
  const facts = raw as Readonly<Record<string, unknown>>
  const word = (key: string): string | null => (typeof facts[key] === 'string' ? (facts[key] as string) : null)
  const list = (key: string): readonly unknown[] => (Array.isArray(facts[key]) ? (facts[key] as unknown[]) : [])
  if (typeof facts.available !== 'boolean') return null
  return {
    executable: word('executable') ?? '?',
    python: word('python') ?? '?',
    torch: word('torch'),
    cuda: word('cuda'),
    isAvailable: facts.available,
    devices: list('devices').flatMap((each) => {
      if (!Array.isArray(each)) return []
      const [name, totalBytes, capability] = each as unknown[]
      return typeof name === 'string' && typeof totalBytes === 'number' && typeof capability === 'string'
        ? [{ name, totalBytes, capability }]
        : []
    }),
    architectures: list('architectures').filter((each) => typeof each === 'string'),
    trouble: word('trouble'),
  }
}

/** CUDA as the interpreter of the run sees it: the only witness that counts (handbook lifecycle 6.2). */
export function judgeInterpreter(facts: Reading<InterpreterFacts>, wanted: number): Verdict {
  if (!facts.isKnown) return unsure(facts.reason)
  const { value } = facts
  const who = `${value.executable} (Python ${value.python}, torch ${value.torch ?? 'missing'}, CUDA ${value.cuda ?? 'none'})`
  const detail = [
    who,
    ...value.devices.map((d) => `${d.name}, ${formatCount(Math.floor(d.totalBytes / 1048576))} MiB, ${d.capability}`),
  ]
  if (value.torch === null) return fail(`no torch: ${value.trouble ?? 'it cannot be imported'}`, { detail })
  if (!value.isAvailable)
    return fail(value.cuda === null ? 'a CPU-only torch' : 'torch sees no CUDA device', { detail })
  if (value.devices.length < wanted) return fail(`torch sees ${value.devices.length} of ${wanted} cards`, { detail })
  return pass(`torch ${value.torch} sees ${formatCount(value.devices.length)} cards`, { detail })
}

export function judgeCapability(facts: Reading<InterpreterFacts>): Verdict {
  if (!facts.isKnown) return unsure(facts.reason)
  const { architectures, devices } = facts.value
  if (devices.length === 0) return unsure('the interpreter sees no card')
  if (architectures.length === 0) return unsure('the interpreter names no architectures that it was built for')
  const majors = (arch: string) => /^(?:sm|compute)_(\d+)(\d)/.exec(arch)
  const missing = devices.filter((device) => {
    const [major, minor] = device.capability.split('.').map(Number)
    return !architectures.some((arch) => {
      const built = majors(arch)
      if (built === null) return false
      const sameMajor = Number(built[1]) === major && Number(built[2]) <= (minor ?? 0)
      // PTX code is compiled for any newer card at start.
      return sameMajor || (arch.startsWith('compute_') && Number(built[1]) <= (major ?? 0))
    })
  })
  const detail = [`built for ${architectures.join(', ')}`, ...devices.map((d) => `${d.name}: ${d.capability}`)]
  return missing.length > 0
    ? fail(`no kernels for ${missing[0]?.name} (${missing[0]?.capability})`, { detail })
    : pass(`built for ${devices.map((d) => d.capability).join(', ')}`, { detail })
}
