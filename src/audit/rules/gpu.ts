import { type Gpu, hardwareSlowdownBits } from '../../host/probe/nvidia.ts'
import { type GpuProbe, gpuCount } from '../../host/probe/probe.ts'
import type { Reading } from '../../host/probe/value.ts'
import { formatCount, formatNumber } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure, worst } from './verdict.ts'

/** Memory that CUDA and its context take for themselves, per card (handbook lifecycle 6.2). */
const contextMiB = 1024

export const asksForNoGpu = (): Verdict => notApplicable('the plan asks for CPU only')

/** Cards that can be judged, or the verdict that there are none to be judged. */
export function cardsOf(gpus: GpuProbe): readonly Gpu[] | Verdict {
  if (gpus === 'none') return fail('none: there is no nvidia-smi on this host')
  if (!gpus.isKnown) return unsure(gpus.reason)
  if (gpus.value.lost.length > 0)
    return fail(`${formatCount(gpus.value.lost.length)} lost: ${gpus.value.lost[0]}`, { detail: gpus.value.lost })
  if (gpus.value.gpus.length === 0) return fail('none: the driver sees no card')
  return gpus.value.gpus
}
export const isVerdict = (found: readonly Gpu[] | Verdict): found is Verdict => !Array.isArray(found)

export const show = <T>(reading: Reading<T>, unit = ''): string =>
  reading.isKnown ? `${String(reading.value)}${unit}` : `not known (${reading.reason})`
export const title = (gpu: Gpu): string => `${show(gpu.index)}: ${show(gpu.name)}`

export function judgeGpuPresent(gpus: GpuProbe, wanted: number): Verdict {
  const found = cardsOf(gpus)
  if (isVerdict(found)) return found
  const count = gpuCount(gpus)
  const detail = found.map((gpu) => `${title(gpu)}, ${show(gpu.memoryTotalMiB, ' MiB')}, driver ${show(gpu.driver)}`)
  const text = `${formatCount(found.length)} cards, ${formatCount(wanted)} asked`
  const value = { count: count.isKnown ? count.value : null, wanted }
  return found.length < wanted ? fail(text, { detail, value }) : pass(text, { detail, value })
}

export function judgeGpuMemory(gpus: GpuProbe, neededMiB: number | null): Verdict {
  const found = cardsOf(gpus)
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

/** Versions that must fit one another: what the driver takes, what the libraries were built for, what compiles beside them. */
export interface CudaVersions {
  /** That the run's libraries were built for, such as `12.4`; null: not known. */
  readonly ofRun: string | null
  /** Highest that the driver takes. */
  readonly ofDriver: Reading<string> | 'none'
  /** Of the compiler that is installed. */
  readonly ofToolkit: Reading<string> | 'none'
}

const major = (version: string): number => Number.parseInt(version, 10)

/** Driver, toolkit and libraries. Libraries of the driver's own major version run on it from its first minor version on. */
export function judgeGpuDriver(gpus: GpuProbe, versions: CudaVersions, profileMaximum: string | null): Verdict {
  const found = cardsOf(gpus)
  if (isVerdict(found)) return found
  const cuda = versions.ofRun
  const drivers = [...new Set(found.map((gpu) => show(gpu.driver)))]
  const unread = found.find((gpu) => !gpu.driver.isKnown)
  if (unread !== undefined && !unread.driver.isKnown) return unsure(unread.driver.reason)
  const text = `driver ${drivers.join(', ')}`
  const detail = [
    `${text}, takes CUDA up to ${versions.ofDriver === 'none' ? 'what its nvidia-smi does not say' : show(versions.ofDriver)}`,
    `toolkit: ${versions.ofToolkit === 'none' ? 'no CUDA compiler is installed' : show(versions.ofToolkit)}`,
    `libraries of the run: ${cuda === null ? 'not known' : `built for CUDA ${cuda}`}`,
  ]
  const value = { drivers, cuda, driverCuda: known(versions.ofDriver), toolkit: known(versions.ofToolkit) }
  const more = { value, detail }
  if (cuda === null) return pass(`${text}; CUDA of the run is not known`, more)
  if (profileMaximum !== null && Number.parseFloat(cuda) > Number.parseFloat(profileMaximum))
    return fail(`${text}; built for CUDA ${cuda}, this platform goes up to ${profileMaximum}`, more)
  const takes = known(versions.ofDriver)
  if (takes !== null && major(cuda) > major(takes))
    return fail(`${text} takes CUDA up to ${takes}, the run is built for ${cuda}`, more)
  const needed = driverForCuda[major(cuda)]
  if (needed === undefined && takes === null) return unsure(`which driver CUDA ${cuda} needs`, more)
  const branch = Number.parseInt(drivers[0] ?? '', 10)
  if (needed !== undefined && branch < needed) return fail(`${text}; CUDA ${cuda} needs ${needed} or newer`, more)
  const compiler = known(versions.ofToolkit)
  // What is compiled on the box is loaded into libraries of another major version, and that fails at import.
  if (compiler !== null && major(compiler) !== major(cuda))
    return fail(`toolkit ${compiler} beside libraries for CUDA ${cuda}: what is compiled there does not fit them`, {
      ...more,
      severity: 'warn',
    })
  return pass(`${text} is new enough for CUDA ${cuda}`, more)
}

const known = (reading: Reading<string> | 'none'): string | null =>
  reading !== 'none' && reading.isKnown ? reading.value : null

/** Preflight of handbook monitoring 4, from one look. */
export function judgeGpuHealth(gpus: GpuProbe, xids: Reading<readonly number[]> | 'none'): Verdict {
  const found = cardsOf(gpus)
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

/** Each card judged by itself; the hardest decides. */
export function each(
  gpus: readonly Gpu[],
  usual: 'error' | 'warn',
  detail: readonly string[] | undefined,
  judge: (gpu: Gpu) => Verdict,
): Verdict {
  const verdicts = gpus.map(judge)
  const hardest = worst(verdicts, usual) ?? unsure('no card')
  return { ...hardest, detail: detail ?? verdicts.map((verdict) => verdict.summary) }
}
