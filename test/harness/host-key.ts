import { generateKeyPairSync } from 'node:crypto'

/**
 * A host key for a server of ssh2, as PEM. Made by Node: the generator of ssh2 drops leading zero bytes of an Ed25519
 * key, and one in 128 of its keys cannot be read again.
 */
export function serverHostKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  return privateKey.export({ type: 'sec1', format: 'pem' }).toString()
}
