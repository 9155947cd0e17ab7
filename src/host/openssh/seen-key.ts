/** A host key as `ssh` tells it: type without the word for certificates, and `SHA256:…`. */
export interface SeenKey {
  readonly type: string
  readonly fingerprint: string
  /** An authority vouched for it: then it may be another one tomorrow, and still be the same machine. */
  readonly isCertified: boolean
}

const ofCertificate = /-cert-v\d\d@openssh\.com$/

/** What the debug level of `ssh` puts before its own lines. */
const ofDebug = /^debug[123]: /
const shown = /^debug1: Server host (?:key|certificate): (\S{1,100}) (SHA256:[A-Za-z0-9+/]{43})(?:,.*|\s*)$/gm
const exchange = /^debug1: kex: algorithm: ([\w.@-]{1,100})\s*$/m

/**
 * The host key that a connection was made with, from what `ssh -o LogLevel=DEBUG1` said up to a login under strict checking.
 * `ssh` itself says it once, before it checks it. Whatever else writes there (a banner of the server, an `ssh` that is the
 * ProxyCommand) can add such a line and cannot take that one away: so all of them must be the same, or the key is not told.
 * `isWhole` false: something of the text is missing, and nothing is told.
 */
export function seenHostKey(said: string, isWhole: boolean): SeenKey | null {
  if (!isWhole) return null
  const lines = [...said.matchAll(shown)]
  const [, type = '', fingerprint = ''] = lines[0] ?? []
  if (fingerprint === '' || lines.some((line) => line[2] !== fingerprint)) return null
  // Of a certificate the fingerprint is that of the key in it.
  return { type: type.replace(ofCertificate, ''), fingerprint, isCertified: ofCertificate.test(type) }
}

/** The key exchange that `ssh` agreed first; null when it did not say, or another `ssh` may have said it. */
export function seenKeyExchange(said: string): string | null {
  const all = said.match(new RegExp(exchange, 'gm')) ?? []
  return all.length === 1 ? (exchange.exec(said)?.[1] ?? null) : null
}

/** What `ssh` said without its debug lines: what a person would have seen. */
export function withoutDebug(said: string): string {
  return said
    .split('\n')
    .filter((line) => !ofDebug.test(line))
    .join('\n')
}
