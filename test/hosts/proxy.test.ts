import { type ChildProcess, fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { MessageChannel, Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProcessOutput } from 'zx/core'
import { createLocalHost } from '../../src/host/local.ts'
import { proxiedHost } from '../../src/host/proxy/client.ts'
import { serveHost } from '../../src/host/proxy/server.ts'
import { portWire, processWire, type Wire } from '../../src/host/proxy/wire.ts'
import type { Host } from '../../src/host/types.ts'
import { endingOfOutput, hostShell } from '../../src/host/zx/shell.ts'
import { isRunning } from '../harness/proc.ts'
import { hopTo, tellingHost, text, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { describeHost } from './host-contract.ts'

const side = resolve(import.meta.dirname, '../harness/apps/proxy-side.ts')
const folder = mkdtempSync(join(tmpdir(), 'kx-proxy-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Both ends of a wire in this process: what is sent is cloned all the same. */
function pair(host: Host): { proxy: Host; here: Wire; there: Wire } {
  const { port1, port2 } = new MessageChannel()
  const here = portWire(port1)
  const there = portWire(port2)
  serveHost(host, here, 'box', { graceSeconds: 1 })
  return { proxy: proxiedHost(there, 'box', host), here, there }
}

const failing = (promise: Promise<unknown>): Promise<ProcessOutput> =>
  promise.then(
    () => Promise.reject(new Error('it went well')),
    (error: ProcessOutput) => error,
  )

const isFull = process.env.KX_FULL === '1' || process.env.KX_FAULTS_FULL === '1'
if (isFull)
  describeHost(
    'a proxy of this machine',
    async () => {
      const { proxy, here, there } = pair(createLocalHost())
      return {
        host: proxy,
        stop: async () => {
          here.close()
          there.close()
        },
      }
    },
    { isDeaf: true },
  )

describe.skipIf(needsSshd().skip)('a proxied host', () => {
  let sshd: Sshd
  let host: Host
  beforeAll(async () => {
    sshd = await startSshd()
    host = tellingHost([hopTo(sshd)], trusting(sshd), {}).host
  })
  afterAll(async () => {
    await host?.close()
    await sshd?.stop()
  })
  const pidIn = async (file: string) => {
    await waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), { what: `${file}` })
    return Number(readFileSync(file, 'utf8'))
  }

  const whats: Record<
    'process' | 'thread',
    (what: string) => { wire: Wire; child: ChildProcess | null; stop(): void }
  > = {
    process: (what) => {
      const child = fork(side, [what], { serialization: 'advanced', stdio: 'ignore' })
      return { wire: processWire(child), child, stop: () => child.kill('SIGKILL') }
    },
    thread: (what) => {
      const worker = new Worker(side, { workerData: what })
      return { wire: portWire(worker), child: null, stop: () => void worker.terminate() }
    },
  }
  const heard = (wire: Wire) => {
    const all: Record<string, never>[] = []
    wire.onMessage((message) => {
      const { said } = message as { said?: Record<string, never> }
      if (said !== undefined) all.push(said)
    })
    return all
  }

  it('hands 300 hostile words over, and tells every ending as it was', async () => {
    const { proxy, there } = pair(host)
    const shell = await hostShell(proxy, { graceSeconds: 1 })
    const { $ } = shell
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }).map((s) => s.replaceAll('\0', '')),
      fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^`), maxLength: 30 }),
    )
    const words = fc.sample(word, { numRuns: 300, seed: 7 })
    expect((await $`printf '%s\\0' ${words}`).stdout).toBe(words.map((each) => `${each}\0`).join(''))
    expect((await $`cat`).stdout).toBe('')
    for (const code of [3, 255]) expect((await failing($`exit ${code}`)).exitCode).toBe(code)
    expect((await failing($`false | cat`)).exitCode).toBe(1)
    expect((await failing($`kill -KILL $$`)).signal).toBe('SIGKILL')
    const ran = await proxy.exec(['sh', '-c', 'echo out; echo err >&2; exit 4'])
    expect([text(ran.stdout), text(ran.stderr), ran.ending]).toEqual(['out\n', 'err\n', { kind: 'exited', code: 4 }])
    await shell.close()
    there.close()
  })

  it('ends grandchildren by timeout, by kill and by abort, on the host', async () => {
    const { proxy, there } = pair(host)
    const shell = await hostShell(proxy, { graceSeconds: 1 })
    const { $ } = shell
    const ways: ((file: string) => { running: Promise<unknown>; go?: () => unknown })[] = [
      (file) => ({ running: $`sh -c ${`trap '' TERM; sleep 300 & echo $! > ${file}; wait`}`.timeout('1s') }),
      (file) => {
        const running = $`sh -c ${`sleep 300 & echo $! > ${file}; wait`}`
        return { running, go: () => running.kill() }
      },
      (file) => {
        const controller = new AbortController()
        const running = $({ signal: controller.signal })`sh -c ${`sleep 300 & echo $! > ${file}; wait`}`
        return { running, go: () => controller.abort() }
      },
    ]
    for (const way of ways) {
      const file = join(folder, randomBytes(4).toString('hex'))
      const { running, go } = way(file)
      const over = failing(running)
      const pid = await pidIn(file)
      await go?.()
      expect(endingOfOutput(await over).kind).not.toBe('exited')
      await waitUntil(() => !isRunning(pid), { what: 'the grandchild to end' })
    }
    await shell.close()
    there.close()
  })

  it('is held back while nobody takes the output', async () => {
    const { proxy, there } = pair(host)
    let count = 0
    const process = await proxy.spawn(['cat', '/dev/zero'], {
      onStdout: (chunk) => {
        count += chunk.byteLength
      },
      onStderr: () => {},
    })
    await waitUntil(() => count > 0, { what: 'output' })
    process.pause()
    const at = count
    const read = async () => (await host.exec(['sh', '-c', `cat /proc/${process.identity?.pid}/io`])).stdout
    // It stands still once every window on the way is full.
    let before = ''
    await waitUntil(
      async () => {
        const now = text(await read())
        const isSame = now === before
        before = now
        return isSame
      },
      { what: 'the program to stand still' },
    )
    expect(count).toBe(at)
    process.resume()
    await waitUntil(() => count > at + 8 * 1024 * 1024, { what: 'it to go on' })
    expect(await proxy.kill(process.identity as never, 1)).toBe('gone')
    expect((await process.ending).kind).toBe('signalled')
    there.close()
  })

  it('calls it unknown when the link is cut, and can still find who it was', async () => {
    const server = await startSshd()
    const other = tellingHost([hopTo(server)], trusting(server), {}).host
    const { proxy, there } = pair(other)
    const shell = await hostShell(proxy, { graceSeconds: 1 })
    try {
      const file = join(folder, 'cut')
      const over = failing(shell.$`echo begun; echo $$ > ${file}; exec sleep 300`)
      await pidIn(file)
      for (const each of server.connectionPids()) globalThis.process.kill(each, 'SIGKILL')
      const output = await over
      expect(output.cause).toMatchObject({ code: 'ECHANNELLOST' })
      expect(endingOfOutput(output).kind).toBe('unknown')
      const { process: identity } = output.cause as unknown as { process: Parameters<Host['kill']>[0] }
      expect(await proxy.isAlive(identity)).toBe(true)
      expect(await proxy.kill({ ...identity, startTicks: identity.startTicks + 1 }, 1)).toBe('not-ours')
      expect(await proxy.kill(identity, 1)).toBe('gone')
    } finally {
      await shell.close()
      there.close()
      await other.close()
      await server.stop()
    }
  })

  it('keeps the kind and the code of an error', async () => {
    const { proxy, here, there } = pair(host)
    await expect(proxy.removeTree('/etc', '/tmp')).rejects.toMatchObject({ name: 'HostError' })
    await expect(proxy.spawn(['/no/such/program\0'], { onStdout: () => {}, onStderr: () => {} })).rejects.toMatchObject(
      {
        name: expect.stringMatching(/HostError|TypeError/),
      },
    )
    const waiting = proxy.exec(['sleep', '20'])
    const process = await proxy.spawn(['sleep', '20'], { onStdout: () => {}, onStderr: () => {} })
    here.close()
    await expect(waiting).rejects.toThrow(/not there any more/)
    expect((await process.ending).kind).toBe('unknown')
    await expect(proxy.stat('/')).rejects.toThrow(/not there any more/)
    there.close()
  })

  describe.each(['process', 'thread'] as const)('in another %s', (kind) => {
    it('takes 20 MB, and gives 3', async () => {
      for (const what of ['flood', 'input']) {
        const { wire, stop } = whats[kind](what)
        serveHost(host, wire, 'box')
        const said = heard(wire)
        await waitUntil(() => said.length > 0, { what, timeoutMs: 30_000 })
        const bytes = 20 * 1024 * 1024
        if (what === 'input') expect(said).toEqual([{ same: true }])
        else {
          const sha256 = createHash('sha256').update(Buffer.alloc(bytes, 'x')).digest('hex')
          expect(said[0]).toMatchObject({ count: bytes, sha256, code: 0 })
          expect(Number(said[0]?.arrayBuffers)).toBeLessThan(64 * 1024 * 1024)
        }
        await wire.closed
        stop()
      }
    })

    it.each(isFull ? ['sleep', 'loop'] : [kind === 'process' ? 'loop' : 'sleep'])(
      'that dies (%s), leaves nothing running on the host',
      async (what) => {
        const { wire, stop } = whats[kind](what)
        serveHost(host, wire, 'box', { graceSeconds: 0.5 })
        const said = heard(wire)
        await waitUntil(() => said.length > 0, { what: 'its pids', timeoutMs: 30_000 })
        const pids = said[0]?.pids as unknown as number[]
        expect(pids.every(isRunning)).toBe(true)
        stop()
        for (const pid of pids) await waitUntil(() => !isRunning(pid), { what: `${pid} to end` })
      },
    )
  })

  it('tells a process of its own that kx went, and that the outcome is unknown', async () => {
    const { wire, child } = whats.process('sleep')
    serveHost(host, wire, 'box', { graceSeconds: 0.5 })
    const said = heard(wire)
    await waitUntil(() => said.length > 0, { what: 'its pids', timeoutMs: 30_000 })
    wire.close()
    await waitUntil(() => child?.exitCode === 0, { what: 'the child to end' })
  })
})
