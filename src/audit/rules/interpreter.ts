import type { Reading } from '../../host/probe/value.ts'
import { formatCount, plural } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, pass } from '../../walk/verdict.ts'
import { unsure } from './verdict.ts'

/** One card as the interpreter of the run sees it. */
export interface InterpreterDevice {
  readonly name: string
  readonly totalBytes: number
  readonly capability: string
  /** Free before anything was put there; null: not told. */
  readonly freeBytes: number | null
  /** Why a mebibyte could not be taken, written and read back there; null: it could. Undefined: not tried. */
  readonly trouble?: string | null
}

/** What the run's own interpreter says about CUDA. */
export interface InterpreterFacts {
  readonly executable: string
  readonly python: string
  readonly torch: string | null
  readonly cuda: string | null
  readonly isAvailable: boolean
  readonly devices: readonly InterpreterDevice[]
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
    devices: list('devices').flatMap(deviceOf),
    architectures: list('architectures').filter((each) => typeof each === 'string'),
    trouble: word('trouble'),
  }
}

function deviceOf(each: unknown): readonly InterpreterDevice[] {
  if (!Array.isArray(each)) return []
  const [name, totalBytes, capability, freeBytes, trouble] = each as unknown[]
  if (typeof name !== 'string' || typeof totalBytes !== 'number' || typeof capability !== 'string') return []
  return [
    {
      name,
      totalBytes,
      capability,
      freeBytes: typeof freeBytes === 'number' ? freeBytes : null,
      ...(typeof trouble === 'string' ? { trouble } : trouble === null ? { trouble: null } : {}),
    },
  ]
}

/** CUDA as the interpreter of the run sees it: the only witness that counts (handbook lifecycle 6.2). */
export function judgeInterpreter(facts: Reading<InterpreterFacts>, wanted: number): Verdict {
  if (!facts.isKnown) return unsure(facts.reason)
  const { value } = facts
  const who = `${value.executable} (Python ${value.python}, torch ${value.torch ?? 'missing'}, CUDA ${value.cuda ?? 'none'})`
  const detail = [who, ...value.devices.map(deviceText)]
  if (value.torch === null) return fail(`no torch: ${value.trouble ?? 'it cannot be imported'}`, { detail })
  if (!value.isAvailable)
    return fail(value.cuda === null ? 'a CPU-only torch' : 'torch sees no CUDA device', { detail })
  if (value.devices.length < wanted)
    return fail(`torch sees ${value.devices.length} of ${plural(wanted, 'card')}`, { detail })
  const broken = value.devices.find((device) => typeof device.trouble === 'string')
  if (broken !== undefined)
    return fail(`${broken.name} is seen, and its memory cannot be used: ${broken.trouble}`, { detail })
  const untried = value.devices.filter((device) => device.trouble === undefined).length
  if (untried > 0) return unsure(`${plural(untried, 'card')} seen, memory not tried`, { detail })
  return pass(`torch ${value.torch} sees ${plural(value.devices.length, 'card')} and can use the memory of each`, {
    detail,
    value: { devices: value.devices.length, torch: value.torch, cuda: value.cuda },
  })
}

const mebibytes = (bytes: number) => `${formatCount(Math.floor(bytes / 1_048_576))} MiB`

function deviceText({ name, totalBytes, capability, freeBytes, trouble }: InterpreterDevice): string {
  const free = freeBytes === null ? 'free memory not told' : `${mebibytes(freeBytes)} free`
  const tried = trouble === undefined ? 'not tried' : trouble === null ? '1 MiB written and read back' : trouble
  return `${name}, ${mebibytes(totalBytes)}, ${free}, capability ${capability}, ${tried}`
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
