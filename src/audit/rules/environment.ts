import type { Profile } from '../../profile/schema.ts'
import type { Plan } from '../../spec/schema.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure } from './verdict.ts'

/** Names by which a plan fetches from the hubs that a wall or a slow route blocks (handbook platforms 9). */
const fromHub = /huggingface|hf-mirror|modelscope|^HF_|^hf:|github\.com|pypi\.org/i

/** Whether what the profile says about mirrors is wired into the job: each variable must stand before Python starts. */
export function judgeMirrors(profile: Profile, plan: Plan): Verdict {
  const wanted = Object.entries(profile.mirrors?.environment ?? {})
  const set = plan.environmentVariables
  const detail = [
    ...wanted.map(([name, value]) => `${name}: ${set[name] ?? 'not set'}, the profile names ${value}`),
    ...(profile.mirrors?.order ?? []).map((each, i) => `source ${i + 1}: ${each}`),
  ]
  switch (profile.chinaMirrorNeeded) {
    case 'no':
      return notApplicable('this platform needs no mirror by its profile')
    case 'depends': {
      const uses = [...plan.data.flatMap((each) => each.uri ?? []), ...Object.keys(set)].filter((each) =>
        fromHub.test(each),
      )
      if (uses.length === 0) return notApplicable('the plan fetches nothing from a hub')
      if (Object.hasOwn(set, 'HF_ENDPOINT')) return pass(`a mirror endpoint is set for the job: ${set.HF_ENDPOINT}`)
      return unsure(`whether this machine needs a mirror; the plan fetches through ${uses[0]}`, { severity: 'warn' })
    }
    case 'yes': {
      const names = wanted.length > 0 ? wanted.map(([name]) => name) : ['HF_ENDPOINT']
      const missing = names.filter((name) => !Object.hasOwn(set, name))
      return missing.length === 0
        ? pass(`set for the job: ${names.join(', ')}`, { detail })
        : fail(`not among the environment variables of the plan: ${missing.join(', ')}`, { detail })
    }
  }
}

export interface EnvironmentFacts {
  readonly profile: Pick<Profile, 'platform' | 'kind' | 'launch'>
  readonly plan: Pick<Plan, 'environment' | 'command'>
  /** That the launch line will use; null: the plan names none. */
  readonly interpreter: string | null
  /** Path and version that the host told of the interpreter asked about; null: it did not. */
  readonly said: string | null
  /** Text of the requirements file; null: none, or not readable. */
  readonly requirements: string | null
}

/** A line that would put another torch in place of the image's own (gotchas AD6, LAM7). */
const torchPin = /^\s*(torch|torchvision|torchaudio|nvidia-[a-z0-9-]+|triton)\b/im

/** On a rental the image is the environment: its interpreter runs the work, and nothing replaces its torch. */
export function judgeEnvironment({ profile, plan, interpreter, said, requirements }: EnvironmentFacts): Verdict {
  const own = profile.launch.interpreter ?? null
  const { environment } = plan
  const detail = [
    `interpreter of the launch line: ${interpreter ?? 'none named'}`,
    `interpreter of the image by the profile: ${own ?? 'none named'}`,
    `the host says: ${said ?? 'nothing'}`,
  ]
  if (environment.kind === 'uv') {
    if (own === null)
      return notApplicable(`${profile.platform} brings no environment: the pins of the plan make it`, { detail })
    if (requirements === null) return unsure('the requirements file cannot be read', { detail })
    const line = torchPin.exec(requirements)
    return line === null
      ? pass('the pins of the plan leave the torch of the image alone', { detail })
      : fail(`the requirements hold ${line[0].trim()}, which would replace what the image was built with`, { detail })
  }
  if (interpreter === null && own === null)
    return notApplicable('the plan runs no Python that an image would bring', { detail })
  if (said === null) return fail(`${own ?? interpreter} is not there, or does not run`, { detail })
  if (own !== null && interpreter !== null && interpreter !== own)
    return fail(`the launch line uses ${interpreter}, the image brings ${own}`, { detail })
  return pass(`${own ?? interpreter}: ${said}`, { detail })
}
