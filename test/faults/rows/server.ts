import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogins } from '../../../src/host/link/logins.ts'
import { hopTo, quick, trusting } from '../../harness/ssh-host.ts'
import { makeKey } from '../../harness/sshd.ts'
import { waitUntil } from '../../harness/wait.ts'
import type { FaultCase, FaultRow } from './types.ts'

const killAll = (pids: readonly number[]) => {
  for (const pid of pids)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It went by itself.
    }
}

/** The server's processes of a connection are killed while something runs over it. */
async function killedSession(given: FaultCase): Promise<void> {
  const { rig } = given
  const way = given.turn(['exec', 'sftp', 'forward'])
  given.say(way)
  const box = await rig.sshd()
  const jump = way === 'forward' ? await rig.sshd() : null
  const hops = [...(jump === null ? [] : [hopTo(jump)]), hopTo(box)]
  const { host } = rig.hostBy(hops, (h, port, type, key, hop) =>
    trusting(jump !== null && port === jump.port ? jump : box)(h, port, type, key, hop),
  )
  await host.connect()
  const victim = jump ?? box
  if (way === 'sftp') {
    const large = join(box.home, 'large')
    writeFileSync(large, Buffer.alloc(64 * 1024 * 1024, 7))
    const sftp = await host.sftp()
    sftp.on('error', () => {})
    let got = 0
    const ended = new Promise<string>((resolve) => {
      const stream = sftp.createReadStream(large)
      stream.on('data', (chunk: Buffer) => {
        got += chunk.byteLength
      })
      stream.on('end', () => resolve('end'))
      stream.on('error', () => resolve('error'))
      stream.on('close', () => resolve('close'))
    })
    const from = given.between(1, 20) * 1024 * 1024
    await waitUntil(() => got > from, { timeoutMs: 60_000, what: 'bytes to come' })
    killAll(victim.connectionPids())
    const how = await ended
    assert(got < 64 * 1024 * 1024, 'it was cut in the middle')
    assert.notEqual(how, 'end', 'half of a file is not the end of it')
    // A session of the dead connection answers, and not with success.
    const late = new Promise<string>((resolve) => {
      try {
        sftp.stat(large, (error) => resolve(error ? 'error' : 'success'))
      } catch {
        resolve('error')
      }
    })
    assert.notEqual(await Promise.race([late, sleep(200, 'silence')]), 'success')
  } else {
    let got = 0
    const running = host.exec(['sh', '-c', 'echo first; exec cat /dev/zero'], {
      timeoutSeconds: 60,
      maxBytes: 16,
      onStdout: (chunk) => {
        got += chunk.byteLength
      },
    })
    const idle = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
    const kept = host.script('echo begun; sleep 600', [], { isRepeated: true, timeoutSeconds: 600 })
    const from = given.between(1, 8_000_000)
    await waitUntil(() => got > from, { timeoutMs: 60_000, what: 'bytes to come' })
    await host.exec(['true'])
    killAll(victim.connectionPids())
    for (const ran of await Promise.all([running, idle, kept]))
      assert.equal(ran.ending.kind, 'unknown', 'never a success, never an exit code')
  }
  assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 }, 'and the next one runs')
}

export const s1: FaultRow = {
  id: 'S1',
  fault: 'kill -9 of the connection’s sshd during exec, sftp, forward',
  mustHold: 'never "success"',
  injected: () => 'SIGKILL to the processes that serve the connection, of the box or of its jump host',
  atOnce: 3,
  run: killedSession,
}

