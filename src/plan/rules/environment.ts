import { looseLines } from '../../spec/pins.ts'
import type { CheckedItem } from '../../walk/item.ts'
import { fail, notApplicable, pass, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

/** Packages, image, determinism, fingerprint, tracking: what makes a run repeatable. */
export function environmentRules(input: RuleInput): CheckedItem[] {
  return [
    item(input, 'plan.lockfile', lockFile(input)),
    item(input, 'plan.package-manager', packageManager(input)),
    item(input, 'plan.dev-dependencies', developmentPackages(input)),
    item(input, 'plan.container', container(input)),
    item(input, 'plan.container-hygiene', dockerfile(input)),
    item(input, 'plan.image-store', imageStore(input)),
    item(input, 'plan.seeds', seeds(input)),
    item(input, 'plan.determinism', determinism(input)),
    item(input, 'plan.fingerprint', fingerprint(input)),
    item(input, 'plan.tracker', tracker(input)),
  ]
}

function lockFile({ plan, facts }: RuleInput): Verdict {
  const { environment } = plan
  if (environment.kind === 'image')
    return notApplicable('the image is the environment: plan.container looks at its digest')
  const file = environment.lock ?? (environment.kind === 'uv' ? environment.requirements : undefined)
  if (file === undefined) {
    const declared = ['requirements.txt', 'pyproject.toml', 'environment.yml'].filter((f) => facts.texts.has(f))
    if (hasPackageDependencies(facts.texts.get('package.json'))) declared.push('package.json')
    return declared.length === 0
      ? notApplicable('no third-party packages are declared in the project')
      : fail(`${declared.join(', ')} names packages, and the plan names no lock file`)
  }
  const text = facts.texts.get(file)
  if (text === undefined) return fail(`${file}: not there, or not readable`)
  const loose = looseLines(file, text)
  if (loose.length > 0)
    return fail(`${file}: ${counted(loose.length, 'line')} without an exact pin`, {
      detail: loose.map((l) => `line ${l.line}: ${l.text}`),
    })
  if (facts.git === null) return pass(`${file}: every line is an exact pin; no git here, so tracking cannot be shown`)
  if (!facts.git.tracked.has(file)) return fail(`${file}: every line is an exact pin, but git does not track it`)
  return pass(`${file}: every line is an exact pin, tracked by git`)
}

function hasPackageDependencies(text: string | undefined): boolean {
  return Object.keys((packageJson(text)?.dependencies as object | undefined) ?? {}).length > 0
}

function packageJson(text: string | undefined): Record<string, unknown> | null {
  try {
    const value: unknown = text === undefined ? null : JSON.parse(text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

function packageManager({ plan, facts }: RuleInput): Verdict {
  const others = ['environment.yml', 'environment.yaml', 'Pipfile', 'poetry.lock'].filter((f) => facts.texts.has(f))
  if (plan.environment.kind === 'uv')
    return others.length > 0 ? fail(`uv is chosen, and ${others.join(', ')} is there too`) : pass('uv')
  if (plan.environment.kind === 'image') return pass('the image is used as it is; nothing is installed into it')
  return pass(`${plan.environment.interpreter} is used as it is; nothing is installed`)
}

function developmentPackages({ facts }: RuleInput): Verdict {
  const python = facts.texts.get('pyproject.toml')
  const node = packageJson(facts.texts.get('package.json'))
  if (python === undefined && node === null) return notApplicable('no project file that could name packages')
  const hasGroup =
    /^\s*\[(?:dependency-groups|project\.optional-dependencies|tool\.poetry\.group)/m.test(python ?? '') ||
    node?.devDependencies !== undefined
  return hasGroup ? pass('a group for development packages is there') : fail('no group for development packages')
}

function container({ plan }: RuleInput): Verdict {
  if (plan.environment.kind !== 'image') return notApplicable('the run uses no image')
  const { reference } = plan.environment
  return /@sha256:[0-9a-f]{64}$/.test(reference) ? pass(reference) : fail(`${reference} can change under its name`)
}

function dockerfile({ facts }: RuleInput): Verdict {
  const text = facts.texts.get('Dockerfile')
  if (text === undefined) return notApplicable('no Dockerfile in the project')
  const lacks = [
    ...((text.match(/^\s*FROM\s/gim)?.length ?? 0) > 1 ? [] : ['a second stage']),
    ...(/^\s*USER\s+(?!root\b|0\b)/im.test(text) ? [] : ['a user other than root']),
    ...(/^\s*HEALTHCHECK\s/im.test(text) ? [] : ['a health check']),
    ...(facts.texts.has('.dockerignore') ? [] : ['.dockerignore']),
  ]
  return lacks.length === 0
    ? pass('stages, user, health check and .dockerignore are there')
    : fail(`lacks ${lacks.join(', ')}`)
}

function imageStore({ plan }: RuleInput): Verdict {
  if (plan.environment.kind !== 'image') return notApplicable('the run uses no image')
  const host = plan.environment.reference.split('/')[0] ?? ''
  return /[.:]/.test(host) && plan.environment.reference.includes('/')
    ? pass(`registry ${host}`)
    : fail(`${plan.environment.reference} names no registry`)
}

function seeds({ plan, units, facts }: RuleInput): Verdict {
  const range = `plan seed ${plan.seed}, units ${units[0]?.seed} to ${units.at(-1)?.seed}`
  if (plan.command.some((w) => w.includes('{seed}'))) return pass(`{seed} stands in the command; ${range}`)
  const seen = facts.mentions.get('KX_SEED')
  if (seen !== undefined) return pass(`${seen.path}:${seen.line} reads KX_SEED; ${range}`)
  return fail(`neither the command nor the ${counted(facts.scan.files, 'file')} that were read use the seed`)
}

const switches = ['use_deterministic_algorithms', 'cudnn.deterministic', 'CUBLAS_WORKSPACE_CONFIG'] as const

function determinism({ plan, facts }: RuleInput): Verdict {
  if (!facts.mentions.has('import torch')) return notApplicable('no torch in the code')
  const has = (word: string) =>
    facts.mentions.has(word) || (word === 'CUBLAS_WORKSPACE_CONFIG' && word in plan.environmentVariables)
  const missing = switches.filter((word) => !has(word))
  return missing.length === 0 ? pass(switches.join(', ')) : fail(`not seen: ${missing.join(', ')}`)
}

function fingerprint({ plan, facts }: RuleInput): Verdict {
  const declared = plan.artifacts.find((a) => a.glob.split('/').at(-1) === 'env_fingerprint.json')
  if (declared !== undefined) return pass(`declared as artifact ${declared.glob}; the smoke shows that it appears`)
  const seen = facts.mentions.get('env_fingerprint.json')
  if (seen !== undefined)
    return pass(`${seen.path}:${seen.line} names env_fingerprint.json; declare it as an artifact to have it kept`)
  return fail('env_fingerprint.json is neither declared as an artifact nor named in the code')
}

function tracker({ plan }: RuleInput): Verdict {
  const { kind, project } = plan.tracking
  if (kind === 'none') return fail('tracking is off')
  if ((kind === 'wandb' || kind === 'mlflow') && project === undefined) return fail(`${kind} without a project name`)
  return pass(
    kind === 'plain' ? 'plain logs and metrics.jsonl' : `${kind}${project === undefined ? '' : `, project ${project}`}`,
  )
}
