/**
 * Shapes of credentials whose issuers give them a recognisable form. Narrower than the patterns that mask output: masking
 * too much costs nothing, closing a gate because of a variable's name does.
 */
const knownForms: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/],
  ['an AWS access key id', /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/],
  ['a GitHub token', /\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,})\b/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}\b/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30,}\b/],
  ['a Slack token', /\bxox[abprs]-[A-Za-z0-9-]{20,}\b/],
  ['a Google key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['an API key', /\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{24,}\b/],
  ['a RunPod key', /\brpa_[A-Z0-9]{30,}\b/],
  ['credentials in an address', /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"]{1,64}:[^\s:/@'"{}$<>]{6,128}@/],
]
const assignment =
  /(?:api[_-]?key|secret|access[_-]?token|auth[_-]?token|passwd|password|wandb_key)["']?\s*[:=]\s*["']?([A-Za-z0-9+/_.=-]{20,200})/i

/** Longest line that is looked at; longer ones are data or generated code. */
const maximumLine = 4096

/** Lines of a text that look like they hold a credential. Only the kind is told, never the value. */
export function scanForSecrets(text: string): { readonly line: number; readonly kind: string }[] {
  const found: { line: number; kind: string }[] = []
  const lines = text.split('\n')
  for (let i = 0; i < lines.length; i++) {
    const line = (lines[i] ?? '').slice(0, maximumLine)
    const known = knownForms.find(([, pattern]) => pattern.test(line))
    if (known !== undefined) found.push({ line: i + 1, kind: known[0] })
    else if (isRandomLooking(assignment.exec(line)?.[1]))
      found.push({ line: i + 1, kind: 'a credential in an assignment' })
  }
  return found
}

/** Random values have digits and letters mixed and little repetition; names and placeholders have not. */
function isRandomLooking(value: string | undefined): boolean {
  if (value === undefined || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false
  if (/example|placeholder|changeme|your|xxxx|process\.env|environ|getenv/i.test(value)) return false
  return entropyBits(value) > 3.5
}

function entropyBits(value: string): number {
  const counts = new Map<string, number>()
  for (const c of value) counts.set(c, (counts.get(c) ?? 0) + 1)
  let bits = 0
  for (const n of counts.values()) bits -= (n / value.length) * Math.log2(n / value.length)
  return bits
}