const limits: Readonly<Record<string, (given: FaultCase) => Promise<void>>> = {
  restart: async ({ rig, say }) => {
    const first = await rig.sshd()
    // The file of known hosts goes with the server.
    const lines = readFileSync(first.knownHostsFile, 'utf8')
    const { host, told } = rig.hostBy([hopTo(first)], (_host, _port, type, key) => ({
      isAccepted: lines.includes(`${type} ${key}`),
      words: [],
    }))
    await host.connect()
    const running = host.exec(['sleep', '600'], { timeoutSeconds: 600 })
    await host.exec(['true'])
    const { port, hostKeys } = first
    await first.stop()
    assert.equal((await running).ending.kind, 'unknown')
    await waitUntil(() => told.some((each) => /ECONNREFUSED/.test(each.reason)), { what: 'the refusal to be told' })
    say(told.find((each) => /ECONNREFUSED/.test(each.reason))?.reason ?? '')
    await rig.sshd({ port, hostKeys })
    if (host.status().state === 'paused') host.resume()
    assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 })
  },
  'MaxSessions 1': async ({ rig }) => {
    const one = await rig.sshd({ maxSessions: 1 })
    const { host } = rig.hostBy([hopTo(one)], trusting(one))
    const ran = await Promise.all(
      [1, 2, 3, 4].map((n) => host.exec(['sh', '-c', `sleep 0.05; exit ${n}`], { timeoutSeconds: 60 })),
    )
    assert.deepEqual(
      ran.map((each) => each.ending),
      [1, 2, 3, 4].map((code) => ({ kind: 'exited', code })),
      'what comes later waits for its turn',
    )
    const long = host.exec(['sleep', '600'], { timeoutSeconds: 2 })
    const crowded = await host.exec(['true'], { timeoutSeconds: 0.5 })
    assert.equal(crowded.ending.kind, 'unknown')
    if (crowded.ending.kind === 'unknown')
      assert.match(crowded.ending.reason, /MaxSessions/, `says which limit: ${crowded.ending.reason}`)
    // A kill does not wait for the channel that what it ends holds.
    assert.deepEqual((await long).ending, { kind: 'signalled', signal: 'SIGTERM' })
  },
  MaxStartups: async ({ rig, say }) => {
    const few = await rig.sshd({ maxStartups: '1' })
    const { host, told } = rig.hostBy([hopTo(few)], trusting(few))
    // Somebody who has connected and does not log in.
    const { Socket } = await import('node:net')
    const idler = new Socket()
    idler.on('error', () => {})
    rig.later(() => void idler.destroy())
    await new Promise<void>((resolve) => idler.connect(few.port, '127.0.0.1', () => resolve()))
    await new Promise((resolve) => idler.once('data', resolve))
    const waiting = host.exec(['true'], { timeoutSeconds: 60 })
    await waitUntil(() => told.some((each) => each.state === 'down'), { what: 'a try to fail' })
    const reason = told.find((each) => each.state === 'down')?.reason ?? ''
    say(reason)
    assert.match(reason, /MaxStartups/, 'says which limit')
    idler.destroy()
    if (host.status().state === 'paused') host.resume()
    const ran = await waiting
    if (ran.ending.kind === 'unknown') assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 })
    assert(!told.some((each) => each.problem === 'authentication'))
  },
  LoginGraceTime: async ({ rig, say }) => {
    const folder = rig.folder()
    const clientKey = makeKey(folder, 'slow', 'ed25519', 'secret')
    const hasty = await rig.sshd({ clientKey, config: ['LoginGraceTime 1'] })
    let asked = 0
    let answered = 0
    const { host, told } = rig.hostBy([hopTo(hasty)], trusting(hasty), {
      // A person who takes longer than the server waits.
      logins: createLogins(
        async () => {
          asked += 1
          await sleep(2500)
          answered += 1
          return 'secret'
        },
        () => {},
      ),
    })
    const ran = await host.exec(['true'], { timeoutSeconds: 30 })
    const reason = told.find((each) => each.reason !== '')?.reason ?? ''
    say(reason)
    if (ran.ending.kind === 'unknown') {
      assert.match(reason, /LoginGraceTime/, `says which limit: ${reason}`)
      await waitUntil(() => answered === 1, { what: 'the person to be done' })
      host.resume()
    }
    assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 }, 'the passphrase was kept')
    assert.equal(asked, 1, 'nobody is asked twice')
  },
  MaxAuthTries: async ({ rig, say }) => {
    const folder = rig.folder()
    const strict = await rig.sshd({ maxAuthTries: 2 })
    const wrong = [1, 2, 3].map((n) => makeKey(folder, `wrong${n}`).path)
    const hop = { ...hopTo(strict), identityFiles: [...wrong, strict.clientKey.path] }
    const { host, told } = rig.hostBy([hop], trusting(strict))
    assert.equal((await host.exec(['true'])).ending.kind, 'unknown')
    const last = told.at(-1)
    say(last?.reason ?? '')
    assert.equal(last?.problem, 'authentication')
    assert.match(last?.reason ?? '', /Too many authentication failures|MaxAuthTries/, 'says which limit')
    const before = strict.log().split('Connection from').length
    await sleep(300)
    assert.equal(strict.log().split('Connection from').length, before, 'and is not tried again by itself')
  },
  'penalties of 9.8 (a fake that says what such a server says)': async ({ rig, say }) => {
    const box = await rig.sshd()
    let turnedAway = 0
    // FAKE: sshd 9.2 has no penalties; newer ones send this line and close.
    const penal = createServer((socket) => {
      turnedAway += 1
      socket.on('error', () => {})
      socket.end('Not allowed at this time\r\n')
    })
    await new Promise<void>((resolve) => penal.listen(0, '127.0.0.1', resolve))
    rig.later(() => void penal.close())
    const proxy = await rig.proxy((penal.address() as { port: number }).port)
    const timing = { ...quick, shortestBackoffSeconds: 0.2, longestBackoffSeconds: 1, tries: 4 }
    const { host, told } = rig.hostBy([hopTo(box, proxy.port)], trusting(box), { timing })
    assert.equal((await host.exec(['true'], { timeoutSeconds: 60 })).ending.kind, 'unknown')
    const last = told.at(-1)
    say(last?.reason ?? '')
    assert.match(last?.reason ?? '', /PerSourcePenalties/, 'says which limit')
    assert.equal(last?.state, 'paused')
    assert.equal(turnedAway, 4, 'as many tries as it may, and no more')
    proxy.target(box.port)
    host.resume()
    assert.deepEqual((await host.exec(['true'])).ending, { kind: 'exited', code: 0 })
  },
}

