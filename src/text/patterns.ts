import { addRange, type Range } from './needles.ts'

interface SecretPattern {
  readonly id: string
  /** Without this text in a block the pattern is not tried. */
  readonly hint: string | readonly string[]
  /** The whole match is the secret, or its first group is when there is one. Linear: literal start, bounded repeats. */
  readonly pattern: RegExp
}

/** A token with a known beginning, not in the middle of a longer word. */
const token = (id: string, hint: string | readonly string[], body: string): SecretPattern => ({
  id,
  hint,
  pattern: new RegExp(`(?<![A-Za-z0-9_-])${body}`, 'dg'),
})

/**
 * What credentials look like when their value is not known. Each has a literal beginning or a bounded length, so the work
 * is linear in the text. Source of the idea: handbook reliability 6; the patterns are our own.
 */
export const secretPatterns: readonly SecretPattern[] = [
  token('aws-key-id', ['AKIA', 'ASIA', 'AROA', 'AIDA'], '(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])'),
  token('github', ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'], 'gh[pousr]_[A-Za-z0-9]{30,255}'),
  token('github-fine', 'github_pat_', 'github_pat_[A-Za-z0-9_]{22,255}'),
  token('gitlab', 'glpat-', 'glpat-[A-Za-z0-9_.-]{20,255}'),
  token('hugging-face', ['hf_', 'api_org_'], '(?:hf|api_org)_[A-Za-z0-9]{30,64}'),
  token('llm-key', 'sk-', 'sk-[A-Za-z0-9_-]{20,255}'),
  token('weights-and-biases', 'wandb_v1_', 'wandb_v1_[A-Za-z0-9_]{20,128}'),
  token('groq', 'gsk_', 'gsk_[A-Za-z0-9]{40,64}'),
  token('replicate', 'r8_', 'r8_[A-Za-z0-9]{37}'),
  token('runpod', 'rpa_', 'rpa_[A-Z0-9]{30,64}[a-z0-9]{0,16}'),
  token('databricks', 'dapi', 'dapi[a-f0-9]{32}(?:-\\d)?'),
  token('google-api', 'AIza', 'AIza[A-Za-z0-9_-]{35}'),
  token('google-oauth', 'ya29.', 'ya29\\.[A-Za-z0-9_-]{20,1024}'),
  token('google-client', 'GOCSPX-', 'GOCSPX-[A-Za-z0-9_-]{20,64}'),
  token('slack', ['xox', 'xapp-'], '(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}'),
  token('stripe', ['_live_', '_test_'], '(?:sk|rk|whsec)_(?:live|test)_[A-Za-z0-9]{16,128}'),
  token('npm', 'npm_', 'npm_[A-Za-z0-9]{36}'),
  token('pypi', 'pypi-', 'pypi-[A-Za-z0-9_-]{50,512}'),
  token('docker', ['dckr_pat_', 'dckr_oat_'], 'dckr_[po]at_[A-Za-z0-9_-]{20,128}'),
  token('sendgrid', 'SG.', 'SG\\.[A-Za-z0-9_-]{16,64}\\.[A-Za-z0-9_-]{16,128}'),
  token('telegram', ':AA', '\\d{8,10}:AA[A-Za-z0-9_-]{33}'),
  token('jwt', 'eyJ', 'eyJ[A-Za-z0-9_-]{8,4096}\\.[A-Za-z0-9_-]{8,4096}\\.[A-Za-z0-9_-]{8,4096}'),
  token('age', 'AGE-SECRET-KEY-1', 'AGE-SECRET-KEY-1[0-9A-Z]{50,64}'),
  token('digitalocean', ['dop_v1_', 'doo_v1_', 'dor_v1_'], 'do[opr]_v1_[a-f0-9]{64}'),
  token('vault', ['hvs.', 'hvb.', 'hvr.'], 'hv[sbr]\\.[A-Za-z0-9_-]{24,255}'),
  token('terraform', '.atlasv1.', '[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{40,128}'),
  token('tailscale', 'tskey-', 'tskey-[a-z]{1,16}-[A-Za-z0-9-]{10,128}'),
  token('doppler', 'dp.', 'dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9_.-]{20,128}'),
  token('linear', 'lin_api_', 'lin_api_[A-Za-z0-9]{30,64}'),
  token('notion', ['ntn_', 'secret_'], '(?:ntn|secret)_[A-Za-z0-9]{40,64}'),
  token('grafana', ['glsa_', 'glc_'], 'gl(?:sa|c)_[A-Za-z0-9_+/=]{30,255}'),
  token('new-relic', 'NRAK-', 'NRAK-[A-Z0-9]{27}'),
  token('shopify', 'shp', 'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}'),
  token('square', 'sq0', 'sq0[a-z]{3}-[A-Za-z0-9_-]{22,64}'),
  token('twilio', 'SK', 'SK[0-9a-f]{32}(?![A-Za-z0-9])'),
  token('pulumi', 'pul-', 'pul-[a-f0-9]{40}'),
  {
    id: 'slack-hook',
    hint: 'hooks.slack.com/',
    pattern: /hooks\.slack\.com\/(?:services|workflows)\/([A-Za-z0-9/_+-]{20,256})/dg,
  },
  { id: 'discord-hook', hint: '/api/webhooks/', pattern: /\/api\/webhooks\/(\d{1,24}\/[A-Za-z0-9_-]{20,128})/dg },
  {
    id: 'azure-key',
    hint: ['AccountKey=', 'SharedAccessKey='],
    pattern: /(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/=]{20,128})/dg,
  },
  {
    id: 'signed-address',
    hint: ['ignature=', 'sig=', 'ecurity-Token=', 'redential='],
    pattern:
      /[?&;](?:X-Amz-(?:Signature|Security-Token|Credential)|X-Goog-(?:Signature|Credential)|Signature|sig)=([^&\s"'<>]{8,4096})/dg,
  },
  { id: 'address-password', hint: '://', pattern: /:\/\/[^\s/:@"'<>]{0,256}:([^\s/@"'<>]{1,1024})@/dg },
  {
    id: 'authorization',
    hint: ['uthorization', 'UTHORIZATION'],
    pattern:
      /authorization["']?[ \t]{0,4}[:=][ \t]{0,4}["']?(?:(?:bearer|basic|token|digest|apikey|negotiate)[ \t]{1,4})?([^\s"',;]{6,8192})/dgi,
  },
  { id: 'bearer', hint: ['earer ', 'EARER '], pattern: /\bbearer[ \t]{1,4}([A-Za-z0-9._~+/=-]{16,8192})/dgi },
  { id: 'cookie', hint: ['ookie:', 'OOKIE:'], pattern: /\b(?:set-)?cookie:[ \t]{0,4}([^\r\n]{6,8192})/dgi },
  { id: 'netrc', hint: 'password ', pattern: /\blogin[ \t]{1,8}\S{1,256}[ \t]{1,8}password[ \t]{1,8}(\S{3,1024})/dg },
  {
    id: 'flag',
    hint: '--',
    pattern:
      /(?<!\S)--?(?:password|passwd|passphrase|secret|token|api-?key|access-?key|auth-?token)[= \t]["']?([^\s"'-][^\s"']{3,4096})/dgi,
  },
]

const strongName =
  'passw(?:or)?d|passphrase|secret|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|auth[_-]?token|access[_-]?token|session[_-]?token|refresh[_-]?token'
const weakName = 'token(?!s|iz)|credential|bearer'
/** `name = value` and `"name": "value"`; the name may go on after the telling word. */
const named = new RegExp(
  `(${strongName})[A-Za-z0-9_.-]{0,40}["']?[ \\t]{0,4}(?:=>|:=|[:=])[ \\t]{0,4}(?:"([^"\\n]{1,4096})"|'([^'\\n]{1,4096})'|([^\\s"'\`,;&<>(){}[\\]]{1,4096}))|(?:${weakName})[A-Za-z0-9_-]{0,24}["']?[ \\t]{0,4}[:=][ \\t]{0,4}["']?([A-Za-z0-9._~+/=-]{16,4096})`,
  'dgi',
)
const namedHint = new RegExp(`${strongName}|${weakName}`, 'i')
const harmless = /^(?:\*+|true|false|null|none|nil|undefined|yes|no|\$\{?[A-Za-z_][A-Za-z0-9_]*\}?|\d{1,5}(?:\.\d+)?)$/i

/** Whether a variable or key of this name holds a secret. `secrets` itself is a list of names in a plan; PWD is a folder. */
export function isSecretName(name: string): boolean {
  if (/^secrets$|^(?:old)?pwd$|(?:_|-)?(?:names?|path|file|dir|count|limit|length)$|^(?:num|max|min|n)_/i.test(name))
    return false
  return new RegExp(`${strongName}|(?:^|[_.-])(?:pwd|pat|token|credentials?|bearer)$|[a-z]Token$`, 'i').test(name)
}

/** Patterns that go by what stands around a value; for these alone nothing is refused or withheld. */
const loose: ReadonlySet<string> = new Set(['authorization', 'bearer', 'cookie', 'netrc', 'flag'])
const privateKey = /-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----/

/**
 * Credentials whose issuers give them a form of their own, addresses with a password and private keys: kind and place of
 * each, in order. Narrower than what is masked, because masking too much costs nothing and refusing too much does.
 */
export function credentialsIn(text: string): readonly { readonly kind: string; readonly start: number }[] {
  const found: { kind: string; start: number }[] = []
  for (const { id, hint, pattern } of secretPatterns) {
    if (loose.has(id) || !(typeof hint === 'string' ? text.includes(hint) : hint.some((h) => text.includes(h))))
      continue
    for (const match of text.matchAll(pattern)) {
      const value = match[1] ?? match[0]
      // A place holder is no credential, and words joined by hyphens are none either.
      if (harmless.test(value) || /[{}$]/.test(value)) continue
      if (id !== 'address-password' && !/\d/.test(value)) continue
      if (id === 'llm-key' && !(/[a-z]/.test(value.slice(3)) && /[A-Z]/.test(value))) continue
      found.push({ kind: id, start: match.index })
    }
  }
  const key = privateKey.exec(text)
  if (key !== null) found.push({ kind: 'private-key', start: key.index })
  return found.sort((a, b) => a.start - b.start)
}

/** Whether a text holds a credential by its form. */
export function holdsCredential(text: string): boolean {
  return credentialsIn(text).length > 0
}

/** Ranges of a block of whole lines that look like credentials, in order, merged. */
export function findSecretPatterns(block: string): Range[] {
  const found: Range[] = []
  for (const { hint, pattern } of secretPatterns) {
    if (!(typeof hint === 'string' ? block.includes(hint) : hint.some((h) => block.includes(h)))) continue
    for (const match of block.matchAll(pattern)) {
      const range = match.indices?.[1] ?? match.indices?.[0]
      if (range !== undefined && !harmless.test(block.slice(range[0], range[1])))
        found.push({ start: range[0], end: range[1] })
    }
  }
  if (namedHint.test(block))
    for (const match of block.matchAll(named)) {
      const range = match.indices?.slice(2).find((r) => r !== undefined)
      if (range === undefined) continue
      const value = block.slice(range[0], range[1])
      const isWeak = match[5] !== undefined
      if (harmless.test(value) || (isWeak && !/\d/.test(value))) continue
      found.push({ start: range[0], end: range[1] })
    }
  if (found.length < 2) return found
  const merged: Range[] = []
  for (const range of found.sort((a, b) => a.end - b.end)) addRange(merged, range.start, range.end)
  return merged
}
