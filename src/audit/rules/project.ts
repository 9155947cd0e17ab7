import type { Ready } from '../../environment/types.ts'
import { formatBytes, formatCount } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure } from './verdict.ts'

/** Patterns of things that must never lie in what is pushed. Linear: no nested repetition. */
const secretPatterns: readonly (readonly [string, RegExp])[] = [
  ['private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ['AWS access key id', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['GitHub token', /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36}\b|\bgithub_pat_[A-Za-z0-9_]{60,90}\b/],
  ['GitLab token', /\bglpat-[A-Za-z0-9_-]{20}\b/],
  ['Hugging Face token', /\bhf_[A-Za-z]{34}\b/],
  ['Slack token', /\bxox[abprs]-[A-Za-z0-9-]{20,80}/],
  ['Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['PyPI token', /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,200}/],
  ['Stripe key', /\b[sr]k_live_[A-Za-z0-9]{20,60}\b/],
  ['JSON web token', /\beyJ[A-Za-z0-9_-]{15,500}\.eyJ[A-Za-z0-9_-]{15,2000}\.[A-Za-z0-9_-]{20,500}/],
  [
    'vast.ai or generic API key',
    /\b(?:VAST_API_KEY|WANDB_API_KEY|RUNPOD_API_KEY|OPENAI_API_KEY)\s{0,3}[=:]\s{0,3}["']?[A-Za-z0-9_-]{20,200}/,
  ],
  ['password in an address', /\b[a-z][a-z0-9+]{1,20}:\/\/[^\s:@/]{1,64}:[^\s:@/${}]{6,128}@[^\s/]{1,200}/],
  ['AWS secret key', /\baws_secret_access_key\s{0,3}[=:]\s{0,3}["']?[A-Za-z0-9/+]{40}\b/i],
]

export interface SecretHit {
  readonly path: string
  readonly line: number
  readonly what: string
}

/** Looks through one file. The hit names the place and the kind, never the value. */
export function findSecrets(path: string, text: string): readonly SecretHit[] {
  const hits: SecretHit[] = []
  const lines = text.split('\n')
  for (const [at, line] of lines.entries()) {
    const bounded = line.slice(0, 20_000)
    for (const [what, pattern] of secretPatterns) if (pattern.test(bounded)) hits.push({ path, line: at + 1, what })
  }
  return hits
}

export function judgeSecrets(hits: readonly SecretHit[], files: number, skipped: number): Verdict {
  const looked = `${formatCount(files)} files looked through${skipped > 0 ? `, ${formatCount(skipped)} too large or binary` : ''}`
  if (hits.length === 0) return pass(`nothing like a secret; ${looked}`)
  return fail(`${formatCount(hits.length)} like a secret, the first a ${hits[0]?.what} in ${hits[0]?.path}`, {
    detail: hits.slice(0, 50).map((hit) => `${hit.path}:${hit.line} ${hit.what}`),
  })
}

/** CR in a script breaks its first line; the attribute keeps it from coming back. */
export function judgeLineEndings(withCr: readonly string[], scripts: number, isForced: boolean | null): Verdict {
  const value = { scripts, withCr: withCr.length, isForced }
  if (withCr.length > 0)
    return fail(`CR line ends in ${withCr.slice(0, 3).join(', ')}`, {
      severity: 'error',
      detail: withCr,
      value,
      fix: 'Save these scripts with LF line ends and put "*.sh text eol=lf" into .gitattributes.',
    })
  const text = `no CR in ${formatCount(scripts)} scripts`
  if (isForced === false)
    return fail(`${text}, but .gitattributes does not force LF`, {
      severity: 'warn',
      value,
      fix: 'Put "*.sh text eol=lf" into .gitattributes.',
    })
  return isForced === null ? pass(`${text}; git attributes cannot be asked here`, { value }) : pass(text, { value })
}

export interface GitFacts {
  readonly isRepository: boolean
  readonly commit: string | null
  /** Lines of `git status --porcelain`, those of the walk itself left out. */
  readonly dirty: readonly string[]
  /** True when a remote branch holds the commit; null: there is no remote, or it could not be told. */
  readonly isPushed: boolean | null
  readonly hasRemote: boolean
}

export function judgeGit(facts: GitFacts): Verdict {
  if (!facts.isRepository) return notApplicable('the project is not under git; the code digest holds the files')
  if (facts.commit === null) return fail('there is no commit yet')
  const value = { commit: facts.commit, dirty: facts.dirty.length, isPushed: facts.isPushed }
  const short = facts.commit.slice(0, 12)
  if (facts.dirty.length > 0)
    return fail(`${formatCount(facts.dirty.length)} files differ from ${short}`, {
      value,
      detail: facts.dirty.slice(0, 50),
    })
  if (!facts.hasRemote) return fail(`${short} is clean, but there is no remote to push to`, { value })
  if (facts.isPushed === null) return unsure('whether the commit is on a remote', { value })
  return facts.isPushed
    ? pass(`${short}, clean and pushed`, { value })
    : fail(`${short} is not on any remote`, { value })
}

export interface RequirementsFacts {
  /** Lines that are no exact pin. */
  readonly loose: readonly string[]
  readonly pins: number
}

/** Reads a pip requirements file: every line must be `name==version` (with optional extras, marker, hashes) or a URL with a hash. */
export function readRequirements(text: string): RequirementsFacts {
  const loose: string[] = []
  let pins = 0
  const joined = text.replace(/\\\r?\n/g, ' ')
  for (const raw of joined.split('\n')) {
    const line = raw.replace(/(^|\s)#.*$/, '').trim()
    if (line === '') continue
    if (
      /^(--hash|--index-url|--extra-index-url|-i |--find-links|--require-hashes|--only-binary|--no-binary)/.test(line)
    )
      continue
    const isPin =
      /^[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?\s*={2,3}\s*[A-Za-z0-9][A-Za-z0-9.+!_-]*(\s*;.*)?(\s+--hash=\S+)*$/.test(
        line,
      ) ||
      (/ @ https:\/\/\S+/.test(line) && /[#&]sha256=|--hash=sha256:/.test(line))
    if (isPin) pins++
    else loose.push(line.slice(0, 120))
  }
  return { loose, pins }
}

export function judgeInstaller(
  ready: Pick<Ready, 'python' | 'packages' | 'torch' | 'uv'> | null,
  facts: RequirementsFacts | null,
  refusal: string | null,
): Verdict {
  const detail =
    facts === null ? [] : [`${formatCount(facts.pins)} exact pins`, ...facts.loose.map((l) => `not exact: ${l}`)]
  if (facts === null) return fail('the requirements file cannot be read', { detail })
  if (facts.loose.length > 0)
    return fail(`${formatCount(facts.loose.length)} requirements are not exact pins`, {
      detail,
      fix: 'Pin every requirement as name==version, for instance with "uv pip compile --generate-hashes".',
    })
  if (refusal !== null) return fail(refusal, { detail })
  if (ready === null) return fail('the packages are not synced on this host', { detail })
  const torch = ready.torch === null ? '' : `, torch ${ready.torch}`
  return pass(`Python ${ready.python}, ${formatCount(ready.packages)} packages as pinned${torch}`, {
    detail: [...detail, `uv ${ready.uv}`],
  })
}

export interface DataLook {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'missing' | 'remote' | 'other'
  readonly bytes: number | null
  readonly sha256: string | null
  readonly declaredBytes: number | null
  readonly declaredSha256: string | null
}

const noData = () => notApplicable('the plan names no data')

export function judgeDataExists(data: readonly DataLook[]): Verdict {
  if (data.length === 0) return noData()
  const bad = data.filter((d) => d.kind === 'missing' || d.kind === 'other' || (d.kind !== 'remote' && d.bytes === 0))
  const detail = data.map((d) => `${d.name}: ${d.kind}${d.bytes === null ? '' : `, ${formatBytes(d.bytes)}`}`)
  if (bad.length > 0)
    return fail(
      `${bad[0]?.name} is ${bad[0]?.kind === 'missing' ? 'missing' : bad[0]?.bytes === 0 ? 'empty' : 'neither a file nor a folder'}`,
      { detail },
    )
  const remote = data.filter((d) => d.kind === 'remote')
  if (remote.length > 0)
    return unsure(`${remote[0]?.name} is not on this machine and was not asked for`, { detail, severity: 'warn' })
  return pass(`${formatCount(data.length)} present`, { detail })
}

export function judgeDataSize(data: readonly DataLook[]): Verdict {
  const declared = data.filter((d) => d.declaredBytes !== null && d.kind !== 'remote')
  if (data.length === 0) return noData()
  if (declared.length === 0) return notApplicable('the plan declares no size')
  const detail = declared.map(
    (d) => `${d.name}: ${formatCount(d.bytes)} bytes, ${formatCount(d.declaredBytes)} declared`,
  )
  const wrong = declared.find((d) => d.bytes !== d.declaredBytes)
  if (wrong === undefined) return pass(`${formatCount(declared.length)} as declared`, { detail })
  return wrong.bytes === null
    ? unsure(`size of ${wrong.name}`, { detail })
    : fail(`${wrong.name} has ${formatCount(wrong.bytes)} bytes, ${formatCount(wrong.declaredBytes)} declared`, {
        detail,
      })
}

export function judgeDataHash(data: readonly DataLook[]): Verdict {
  if (data.length === 0) return noData()
  const declared = data.filter((d) => d.declaredSha256 !== null)
  if (declared.length === 0) return notApplicable('the plan declares no SHA-256')
  const detail = declared.map((d) => `${d.name}: ${d.sha256 ?? 'not hashed'}`)
  const wrong = declared.find((d) => d.sha256 !== null && d.sha256 !== d.declaredSha256)
  if (wrong !== undefined) return fail(`${wrong.name} is not the file that was declared`, { detail })
  const unread = declared.find((d) => d.sha256 === null)
  return unread === undefined
    ? pass(`${formatCount(declared.length)} as declared`, { detail })
    : unsure(`${unread.name} could not be hashed`, { detail })
}
