import { createHash } from 'node:crypto'
import type { Profile } from '../profile/schema.ts'
import { looseLines } from '../spec/pins.ts'
import type { Plan } from '../spec/schema.ts'
import { plural } from '../text/format.ts'
import type { EnvironmentPlace } from './types.ts'

/** Packages that an image brings built for its driver and cards. Whatever replaces one of them breaks the others. */
const ofImage = /^(?:torch|torchvision|torchaudio|triton|pytorch-triton|nvidia-[a-z0-9-]+)$/

export type Wanted =
  /** Nothing is installed. */
  | { readonly kind: 'nothing'; readonly words: string }
  | {
      readonly kind: 'uv'
      /** Relative path in the project of the list that is installed. */
      readonly file: string
      /** Version or path, as uv takes it; null: whatever it finds. */
      readonly python: string | null
      /** The interpreter of an image whose packages stay visible and untouched; null: a plain environment. */
      readonly image: string | null
    }

/** What the plan and the profile ask for together. Where the image is the environment, nothing of it is replaced. */
export function wantedEnvironment(
  plan: Pick<Plan, 'environment'>,
  profile: Pick<Profile, 'launch' | 'platform'>,
): Wanted {
  const { environment } = plan
  if (environment.kind === 'image')
    return {
      kind: 'nothing',
      words: `the image ${environment.reference} is the environment; nothing is installed into it`,
    }
  if (environment.kind === 'system')
    return {
      kind: 'nothing',
      words: `${environment.interpreter} of the machine is used as it is; nothing is installed`,
    }
  const image = profile.launch.interpreter ?? null
  return {
    kind: 'uv',
    file: environment.lock ?? environment.requirements,
    python: image ?? environment.python ?? null,
    image,
  }
}

export interface Pin {
  /** Several where the list is for several Pythons or platforms, each behind a marker. */
  readonly versions: readonly string[]
  readonly hasMarker: boolean
}

/** Names and versions of a requirements file. Lines that name none (options, paths, addresses) are left out. */
export function pinsOf(text: string): ReadonlyMap<string, Pin> {
  const pins = new Map<string, Pin>()
  for (const line of text.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const match = /^\s*([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*={2,3}\s*([0-9A-Za-z][\w.!+-]*)\s*(;)?/.exec(line)
    if (match?.[1] === undefined || match[2] === undefined) continue
    const name = normalName(match[1])
    const versions = [...(pins.get(name)?.versions ?? []), match[2]]
    pins.set(name, { versions, hasMarker: match[3] !== undefined })
  }
  return pins
}

/** As the index compares names (PEP 503). */
const normalName = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-')

/** Why this list is not installed; null when it may be. */
export function refusalOf(file: string, text: string, wanted: Extract<Wanted, { kind: 'uv' }>): string | null {
  if (/(?:^|\/)(?:poetry|pdm|Pipfile)\.lock$|\.ya?ml$|(?:^|\/)uv\.lock$/.test(file))
    return `${file} is not a list that uv can install alone: write one with "uv export --format requirements-txt" or "uv pip compile --generate-hashes", and name it as lock.`
  const loose = looseLines(file, text)
  const first = loose[0]
  if (first !== undefined)
    return `${file} has ${plural(loose.length, 'line')} without an exact pin, the first is line ${first.line} (${first.text}). Pin them with "uv pip compile --generate-hashes".`
  const pins = pinsOf(text)
  if (pins.size === 0) return `${file} pins no package.`
  const replaced = wanted.image === null ? [] : [...pins.keys()].filter((name) => ofImage.test(name))
  if (replaced.length > 0)
    return `${file} would replace ${replaced.join(', ')} of the image, which are built for its driver and cards. Take ${replaced.length === 1 ? 'that line' : 'those lines'} out: the image's own are used.`
  return null
}

/** The place of a list on a host. Whatever changes the outcome is in the key, so what lies there is never changed. */
export function environmentPlace(
  tierPath: string,
  wanted: Extract<Wanted, { kind: 'uv' }>,
  text: string,
): EnvironmentPlace {
  const key = createHash('sha256')
    .update(JSON.stringify([1, wanted.python, wanted.image !== null, text]))
    .digest('hex')
    .slice(0, 16)
  const root = `${tierPath}/kx-env`
  const folder = `${root}/${key}`
  return { key, root, folder, venv: `${folder}/venv`, interpreter: `${folder}/venv/bin/python` }
}

/** Variables for uv and pip. Mirrors are facts of the profile; what is downloaded is kept beside what it is for. */
export function installerVariables(
  profile: Pick<Profile, 'mirrors'>,
  place: Pick<EnvironmentPlace, 'root'>,
  isLocal: boolean,
): Readonly<Record<string, string>> {
  return {
    ...profile.mirrors?.environment,
    UV_NO_PROGRESS: '1',
    NO_COLOR: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    // The system disk of a rented machine is small and goes first; and links need the same file system.
    ...(isLocal ? {} : { UV_CACHE_DIR: `${place.root}/cache`, UV_PYTHON_INSTALL_DIR: `${place.root}/python` }),
  }
}

/** What an interpreter said about itself. */
export interface EnvironmentFacts {
  readonly python: string
  readonly packages: number
  /** `name: found, not wanted`. */
  readonly wrong: readonly string[]
  readonly torch: string | null
  readonly cuda: string | null
  readonly isCudaAvailable: boolean
  readonly trouble: string | null
}

/** Why an environment must not be used though everything was installed; null when it may. */
export function environmentTrouble(
  facts: EnvironmentFacts,
  plan: Pick<Plan, 'environment' | 'resources'>,
): string | null {
  const asked = plan.environment.kind === 'uv' ? plan.environment.python : undefined
  if (asked !== undefined && /^\d+(?:\.\d+)*$/.test(asked) && !`${facts.python}.`.startsWith(`${asked}.`))
    return `the interpreter is Python ${facts.python} and the plan asks for ${asked}`
  if (facts.wrong.length > 0) return `not as pinned: ${facts.wrong.slice(0, 5).join('; ')}`
  if (facts.trouble !== null) return `torch cannot be imported: ${facts.trouble}`
  if (plan.resources.compute === 'gpu' && facts.torch !== null && !facts.isCudaAvailable)
    return facts.cuda === null
      ? `torch ${facts.torch} was built for the CPU and the plan asks for a GPU: pin a build with CUDA`
      : `torch ${facts.torch} (CUDA ${facts.cuda}) sees no GPU: compare with what the driver can do (nvidia-smi)`
  return null
}
