import type { AddressInfo } from 'node:net'
import ssh2, { type AcceptConnection, type ServerChannel, type Session } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import { serverHostKey } from '../../harness/host-key.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { hopTo, quick, rig } from './support.ts'

const { skip } = needsSshd()

/** What a server does with one command, once our header of it has come. */
type Answer = (channel: ServerChannel, mark: string) => void

/** A server that lets anybody in and then behaves as it is told; `null` never answers that a channel may be opened. */
async function oddServer(answers: readonly (Answer | null)[]) {
  let asked = 0
  let connects = 0
  const clients = new Set<{ end(): void }>()
  const server = new ssh2.Server({ hostKeys: [serverHostKey()] }, (client) => {
    connects += 1
    clients.add(client)
    client.on('error', () => {})
    client.on('authentication', (context) => context.accept())
    client.on('session', (accept: AcceptConnection<Session>) => {
      const answer = answers[Math.min(asked, answers.length - 1)]
      asked += 1
      if (answer === null || answer === undefined) return
      accept().on('exec', (acceptExec) => {
        const channel = acceptExec()
        let header = ''
        const take = (chunk: Buffer) => {
          header += chunk.toString('latin1')
          const mark = header.slice(0, header.indexOf('\n'))
          if (!header.includes(`#${mark}\n`)) return
          channel.off('data', take)
          answer(channel, mark)
        }
        channel.on('error', () => {})
        channel.on('data', take)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connects: () => connects,
    stop: async () => {
      for (const client of clients) client.end()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const begin = (channel: ServerChannel, mark: string) => {
  channel.stderr.write(`\n${mark} begin\n`)
  channel.write(`\n${mark} begin 12 12 34 5d7f5a8e-0000-4000-8000-000000000000\n`)
}

/** A shell in which the identity is asked for, and nothing else: it answers with a machine of this form. */
const shell: Answer = (channel, mark) => {
  begin(channel, mark)
  channel.on('data', (chunk: Buffer) => {
    // The mark behind which the end of a script or a beat is told.
    const word = /(kx-[0-9a-f]+) %d\\n' "\$kx" >&2/.exec(chunk.toString())?.[1]
    if (word === undefined) return
    if (chunk.includes('/etc/machine-id')) channel.write('\0\0box\x000\0\0')
    channel.write(`\n${word} 0\n`)
    channel.stderr.write(`\n${word} 0\n`)
  })
}

describe.skipIf(skip)('a server that is not as it should be', () => {
  const { sshd: start, host: hostOf } = rig()
  const open: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.stop()
  })
  const against = async (answers: readonly (Answer | null)[], timing = quick) => {
    const sshd = await start()
    const server = await oddServer([shell, ...answers])
    open.push(server)
    const { host, told } = hostOf([hopTo(sshd, server.port)], () => ({ isAccepted: true, words: [] }), { timing })
    await host.connect()
    return { host, told, server }
  }

  it('ends a channel without a word: that is no end of a command (T3)', async () => {
    const { host } = await against([
      (channel, mark) => {
        begin(channel, mark)
        channel.write('half of the')
        channel.end()
      },
    ])
    expect((await host.exec(['x'])).ending).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('its end'),
    })
  })

  it('says how a command ended before all of its output came: it is waited for', async () => {
    const { host } = await against([
      (channel, mark) => {
        begin(channel, mark)
        channel.exit(5)
        channel.write('late')
        channel.stderr.write('too')
        channel.end()
      },
    ])
    const ran = await host.exec(['x'])
    expect([ran.ending, String(ran.stdoutBytes), ran.stderrBytes]).toEqual([{ kind: 'exited', code: 5 }, '4', 3])
  })

  it.each([0, null])('ends with %s a command that never began: what was said instead is told', async (code) => {
    const { host } = await against([
      (channel) => {
        channel.write('no shell for you')
        if (code !== null) channel.exit(code)
        channel.end()
      },
    ])
    expect((await host.exec(['x'])).ending).toMatchObject({
      kind: 'unknown',
      reason: expect.stringContaining('no shell for you'),
    })
  })

  it('never lets a channel be opened: the call ends at its deadline, and the link is given up (T6)', async () => {
    const { host, told, server } = await against([null], { ...quick, openSeconds: 1 })
    const short = await host.exec(['x'], { timeoutSeconds: 0.2 })
    expect(short).toMatchObject({ ending: { kind: 'unknown' }, timedOut: true })
    const long = await host.exec(['x'], { timeoutSeconds: 60 })
    expect(long).toMatchObject({ ending: { kind: 'unknown', reason: expect.stringContaining('did not let kx') } })
    expect(long.timedOut).toBe(false)
    expect(told.map((each) => each.state)).toContain('down')
    expect(server.connects()).toBeGreaterThanOrEqual(1)
  })

  it('runs a command for ever and cannot kill it: the caller is not held', async () => {
    const { host } = await against([begin, null])
    const ran = await host.exec(['x'], { timeoutSeconds: 0.2 })
    expect(ran).toMatchObject({ ending: { kind: 'unknown' }, timedOut: true })
  })
})
