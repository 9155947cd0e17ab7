import { createSecretKey } from 'node:crypto'
import type { Client } from 'ssh2'

/** Fields in which ssh2 has its cipher for each direction, and in that the name and the key. */
const directions = [
  { at: '_decipher', name: '_decipherSSLName', key: '_decipherKey' },
  { at: '_cipher', name: '_encSSLName', key: '_encKey' },
] as const

/**
 * Hands ssh2 the keys of AES-GCM as key objects of Node. For each packet of at most 32 KiB ssh2 makes a cipher: from plain
 * bytes Node 24 takes 30 µs for that, as long as for the packet itself, from a key object 2 to 5 (measured). The fields
 * are private to ssh2: where they do not look as expected nothing is changed, and only speed is lost; a test holds them
 * to it. Called once `connect` was called; keys of later exchanges are handed over too.
 */
export function keepCipherKeys(client: Client): void {
  const protocol: unknown = Reflect.get(client, '_protocol')
  if (typeof protocol !== 'object' || protocol === null) return
  for (const direction of directions) {
    const found = Object.getOwnPropertyDescriptor(protocol, direction.at)
    if (found?.writable !== true) continue
    let current: unknown = found.value
    handOver(current, direction)
    Object.defineProperty(protocol, direction.at, {
      configurable: true,
      enumerable: true,
      get: () => current,
      set: (next: unknown) => {
        handOver(next, direction)
        current = next
      },
    })
  }
}

function handOver(cipher: unknown, { name, key }: (typeof directions)[number]): void {
  if (typeof cipher !== 'object' || cipher === null) return
  const [algorithm, bytes]: unknown[] = [Reflect.get(cipher, name), Reflect.get(cipher, key)]
  if (typeof algorithm !== 'string' || !/^aes-(128|256)-gcm$/.test(algorithm) || !Buffer.isBuffer(bytes)) return
  Reflect.set(cipher, key, createSecretKey(bytes))
}
