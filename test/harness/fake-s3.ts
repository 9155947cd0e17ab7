import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export const fakeKeys = { id: 'AKIAFAKEFAKEFAKEFAKE', secret: 'fake/secret+of/a+test' }

/**
 * A fake of an object store, for tests alone: one bucket, lists in pages, ranges, conditions, and the refusals that a test asks
 * for. Strict where Amazon's is: a request that is not signed with the right secret for the right region is refused, and one
 * that is not known is answered 501, so that a client cannot get by on what the real one would not do.
 */
export interface FakeS3 {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  /** What was asked so far: `GET key bytes=0-9`, `LIST prefix`. */
  readonly asked: string[]
  /** Bytes of bodies that went out. */
  sentBytes: number
  put(key: string, bytes: Uint8Array | string): void
  remove(key: string): void
  /** The next so many requests of reading are answered so. `cut`: the body ends half-way. */
  next(how: 'slow-down' | 'denied' | 'cut' | 'skewed', times: number): void
  stop(): Promise<void>
}

interface Stored {
  readonly bytes: Buffer
  readonly etag: string
  readonly at: Date
}

const pageSize = 3
const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

export async function startFakeS3(bucket = 'runs', region = 'eu-test-1'): Promise<FakeS3> {
  const objects = new Map<string, Stored>()
  const asked: string[] = []
  const waiting: string[] = []
  let written = 0
  const fake = { sentBytes: 0 }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    const [, name = '', ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const key = rest.join('/')
    const refuse = (status: number, code: string) => {
      const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>fake: ${code}</Message></Error>`
      response.writeHead(status, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) })
      response.end(body)
    }
    const wrong = signatureProblem(request, url, region)
    if (wrong !== null) return refuse(403, wrong)
    if (request.method !== 'GET') return refuse(501, 'NotImplemented')
    if (name !== bucket) return refuse(404, 'NoSuchBucket')
    const isList = key === '' && url.searchParams.get('list-type') === '2'
    asked.push(
      isList ? `LIST ${url.searchParams.get('prefix') ?? ''}` : `GET ${key} ${request.headers.range ?? 'whole'}`,
    )
    const how = waiting.shift()
    if (how === 'slow-down') return refuse(503, 'SlowDown')
    if (how === 'denied') return refuse(403, 'AccessDenied')
    if (how === 'skewed') return refuse(403, 'RequestTimeTooSkewed')
    if (isList) return list(url, objects, bucket, response)
    const stored = objects.get(key)
    if (stored === undefined) return refuse(404, 'NoSuchKey')
    const match = request.headers['if-match']
    if (match === undefined) return refuse(501, 'NotImplemented')
    if (match !== stored.etag) return refuse(412, 'PreconditionFailed')
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '')
    if (range === null) return refuse(501, 'NotImplemented')
    const [from, to] = [Number(range[1]), Math.min(Number(range[2]), stored.bytes.length - 1)]
    if (from >= stored.bytes.length) return refuse(416, 'InvalidRange')
    const part = stored.bytes.subarray(from, to + 1)
    response.writeHead(206, {
      'content-length': part.length,
      'content-range': `bytes ${from}-${to}/${stored.bytes.length}`,
      etag: stored.etag,
    })
    if (how === 'cut') {
      response.write(part.subarray(0, part.length >> 1), () => response.destroy())
      return
    }
    fake.sentBytes += part.length
    response.end(part)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(fake, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    region,
    asked,
    put: (key: string, content: Uint8Array | string) => {
      const bytes = Buffer.from(content as string)
      // Times of a store are whole seconds, and two writes within one have the same.
      const at = new Date(1_700_000_000_000 + 1000 * Math.floor(written++ / 2))
      objects.set(key, { bytes, etag: `"${createHash('md5').update(bytes).digest('hex')}"`, at })
    },
    remove: (key: string) => void objects.delete(key),
    next: (how: string, times: number) => void waiting.push(...Array.from({ length: times }, () => how)),
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

function list(url: URL, objects: ReadonlyMap<string, Stored>, bucket: string, response: ServerResponse): void {
  const prefix = url.searchParams.get('prefix') ?? ''
  const after = url.searchParams.get('continuation-token') ?? ''
  const most = Math.min(pageSize, Number(url.searchParams.get('max-keys') ?? 1000))
  const isEncoded = url.searchParams.get('encoding-type') === 'url'
  const keys = [...objects.keys()].sort().filter((key) => key.startsWith(prefix) && (after === '' || key > after))
  const page = keys.slice(0, most)
  const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
  const named = (key: string) =>
    isEncoded ? encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+') : key
  const contents = page.map((key) => {
    const { bytes, etag, at } = objects.get(key) as Stored
    return `<Contents><Key>${escaped(named(key))}</Key><LastModified>${at.toISOString()}</LastModified><ETag>${escaped(etag)}</ETag><Size>${bytes.length}</Size></Contents>`
  })
  const isMore = keys.length > page.length
  const next = isMore ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : ''
  const body = `<?xml version="1.0"?><ListBucketResult><Name>${bucket}</Name><IsTruncated>${isMore}</IsTruncated>${next}${contents.join('')}</ListBucketResult>`
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** Why a request is not signed as Amazon's signature version 4 asks, in the store's word for it; null: it is. */
function signatureProblem(request: IncomingMessage, url: URL, region: string): string | null {
  const { authorization = '', 'x-amz-date': date, 'x-amz-content-sha256': payload } = request.headers
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    )
  if (parts === null || typeof date !== 'string' || typeof payload !== 'string') return 'AccessDenied'
  const [, id, day = '', named, signed = '', signature] = parts
  if (id !== fakeKeys.id) return 'InvalidAccessKeyId'
  if (named !== region || !date.startsWith(day)) return 'AuthorizationHeaderMalformed'
  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).sort()
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`)
  const canonical = ['GET', (request.url ?? '').split('?')[0], query.join('&'), headers.join(''), signed, payload]
  const scope = `${day}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${fakeKeys.secret}`, day), region), 's3'), 'aws4_request')
  return hmac(key, text).toString('hex') === signature ? null : 'SignatureDoesNotMatch'
}
