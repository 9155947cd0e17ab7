import type { CheckedItem } from '../../walk/item.ts'
import { fail, notApplicable, pass, type Verdict } from '../../walk/verdict.ts'
import type { RuleInput } from '../types.ts'
import { counted, item } from './item.ts'

/** Layout, tasks, inputs, secrets: what the project folder itself shows. */
export function codeRules(input: RuleInput): CheckedItem[] {
  return [
    item(input, 'plan.modular-code', layout(input)),
    item(input, 'plan.dataflow', dataflow(input)),
    item(input, 'plan.task-runner', taskRunner(input)),
    item(input, 'plan.run-config', runConfig(input)),
    item(input, 'plan.config-self-contained', selfContained(input)),
    item(input, 'plan.required-inputs', requiredInputs(input)),
    item(input, 'plan.secrets-by-name', secrets(input)),
  ]
}

const programPattern = /\.(?:py|mjs|cjs|js|ts|sh|bash|rb|jl|R|pl|lua)$/
const experimentFolder = /^(?:experiments?|scripts?|notebooks?|runs?)\//

function layout({ facts }: RuleInput): Verdict {
  const programs = facts.code.paths.filter((p) => programPattern.test(p))
  if (programs.length <= 5) return notApplicable(`${counted(programs.length, 'program')}: small enough for one folder`)
  const library = programs.filter((p) => /^(?:src|lib)\//.test(p) || (p.includes('/') && !experimentFolder.test(p)))
  return library.length > 0
    ? pass(`${library.length} of ${programs.length} programs lie in library folders`)
    : fail(`all ${programs.length} programs lie in the top folder or in experiments`)
}

function dataflow({ plan, units }: RuleInput): Verdict {
  const stages = ['data', `${counted(units.length, 'unit')}`, ...plan.after.map((s) => s.name), 'artifacts']
  if (units.length > 1 && plan.after.length === 0) return fail(`nothing combines what ${units.length} units make`)
  return pass((plan.data.length === 0 ? stages.slice(1) : stages).join(' → '))
}

function taskRunner({ facts }: RuleInput): Verdict {
  const files = ['Makefile', 'makefile', 'justfile', 'Taskfile.yml', 'noxfile.py', 'tox.ini'].filter((f) =>
    facts.texts.has(f),
  )
  if (/"scripts"\s*:\s*\{\s*"/.test(facts.texts.get('package.json') ?? '')) files.push('package.json')
  return files.length > 0 ? pass(files.join(', ')) : fail('no Makefile, justfile or package scripts')
}

function runConfig({ plan, facts }: RuleInput): Verdict {
  const bad = facts.configs.filter((c) => !c.isRead)
  if (bad.length > 0)
    return fail(`${bad[0]?.path}: ${bad[0]?.reason}`, { detail: bad.map((c) => `${c.path}: ${c.reason}`) })
  return pass(
    plan.configFiles.length === 0
      ? 'the plan holds the whole configuration; its resolved form is kept with the run'
      : `plan and ${counted(plan.configFiles.length, 'config file')} are hashed into the proof`,
  )
}

const includeKeys = new Set(['include', 'includes', 'defaults', '_base_', 'extends', 'inherit', 'import'])

function selfContained({ facts }: RuleInput): Verdict {
  const read = facts.configs.filter((c) => c.isRead)
  if (read.length === 0) return notApplicable('the plan names no config files')
  const found = read.flatMap((c) => includesOf(c.value, '').map((key) => `${c.path}: ${key}`))
  return found.length === 0
    ? pass(`${counted(read.length, 'file')} without includes`)
    : fail(found[0] ?? '', { detail: found })
}

function includesOf(value: unknown, path: string): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = path === '' ? key : `${path}.${key}`
    return includeKeys.has(key.toLowerCase()) ? [here] : includesOf(inner, here)
  })
}

function requiredInputs({ plan, facts }: RuleInput): Verdict {
  const sent = new Set(facts.code.paths)
  const problems: string[] = facts.code.refused.map((r) => `${r.path}: ${r.reason}`)
  const commands = [plan.command, ...plan.after.map((s) => s.command), ...(plan.save ? [plan.save.command] : [])]
  let named = 0
  for (const word of commands.flat()) {
    if (!programPattern.test(word) || word.startsWith('/') || word.startsWith('-') || word.includes('{')) continue
    named++
    const path = word.replace(/^\.\//, '')
    if (!sent.has(path))
      problems.push(
        facts.existing.has(path) ? `${path}: there, but not in the list that is sent` : `${path}: not there`,
      )
  }
  const files = [
    ...plan.configFiles,
    ...(plan.environment.kind === 'uv' ? [plan.environment.requirements] : []),
    ...(plan.environment.kind !== 'image' && plan.environment.lock !== undefined ? [plan.environment.lock] : []),
  ]
  for (const path of files) if (!facts.existing.has(path)) problems.push(`${path}: not there`)
  for (const fact of facts.data)
    if (fact.kind === 'missing' || fact.kind === 'refused') problems.push(`${fact.name}: ${fact.reason ?? 'not there'}`)
  if (problems.length > 0) return fail(problems[0] ?? '', { detail: problems })
  if (facts.code.paths.length === 0) return fail('the list that would be sent is empty')
  return pass(
    `${counted(facts.code.paths.length, 'file')} to send; ${counted(named, 'program')} named by commands, all among them`,
    {
      value: { files: facts.code.paths.length, bytes: facts.code.bytes },
    },
  )
}

function secrets({ facts }: RuleInput): Verdict {
  const found = facts.secrets.map((s) => `${s.path}:${s.line} looks like ${s.kind}`)
  if (found.length > 0) return fail(found[0] ?? '', { detail: found })
  const skipped = facts.scan.skipped === 0 ? '' : `; ${counted(facts.scan.skipped, 'file')} not read (large or binary)`
  return pass(`${counted(facts.scan.files, 'file')} read, nothing that looks like a secret${skipped}`)
}
