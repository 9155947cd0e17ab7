import { createHash, createPublicKey } from 'node:crypto'

/** A public key of a host, in one form whatever spelling it was written in: two keys are equal when `base64` is. */
export interface PublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`, …: the plain type, for a certificate too. */
  readonly type: string
  /** Blob of the plain key, as it stands in a known_hosts line. */
  readonly base64: string
  /** `SHA256:…` as `ssh-keygen -l` prints it. */
  readonly fingerprint: string
  /** Bits of an RSA modulus; null for other types. */
  readonly rsaBits: number | null
  /** Certificates are named in files only: ssh2 cannot be shown one. */
  readonly isCertificate: boolean
}

type Family = 'ED25519' | 'ED25519-SK' | 'ECDSA' | 'ECDSA-SK' | 'DSA' | 'RSA'

interface KeyName {
  readonly family: Family
  /** Curve as the blob names it; null where there is none. */
  readonly curve: string | null
  readonly isCertificate: boolean
}

const plain: Readonly<Record<string, KeyName>> = {
  'ssh-ed25519': name('ED25519'),
  'sk-ssh-ed25519@openssh.com': name('ED25519-SK'),
  'ecdsa-sha2-nistp256': name('ECDSA', 'nistp256'),
  'ecdsa-sha2-nistp384': name('ECDSA', 'nistp384'),
  'ecdsa-sha2-nistp521': name('ECDSA', 'nistp521'),
  'sk-ecdsa-sha2-nistp256@openssh.com': name('ECDSA-SK', 'nistp256'),
  'ssh-dss': name('DSA'),
  'ssh-rsa': name('RSA'),
  // Names of signatures that OpenSSH also takes as names of the key.
  'rsa-sha2-256': name('RSA'),
  'rsa-sha2-512': name('RSA'),
  'webauthn-sk-ecdsa-sha2-nistp256@openssh.com': name('ECDSA-SK', 'nistp256'),
}
const certificate = /^(.+?)-cert-v01(@openssh\.com)$/
/** OpenSSH takes these, in any case, inside a blob, but not at the start of a line. */
const shortNames = ['ED25519', 'ED25519-SK', 'DSA', 'RSA'] as const
const curves: Readonly<Record<string, { readonly jwk: string; readonly bytes: number }>> = {
  nistp256: { jwk: 'P-256', bytes: 32 },
  nistp384: { jwk: 'P-384', bytes: 48 },
  nistp521: { jwk: 'P-521', bytes: 66 },
}
/** Limits of OpenSSH: shorter RSA keys and larger numbers are refused. */
const leastRsaBits = 1024
const mostNumberBytes = 2048

function name(family: Family, curve: string | null = null): KeyName {
  return { family, curve, isCertificate: false }
}

/** What a key type at the start of a known_hosts line means; null when OpenSSH would not know it either. */
function nameOfType(type: string): KeyName | null {
  const known = Object.hasOwn(plain, type) ? plain[type] : undefined
  if (known !== undefined) return known
  const [, base, suffix] = certificate.exec(type) ?? []
  if (base === undefined || suffix === undefined) return null
  const of = base.startsWith('sk-') ? `${base}${suffix}` : base
  const inner = Object.hasOwn(plain, of) && !of.startsWith('webauthn-') ? plain[of] : undefined
  return inner === undefined ? null : { ...inner, isCertificate: true }
}

function nameInBlob(type: string): KeyName | null {
  const short = shortNames.find((known) => known === type.toUpperCase())
  return short === undefined ? nameOfType(type) : name(short)
}

/** Key type and base64 text as they stand in a line. Null when OpenSSH would call the line broken. */
export function readKeyText(type: string, base64: string): PublicKey | null {
  const stated = nameOfType(type)
  const blob = stated === null ? null : decodeBase64(base64)
  if (stated === null || blob === null) return null
  const read = readBlob(blob)
  if (read === null) return null
  const isSame =
    read.name.family === stated.family &&
    read.name.isCertificate === stated.isCertificate &&
    read.name.curve === stated.curve
  return isSame ? read.key : null
}

/** A key as it comes over the wire. Null when it is none that kx can judge. */
export function readKeyBlob(blob: Uint8Array): PublicKey | null {
  return readBlob(Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength))?.key ?? null
}

function readBlob(blob: Buffer): { readonly name: KeyName; readonly key: PublicKey } | null {
  const reader = new BlobReader(blob)
  const type = reader.text()
  const read = type === null ? null : nameInBlob(type)
  if (read === null) return null
  if (read.isCertificate && reader.bytes() === null) return null
  const parts = readParts(reader, read)
  if (parts === null) return null
  // What follows in a certificate says who signed it; the key in it is known without that.
  if (!read.isCertificate && !reader.isAtEnd) return null
  const plainType = typeOf(read)
  const canonical = Buffer.concat([Buffer.from(plainType), ...parts].flatMap((part) => [lengthOf(part), part]))
  const rsaBits = read.family === 'RSA' ? bitsOf(parts[1]) : null
  const key: PublicKey = {
    type: plainType,
    base64: canonical.toString('base64'),
    fingerprint: `SHA256:${createHash('sha256').update(canonical).digest('base64').replace(/=+$/, '')}`,
    rsaBits,
    isCertificate: read.isCertificate,
  }
  return { name: read, key }
}

function typeOf(read: KeyName): string {
  switch (read.family) {
    case 'ED25519':
      return 'ssh-ed25519'
    case 'ED25519-SK':
      return 'sk-ssh-ed25519@openssh.com'
    case 'ECDSA':
      return `ecdsa-sha2-${read.curve ?? ''}`
    case 'ECDSA-SK':
      return 'sk-ecdsa-sha2-nistp256@openssh.com'
    case 'DSA':
      return 'ssh-dss'
    case 'RSA':
      return 'ssh-rsa'
  }
}

function readParts(reader: BlobReader, read: KeyName): readonly Buffer[] | null {
  switch (read.family) {
    case 'ED25519':
    case 'ED25519-SK': {
      const point = reader.bytes()
      if (point?.length !== 32) return null
      return withApplication(reader, read, [point])
    }
    case 'ECDSA':
    case 'ECDSA-SK': {
      const curve = reader.text()
      const point = reader.bytes()
      if (curve === null || curve !== read.curve || point === null || !isOnCurve(curve, point)) return null
      return withApplication(reader, read, [Buffer.from(curve), point])
    }
    case 'DSA': {
      const numbers = [reader.number(), reader.number(), reader.number(), reader.number()]
      return numbers.every((n) => n !== null) ? numbers : null
    }
    case 'RSA': {
      const exponent = reader.number()
      const modulus = reader.number()
      return exponent !== null && modulus !== null && bitsOf(modulus) >= leastRsaBits ? [exponent, modulus] : null
    }
  }
}

function withApplication(reader: BlobReader, read: KeyName, parts: readonly Buffer[]): readonly Buffer[] | null {
  if (!read.family.endsWith('-SK')) return parts
  const application = reader.text()
  return application === null ? null : [...parts, Buffer.from(application, 'latin1')]
}

function isOnCurve(curve: string, point: Buffer): boolean {
  const size = curves[curve]
  if (size === undefined || point.length !== 1 + 2 * size.bytes || point[0] !== 4) return false
  const part = (from: number) => point.subarray(from, from + size.bytes).toString('base64url')
  try {
    createPublicKey({ key: { kty: 'EC', crv: size.jwk, x: part(1), y: part(1 + size.bytes) }, format: 'jwk' })
    return true
  } catch {
    return false
  }
}

/** Bits of a number as it stands in a blob: big endian, a zero in front when its first bit is set. */
function bitsOf(number: Buffer | undefined): number {
  const first = number?.findIndex((byte) => byte !== 0) ?? -1
  if (number === undefined || first < 0) return 0
  return (number.length - first - 1) * 8 + (32 - Math.clz32(number[first] ?? 0))
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(part.length)
  return length
}

class BlobReader {
  readonly #blob: Buffer
  #at = 0
  constructor(blob: Buffer) {
    this.#blob = blob
  }

  get isAtEnd(): boolean {
    return this.#at === this.#blob.length
  }

  bytes(): Buffer | null {
    if (this.#at + 4 > this.#blob.length) return null
    const length = this.#blob.readUInt32BE(this.#at)
    const end = this.#at + 4 + length
    if (end > this.#blob.length) return null
    const part = this.#blob.subarray(this.#at + 4, end)
    this.#at = end
    return part
  }

  /** A text without NUL, but for one at its end, which C does not see. */
  text(): string | null {
    const text = this.bytes()?.toString('latin1').replace(/\0$/, '') ?? null
    return text === null || text.includes('\0') ? null : text
  }

  /** A number that is not negative, without needless zeros in front. */
  number(): Buffer | null {
    const bytes = this.bytes()
    if (bytes === null) return null
    if (((bytes[0] ?? 0) & 0x80) !== 0) return null
    if (bytes.length > mostNumberBytes + 1 || (bytes.length === mostNumberBytes + 1 && bytes[0] !== 0)) return null
    const first = bytes.findIndex((byte) => byte !== 0)
    if (first < 0) return Buffer.alloc(0)
    const trimmed = bytes.subarray(first)
    return ((trimmed[0] ?? 0) & 0x80) === 0 ? trimmed : Buffer.concat([Buffer.alloc(1), trimmed])
  }
}

/** Base64 as strict as the C library reads it: white space is skipped, padding must be whole, spare bits zero. */
export function decodeBase64(text: string): Buffer | null {
  const dense = text.replace(/[\t\n\v\f\r ]/g, '')
  if (dense.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(dense)) return null
  const bytes = Buffer.from(dense, 'base64')
  return bytes.toString('base64') === dense ? bytes : null
}