export const s2: FaultRow = {
  id: 'S2',
  fault: 'sshd restart, MaxSessions 1, MaxStartups, LoginGraceTime, MaxAuthTries, penalties of 9.8',
  mustHold: 'queue and back off; the message says which limit',
  injected: () => 'configuration of sshd; penalties by a fake, since sshd here is older than 9.8',
  atOnce: 3,
  run: async (given) => {
    const way = given.turn(Object.keys(limits))
    given.say(way)
    await limits[way]?.(given)
  },
}

export const s3: FaultRow = {
  id: 'S3',
  fault: 'rekey every 1 MiB under load',
  mustHold: 'hashes equal',
  injected: () => 'RekeyLimit 1M of sshd, four flows at once',
  atOnce: 1,
  run: async (given) => {
    const { rig } = given
    const sshd = await rig.sshd({ config: ['RekeyLimit 1M', 'LogLevel DEBUG1'] })
    const { host } = rig.hostBy([hopTo(sshd)], trusting(sshd))
    const sum = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    const size = given.pace === 'pick' ? 4_000_000 : given.between(6_000_000, 14_000_000)
    const [up, down] = [randomBytes(size), randomBytes(size)]
    const [there, here] = [join(sshd.home, 'up'), join(sshd.home, 'down')]
    writeFileSync(here, down)
    const byExec = createHash('sha256')
    const sftpSum = async () => {
      const sftp = await host.sftp()
      const hash = createHash('sha256')
      const stream = sftp.createReadStream(here)
      stream.on('error', () => {})
      for await (const chunk of stream) hash.update(chunk as Buffer)
      sftp.end()
      return hash.digest('hex')
    }
    const [, read, ran, viaSftp, echoed] = await Promise.all([
      host.write(there, up),
      host.read(here, 0, size),
      host.exec(['cat', here], { maxBytes: 0, timeoutSeconds: 100, onStdout: (chunk) => byExec.update(chunk) }),
      sftpSum(),
      host.exec(['cat'], { stdin: down.subarray(0, 2_000_000), maxBytes: 2_000_000, timeoutSeconds: 100 }),
    ])
    assert.deepEqual(ran.ending, { kind: 'exited', code: 0 })
    assert.equal(sum(read ?? Buffer.alloc(0)), sum(down), 'read')
    assert.equal(byExec.digest('hex'), sum(down), 'exec')
    assert.equal(viaSftp, sum(down), 'sftp')
    assert.equal(sum(echoed.stdout), sum(down.subarray(0, 2_000_000)), 'both ways')
    assert.equal(sum(readFileSync(there)), sum(up), 'write')
    const rekeys = sshd.log().split(/NEWKEYS sent\r?\n/).length - 1
    given.figure('rekeys seen by the server', rekeys)
    assert(rekeys >= 10, `the server rekeyed ${rekeys} times`)
    assert(existsSync(there))
  },
}
