import { createECDH, generateKeyPairSync, randomBytes } from 'node:crypto'

/** A public key as it stands in a line. Only the form matters: nobody signs with it. */
export interface MadeKey {
  readonly type: string
  readonly base64: string
}

export function blobOf(...parts: readonly (Buffer | string)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part, 'latin1') : part
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

const made = (type: string, ...parts: readonly (Buffer | string)[]): MadeKey => ({
  type,
  base64: blobOf(type, ...parts).toString('base64'),
})

export const ed25519Key = (): MadeKey => made('ssh-ed25519', randomBytes(32))

export function ecdsaKey(size: 256 | 384 | 521 = 256): MadeKey {
  const curve = { 256: 'prime256v1', 384: 'secp384r1', 521: 'secp521r1' }[size]
  const point = createECDH(curve).generateKeys()
  return made(`ecdsa-sha2-nistp${size}`, `nistp${size}`, point)
}

export function rsaKey(bits = 2048): MadeKey {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: bits })
  const jwk = publicKey.export({ format: 'jwk' })
  const number = (text: string | undefined) => {
    const bytes = Buffer.from(text ?? '', 'base64url')
    return ((bytes[0] ?? 0) & 0x80) === 0 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
  }
  return made('ssh-rsa', number(jwk.e), number(jwk.n))
}

export const skKey = (): MadeKey => made('sk-ssh-ed25519@openssh.com', randomBytes(32), 'ssh:')

export const dsaKey = (): MadeKey => {
  const number = (length: number) => Buffer.concat([Buffer.from([0x11]), randomBytes(length)])
  return made('ssh-dss', number(127), number(19), number(127), number(127))
}
