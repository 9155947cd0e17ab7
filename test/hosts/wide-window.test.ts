import { readFileSync } from 'node:fs'
import type { Client, ClientChannel } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import { widenWindow, windowOfSsh2 } from '../../src/host/ssh/wide-window.ts'
import { needsSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { rig } from './ssh/support.ts'

const mib = 1024 * 1024
const total = 40 * mib

describe.skipIf(needsSshd().skip)('window of a channel', () => {
  const server = rig()
  const clients: Client[] = []
  afterEach(() => {
    for (const client of clients.splice(0)) {
      client.on('error', () => {})
      client.destroy()
    }
  })

  const flood = async () => {
    const sshd = await server.sshd()
    const proxy = await server.proxy(sshd.port)
    const { default: ssh2 } = await import('ssh2')
    const client = new ssh2.Client()
    clients.push(client)
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject)
      client.connect({
        ...{ host: sshd.address, port: proxy.port, username: sshd.user },
        privateKey: readFileSync(sshd.clientKey.path),
      })
    })
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.exec(`head -c ${total} /dev/zero`, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    channel.stderr.resume()
    /** Bytes that came over the link until nothing more comes. */
    const settled = async () => {
      let before = -1
      await waitUntil(
        async () => {
          const now = proxy.passedBytes
          const isQuiet = now === before
          before = now
          await new Promise((resolve) => setTimeout(resolve, 150))
          return isQuiet
        },
        { what: 'the link to be quiet' },
      )
      return before
    }
    return { channel, settled }
  }
  const readAll = (channel: ClientChannel) =>
    new Promise<number>((resolve) => {
      let bytes = 0
      channel.on('data', (chunk: Buffer) => {
        bytes += chunk.byteLength
      })
      channel.once('close', () => resolve(bytes))
    })

  it('is 2 MiB by itself, and as wide as it was asked for while nobody reads', async () => {
    const usual = await flood()
    const narrow = await usual.settled()
    expect(narrow).toBeGreaterThan(windowOfSsh2)
    expect(narrow).toBeLessThan(2 * windowOfSsh2)

    const { channel, settled } = await flood()
    expect(widenWindow(channel, 12 * mib)).toBe(true)
    channel.pause()
    const wide = await settled()
    expect(wide).toBeGreaterThan(12 * mib)
    expect(wide).toBeLessThan(14 * mib)
    const whole = readAll(channel)
    channel.resume()
    expect(await whole).toBe(total)
  })

  it('is given again as it is used, and never more than was asked for', async () => {
    const { channel } = await flood()
    expect(widenWindow(channel, 8 * mib)).toBe(true)
    const incoming = Reflect.get(channel, 'incoming') as { window: number }
    let [least, most] = [Number.POSITIVE_INFINITY, 0]
    channel.on('data', () => {
      least = Math.min(least, incoming.window)
      most = Math.max(most, incoming.window)
    })
    expect(await readAll(channel)).toBe(total)
    expect(least).toBeGreaterThan(7 * mib - 64 * 1024)
    expect(most).toBeLessThanOrEqual(8 * mib)
  })

  it('stays what it is where less is asked for, or the library is another one', async () => {
    const { channel } = await flood()
    expect(widenWindow(channel, windowOfSsh2)).toBe(false)
    expect(widenWindow({} as ClientChannel, 8 * mib)).toBe(false)
    expect(await readAll(channel)).toBe(total)
  })
})
