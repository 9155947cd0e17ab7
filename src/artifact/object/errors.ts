import { sanitiseLine } from '../../text/sanitise.ts'
import type { StoreOptions } from './types.ts'

/** An object store could not do what was asked. The message says what, why and what to do next. */
export class StoreError extends Error {
  /** In the store's own words, `NoSuchBucket`; or what the client calls it. */
  readonly code: string

  constructor(message: string, code: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.code = code
  }
}

interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

const credentials =
  'Name a profile (AWS_PROFILE, or s3.profile in your .kxrc), log in (aws sso login), or set up keys (aws configure).'

/** What the client threw, in words for a person. Never with a header or a key. */
export function storeError(doing: string, error: unknown, { bucket, endpoint, region, profile }: StoreOptions): Error {
  if (error instanceof StoreError) return error
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Thrown
  const status = thrown.$metadata?.httpStatusCode
  const name = String(thrown.name ?? '')
  const code = String(thrown.code ?? name)
  const said = sanitiseLine(String(thrown.message ?? error), 300)
  const at = endpoint === null ? '' : ` at ${endpoint}`
  const who = profile === null ? 'the credentials that were found' : `the profile ${profile}`
  const told = (why: string, next: string) => new StoreError(`Cannot ${doing}: ${why}. ${next}`, name, error)
  if (/^(NoSuchBucket)$/.test(name))
    return told(`there is no bucket ${bucket}${at}`, 'Look at its name, and at the endpoint that is asked.')
  if (/CredentialsProviderError|CouldNotLoadCredentials/.test(name) || /Could not load credentials/.test(said))
    return told('no credentials for it were found here', credentials)
  if (/^(ExpiredToken|ExpiredTokenException|TokenRefreshRequired)$/.test(name))
    return told(`${who} have expired`, 'Log in again (aws sso login), or take new ones.')
  if (/^(InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken|AuthorizationHeaderMalformed)$/.test(name))
    return told(`the store does not accept ${who} (${name})`, credentials)
  if (/^RequestTimeTooSkewed$/.test(name))
    return told(
      'the clock of this machine is too far from that of the store',
      'Set the clock (timedatectl), then again.',
    )
  if (/Region is missing/.test(said))
    return told('nobody says in which region it lies', 'Set AWS_REGION, or s3.region in your .kxrc.')
  if (status === 301 || status === 307 || /^(PermanentRedirect|TemporaryRedirect)$/.test(name))
    return told(
      `the bucket lies in another region than ${region ?? 'the one that was asked'}`,
      'Set s3.region or AWS_REGION to its own.',
    )
  if (status === 403 || /^(AccessDenied|Forbidden)$/.test(name))
    return told(
      `${who} may not do that`,
      `Reading takes s3:ListBucket on ${bucket} and s3:GetObject on what is in it; ask its owner, or name another profile.`,
    )
  if (status === 503 || status === 429 || /^(SlowDown|ServiceUnavailable|ThrottlingException)$/.test(name))
    return told('the store asks for fewer requests', 'Try again later.')
  if (/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ECONNRESET|EHOSTUNREACH|ENETUNREACH/.test(code))
    return told(`${endpoint ?? 'the store'} cannot be reached (${code})`, 'Look at the network and the endpoint.')
  if (/TimeoutError|AbortError|RequestTimeout/.test(name))
    return told('no answer before the deadline', 'Look at the network, then again.')
  return told(said || name || 'no reason was given', 'Look at the store, then again.')
}
