import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { hopTo, trusting } from '../../harness/ssh-host.ts'
import { freePort } from '../../harness/sshd.ts'
import { timingAt } from './rig.ts'
import type { FaultCase, FaultRow } from './types.ts'

/** Whatever answers at a port and is no SSH server. */
async function impostor(given: FaultCase, speak: (socket: Socket) => void, address = '127.0.0.1'): Promise<number> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
    speak(socket)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve))
  given.rig.later(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const found = server.address()
  if (found === null || typeof found === 'string') throw new Error('no port')
  return found.port
}

const portal =
  'HTTP/1.1 302 Found\r\nLocation: http://portal.example/login\r\n\r\n<html>Log in to the network</html>\r\n'

const ways: Readonly<Record<string, (given: FaultCase) => Promise<{ address: string; port: number; says: RegExp }>>> = {
  'name that nobody knows': async () => ({ address: 'no-such-host.invalid', port: 22, says: /ENOTFOUND|EAI_AGAIN/ }),
  'text of a portal before any banner': async (given) => ({
    address: '127.0.0.1',
    port: await impostor(given, (socket) => socket.end(portal)),
    says: /no SSH server, it says: HTTP\/1\.1 302 Found/,
  }),
  'text of a portal, and the connection stays open': async (given) => ({
    address: '127.0.0.1',
    port: await impostor(given, (socket) => socket.write(portal)),
    says: /no SSH server, it says: HTTP\/1\.1 302 Found/,
  }),
  'silence after the connect': async (given) => ({
    address: '127.0.0.1',
    port: await impostor(given, () => {}),
    says: /no connection within/,
  }),
  'text without an end': async (given) => ({
    address: '127.0.0.1',
    port: await impostor(given, (socket) => {
      const more = () => {
        while (socket.writable && socket.write('x'.repeat(64 * 1024)));
      }
      socket.on('drain', more)
      more()
    }),
    says: /no SSH server, it says: xxxx/,
  }),
  'nobody at the port': async () => ({ address: '127.0.0.1', port: await freePort(), says: /ECONNREFUSED/ }),
  'an address of IPv6 only, where nobody listens': async () => ({
    address: '::1',
    port: await freePort('::1'),
    says: /ECONNREFUSED|ENETUNREACH|EADDRNOTAVAIL/,
  }),
}

async function noSsh(given: FaultCase): Promise<void> {
  const { rig } = given
  const way = given.turn([...Object.keys(ways), 'a server of IPv6 only'])
  given.say(way)
  if (way === 'a server of IPv6 only') {
    const sshd = await rig.sshd({ address: '::1' })
    const { host } = rig.hostBy([{ ...hopTo(sshd), address: '::1' }], trusting(sshd))
    assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 })
    return
  }
  const { address, port, says } = await (ways[way] as NonNullable<(typeof ways)[string]>)(given)
  const connectSeconds = 1.5
  const timing = { ...timingAt(0.02), connectSeconds, tries: 2 }
  const hop = { address, port, user: 'ada', identityFiles: [], identitiesOnly: true, agentSocket: null }
  const { host, told } = rig.hostBy([hop], () => ({ isAccepted: true, words: [] }), { timing })
  const began = performance.now()
  const rss = process.memoryUsage().rss
  let heard = ''
  await assert.rejects(host.connect(), (error: Error) => {
    assert.match(error.message, says)
    assert(error.message.includes(`:${port}`), `names where: ${error.message}`)
    given.say(error.message)
    heard = error.message
    return true
  })
  const tries = told.filter((each) => each.state === 'connecting').length
  const seconds = (performance.now() - began) / 1000
  given.figure('seconds a try', seconds / Math.max(1, tries))
  // A plain no of the network is told after the first try, and the next one may have begun; a silence is tried again.
  const isPlainNo = /ECONNREFUSED|ENOTFOUND|ENETUNREACH|EADDRNOTAVAIL/.test(heard)
  assert(isPlainNo ? tries <= 2 : tries === 2, `${tries} tries: ${heard}`)
  assert(seconds < 2 * connectSeconds + 5, `two tries of ${connectSeconds} s took ${seconds} s`)
  assert(process.memoryUsage().rss - rss < 200 * 1024 * 1024, 'memory stays bounded')
  assert(told.every((each) => each.problem === null || each.problem === 'unreachable'))
}

export const n8: FaultRow = {
  id: 'N8',
  fault: 'DNS failure, IPv6-only, text of a captive portal before the banner',
  mustHold: 'clear error within the time of a connect',
  injected: () => 'names, addresses, and a TCP server that is no SSH server',
  atOnce: 4,
  run: noSsh,
}
