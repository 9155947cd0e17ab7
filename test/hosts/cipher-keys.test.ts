import { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Client } from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keepCipherKeys } from '../../src/host/ssh/kept-cipher-keys.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'

describe.skipIf(needsSshd().skip)('keys of the cipher of a link', () => {
  let sshd: Sshd
  beforeAll(async () => {
    sshd = await startSshd({ config: ['RekeyLimit 1M'] })
  })
  afterAll(() => sshd.stop())

  const keysOf = (client: Client) => {
    const protocol = Reflect.get(client, '_protocol') as Record<string, Record<string, unknown>>
    return [protocol._decipher?._decipherKey, protocol._cipher?._encKey]
  }
  const said = (client: Client, command: string) =>
    new Promise<string>((resolve, reject) => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error)
        let text = ''
        channel.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        channel.on('close', () => resolve(text))
        channel.stderr.resume()
      })
    })

  it('are key objects in both directions, also after another exchange', async () => {
    const { default: ssh2 } = await import('ssh2')
    const client = new ssh2.Client()
    try {
      await new Promise<void>((resolve, reject) => {
        client.once('ready', resolve).once('error', reject)
        client.connect({
          host: sshd.address,
          port: sshd.port,
          username: sshd.user,
          privateKey: readFileSync(sshd.clientKey.path),
        })
        keepCipherKeys(client)
      })
      for (const key of keysOf(client)) expect(key).toBeInstanceOf(KeyObject)
      expect(await said(client, 'echo first')).toBe('first\n')
      const before = keysOf(client)
      expect(await said(client, 'head -c 4000000 /dev/zero')).toHaveLength(4_000_000)
      const after = keysOf(client)
      for (const [at, key] of after.entries()) {
        expect(key).toBeInstanceOf(KeyObject)
        expect(key).not.toBe(before[at])
      }
    } finally {
      client.on('error', () => {})
      client.destroy()
    }
  })
})
