import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ProcessOutput, ProcessPromise } from 'zx/core'
import { createLocalHost } from '../../src/host/local.ts'
import { groupMembers } from '../../src/host/local-process.ts'
import { createOpensshHost } from '../../src/host/openssh/host.ts'
import { createSshHost } from '../../src/host/ssh/host.ts'
import type { Host } from '../../src/host/types.ts'
import { loadZx } from '../../src/host/zx/load.ts'
import {
  type EndedCommand,
  endingOfOutput,
  type HostDollar,
  type HostShellOptions,
  hostShell,
} from '../../src/host/zx/shell.ts'
import { needsSshd, type Sshd, type SshdOptions, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { hopTo, quick, trusting } from './ssh/support.ts'

type Kind = Host['kind']
const hasSshd = !needsSshd().skip
const kinds: readonly Kind[] = hasSshd ? ['local', 'ssh', 'openssh'] : ['local']
const isFull = process.env.KX_FULL === '1' || process.env.KX_FAULTS_FULL === '1'
const folder = mkdtempSync(join(tmpdir(), 'kx-zx-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Signals that this process sent to others of this machine; 0 only asks. */
const signalled: unknown[][] = []
beforeAll(async () => {
  await loadZx()
  const real = process.kill.bind(process)
  vi.spyOn(process, 'kill').mockImplementation((pid, signal) => {
    if (signal !== 0) signalled.push([pid, signal])
    return real(pid, signal)
  })
})
afterAll(() => vi.restoreAllMocks())

const reach = (kind: Kind, sshd: Sshd | null): Host => {
  if (kind === 'local' || sshd === null) return createLocalHost()
  if (kind === 'ssh') return createSshHost({ name: 'box', hops: [hopTo(sshd)], verify: trusting(sshd), timing: quick })
  return createOpensshHost({
    name: 'box',
    target: sshd.address,
    port: sshd.port,
    user: sshd.user,
    configFile: 'none',
    knownHostsFiles: [sshd.knownHostsFile],
    identityFiles: [sshd.clientKey.path],
    env: { ...process.env, SSH_AUTH_SOCK: undefined, XDG_RUNTIME_DIR: folder },
  })
}

const failing = (promise: Promise<unknown>): Promise<ProcessOutput> =>
  promise.then(
    () => {
      throw new Error('it went well')
    },
    (error: ProcessOutput) => error,
  )
const path = (label: string) => join(folder, `${label}-${randomBytes(4).toString('hex')}`)
const pidIn = async (file: string) => {
  await waitUntil(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), {
    what: `${file} to be written`,
  })
  return Number(readFileSync(file, 'utf8'))
}

describe.each(kinds)('$ of zx on a host: %s', (kind) => {
  let sshd: Sshd | null = null
  let host: Host
  const shells: { close(): Promise<void> }[] = []
  const ended: EndedCommand[] = []
  beforeAll(async () => {
    sshd = kind === 'local' ? null : await startSshd()
    host = reach(kind, sshd)
  })
  afterEach(async () => {
    for (const each of shells.splice(0)) await each.close()
    ended.length = 0
  })
  afterAll(async () => {
    await host?.close()
    await sshd?.stop()
  })
  const open = async (options: HostShellOptions = {}, on = host): Promise<HostDollar> => {
    const shell = await hostShell(on, { graceSeconds: 1, onEnded: (each) => ended.push(each), ...options })
    shells.push(shell)
    return shell.$
  }

  /** What is the same on every host once a process runs there is tried over one of them. */
  const onOne = it.skipIf(kind !== 'ssh' && hasSshd && !isFull)
  it('quotes every character, and 500 hostile words', async () => {
    const $ = await open()
    const all = Array.from({ length: 127 }, (_, n) => String.fromCharCode(n + 1)).join('')
    expect((await $`printf %s ${all}`).stdout).toBe(all)
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\0', '')),
      fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^`), maxLength: 40 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(word, { minLength: 50, maxLength: 50 }), async (args) => {
        expect((await $`printf '%s\\0' ${args}`).stdout).toBe(args.map((arg) => `${arg}\0`).join(''))
      }),
      { numRuns: kind === 'ssh' ? 10 : 2 },
    )
    expect(() => $`echo ${'a\0b'}`).toThrow(/NUL/)
  })

  it('tells every ending as it was', async () => {
    const $ = await open()
    expect((await $`exit 0`).exitCode).toBe(0)
    for (const code of [3, 255]) {
      const output = await failing($`exit ${code}`)
      expect([output.exitCode, output.signal, endingOfOutput(output)]).toEqual([code, null, { kind: 'exited', code }])
    }
    const killed = await failing($`kill -KILL $$`)
    expect([killed.exitCode, killed.signal]).toEqual([null, 'SIGKILL'])
    expect(endingOfOutput(killed)).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    expect((await failing($`false | cat`)).exitCode).toBe(1)
    expect((await failing($`echo $KX_NOT_SET`)).exitCode).not.toBe(0)
    expect((await $({ nothrow: true })`exit 7`).exitCode).toBe(7)
    const out = await $`echo out; echo err >&2`
    expect([out.stdout, out.stderr]).toEqual(['out\n', 'err\n'])
    expect(ended.at(-1)).toMatchObject({ ending: { kind: 'exited', code: 0 }, stdoutBytes: 4, stderrBytes: 4 })
  })

  onOne('takes 20 MB on both streams, holds a little of it, and has the rest in files', async () => {
    const $ = await open({ spillFolder: folder, keptBytes: 100_000 })
    const flood = 'head -c 20000000 /dev/zero | tr "\\0" x'
    const output = await $({ prefix: '' })`sh -c ${`${flood}; echo; echo end`} & sh -c ${`${flood} >&2`}; wait`
    const [last] = ended.slice(-1)
    expect([last?.stdoutBytes, last?.stderrBytes]).toEqual([20_000_005, 20_000_000])
    expect(output.stdout.length).toBeLessThan(101_000)
    expect(output.stdout).toMatch(/^\[kx: the first \d+ bytes are not held here, all of it is in .*\]\n/)
    expect(output.stdout.endsWith('xxx\nend\n')).toBe(true)
    const [outFile = '', errFile = ''] = last?.spillPaths ?? []
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    expect(digest(readFileSync(outFile))).toBe(digest(Buffer.from(`${'x'.repeat(20_000_000)}\nend\n`)))
    expect(readFileSync(errFile).byteLength).toBe(20_000_000)
    // Nobody reads stdout: stderr alone must not stop.
    const only = await $({ stdio: ['ignore', 'ignore', 'pipe'] })`sh -c ${`${flood}; ${flood} >&2`}`
    expect(only.exitCode).toBe(0)
    expect(ended.at(-1)?.stderrBytes).toBe(20_000_000)
  })

  it('gives input, ends an input that nobody feeds, and leaves one open that is asked for', async () => {
    const $ = await open()
    expect((await $({ input: 'hello' })`cat`).stdout).toBe('hello')
    expect((await $`cat`).stdout).toBe('')
    expect((await $({ stdio: 'ignore' })`cat`).stdout).toBe('')
    const waiting = $({ stdio: ['pipe', 'pipe', 'pipe'] })`cat`
    await sleep(300)
    waiting.stdin.write('late')
    waiting.stdin.end()
    expect((await waiting).stdout).toBe('late')
    const now = $`cat`
    now.stdin.write('one ')
    setTimeout(() => now.stdin.end('two'), 100)
    expect((await now).stdout).toBe('one two')
    expect((await $`true`).exitCode).toBe(0)
    const ignored = await $({ input: 'x'.repeat(3_000_000) })`true`
    expect(ignored.exitCode).toBe(0)
  })

  onOne('pipes from here to the host, there, and back, byte for byte', async () => {
    const $ = await open({ keptBytes: 8_000_000 })
    const { $: here } = await loadZx()
    const file = path('piped')
    const bytes = randomBytes(1_500_000).toString('base64')
    writeFileSync(file, bytes)
    const away = await here({ quiet: true })`cat ${file}`.pipe($`tr a-z A-Z` as never)
    expect((away as unknown as ProcessOutput).stdout).toBe(bytes.toUpperCase())
    const there = await $`echo $PPID`.pipe`cat; echo $PPID`
    expect(there.stdout.split('\n').length).toBe(3)
    const back = path('back')
    await $`cat ${file}`.pipe(back)
    expect(readFileSync(back, 'utf8')).toBe(bytes)
  })

  onOne('means the host with folder and environment, and forwards nothing of this one', async () => {
    process.env.KX_ZX_LOCAL = 'from here'
    try {
      const $ = await open(
        { env: { KX_A: `it's "a"` } },
        kind === 'local' ? createLocalHost({ env: { PATH: process.env.PATH } }) : host,
      )
      const inside = path('in side')
      await $`mkdir -p ${inside}`
      const ran = await $({
        cwd: inside,
        env: { KX_B: 'b\nc' },
      })`pwd; printf '%s|' "$KX_A" "$KX_B" "\${KX_ZX_LOCAL-none}"`
      expect(ran.stdout).toBe(`${inside}\nit's "a"|b\nc|none|`)
      const nowhere = await failing($({ cwd: '/kx/no/such' })`true`)
      expect([nowhere.exitCode, nowhere.stderr]).toEqual([127, 'kx: working folder is not there: /kx/no/such\n'])
    } finally {
      delete process.env.KX_ZX_LOCAL
    }
  })

  onOne('refuses what would mean this machine, with the reason', async () => {
    const $ = await open()
    expect(() => ($ as unknown as { sync: unknown }).sync).toThrow(/use await/)
    for (const key of ['sync', 'spawn', 'shell', 'detached', 'preferLocal', 'kill', 'log', 'store'])
      expect(() => $({ [key]: true } as never), key).toThrow(/about this machine/)
    await expect($({ stdio: 'inherit' })`true`).rejects.toThrow(/use pipe or ignore/)
  })

  onOne('prints nothing: what zx would say goes to a sink', async () => {
    const out = vi.spyOn(process.stdout, 'write')
    const err = vi.spyOn(process.stderr, 'write')
    const told: string[] = []
    try {
      const $ = await open({ onLog: (entry) => told.push(entry.kind) })
      await failing($({ verbose: true, quiet: false })`echo one; echo two >&2; exit 2`)
      expect([out.mock.calls, err.mock.calls]).toEqual([[], []])
    } finally {
      out.mockRestore()
      err.mockRestore()
    }
    expect(told).toEqual(expect.arrayContaining(['cmd', 'stdout', 'stderr', 'end']))
  })

  describe('kill', () => {
    const trap = "trap '' TERM; sleep 300 & sleep 301 & echo $$ >"
    const begin = async ($: HostDollar, make: ($: HostDollar, file: string) => ProcessPromise) => {
      const file = path('pid')
      const running = make($, file)
      running.catch(() => {})
      return { running, pid: await pidIn(file) }
    }
    const expectGone = async (pid: number) => {
      await waitUntil(async () => (await groupMembers(pid)).length === 0, { what: 'the group to be gone' })
      expect(existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' S ')).toBe(false)
    }

    it('by timeout ends grandchildren, also those that ignore TERM', async () => {
      const $ = await open()
      signalled.length = 0
      const { running, pid } = await begin($, ($, file) => $`sh -c ${`${trap} ${file}; wait`}`.timeout('1s'))
      const output = await failing(running)
      expect(output.signal).toBe('SIGKILL')
      await expectGone(pid)
      if (kind !== 'local') expect(signalled.filter(([who]) => Math.abs(Number(who)) === pid)).toEqual([])
    })

    onOne('works in three ways of asking, and after the input has ended', async () => {
      const $ = await open()
      for (const preset of [$, $({ killSignal: 'SIGINT' }), $({ input: 'x' })]) {
        const { running, pid } = await begin(preset, ($, file) => $`cat >/dev/null; echo $$ > ${file}; exec sleep 300`)
        const other = (await loadZx()).within(() => failing(running))
        await running.kill()
        expect((await other).signal).toBe('SIGTERM')
        await expectGone(pid)
      }
      const { running } = await begin($, ($, file) => $`echo $$ > ${file}; exec sleep 300`)
      await expect(running.kill('SIGUSR1')).rejects.toThrow(/send SIGUSR1 with kill there/)
      await running.kill('SIGKILL')
      // Without grace between the two, either may be what it died of.
      expect((await failing(running)).signal).toMatch(/^SIG(TERM|KILL)$/)
    })

    it('asked for before it has begun, leaves nothing running', async () => {
      const $ = await open()
      const file = path('never')
      const running = $`echo $$ > ${file}; exec sleep 300`
      running.catch(() => {})
      expect(running.pid).toBeGreaterThanOrEqual(2 ** 31)
      await running.kill()
      const output = await failing(running)
      expect(endingOfOutput(output).kind).not.toBe('exited')
      await sleep(200)
      // Ended between the opening of the file and the word in it, it was nobody's group.
      const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
      if (pid > 0) await expectGone(pid)
    })

    it('on abort ends it there, with AbortError as the cause', async () => {
      const $ = await open()
      const { running, pid } = await begin($, ($, file) => $`echo $$ > ${file}; exec sleep 300`)
      running.abort('enough')
      const output = await failing(running)
      expect(output.cause).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
      await expectGone(pid)
      const controller = new AbortController()
      const second = await begin($, ($, file) => $({ signal: controller.signal })`echo $$ > ${file}; exec sleep 300`)
      controller.abort()
      expect((await failing(second.running)).cause).toMatchObject({ name: 'AbortError' })
      await expectGone(second.pid)
    })

    onOne('on close of the shell ends what still runs', async () => {
      const shell = await hostShell(host, { graceSeconds: 1 })
      const { running, pid } = await begin(shell.$, ($, file) => $`echo $$ > ${file}; exec sleep 300`)
      const over = failing(running)
      await shell.close()
      await expectGone(pid)
      expect((await over).signal).toBe('SIGTERM')
      expect(() => shell.$`true`).toThrow(/is closed/)
    })

    onOne('leaves a process of this machine to zx', async () => {
      const { $: here } = await loadZx()
      const running = here({ quiet: true })`exec sleep 300`
      running.catch(() => {})
      await sleep(100)
      await running.kill()
      expect((await failing(running)).signal).toBe('SIGTERM')
    })
  })

  it('holds the host back while nobody takes the output', async () => {
    const $ = await open()
    const running = $`exec cat /dev/zero`
    running.catch(() => {})
    await waitUntil(() => running.stdout?.listenerCount('data') > 0, { what: 'the stream to be there' })
    await sleep(300)
    running.stdout.pause()
    const count = () =>
      (running as unknown as { _zurk: { store: { stdout: { totalBytes: number } } } })._zurk.store.stdout.totalBytes
    await sleep(300)
    const [before, heldBytes] = [count(), process.memoryUsage().arrayBuffers]
    await sleep(300)
    expect(count() - before).toBe(0)
    expect(process.memoryUsage().arrayBuffers - heldBytes).toBeLessThan(64 * 1024 * 1024)
    running.stdout.resume()
    await waitUntil(() => count() > before, { what: 'it to go on' })
    await running.kill('SIGKILL')
    await failing(running)
  })

  it.skipIf(kind === 'local' || (kind === 'openssh' && !isFull))(
    'runs twelve at once, with ten sessions or with one',
    async () => {
      for (const maxSessions of [10, 1]) {
        const server = await startSshd({ maxSessions })
        const other = reach(kind, server)
        try {
          const $ = await open({}, other)
          const ran = await Promise.all(Array.from({ length: 12 }, (_, n) => $`sleep 0.05; echo ${n}`))
          expect(ran.map((each) => each.stdout)).toEqual(ran.map((_, n) => `${n}\n`))
        } finally {
          await other.close()
          await server.stop()
        }
      }
    },
  )

  it.skipIf(kind === 'local')('calls it unknown when the link is cut, and can still find who it was', async () => {
    const server = await startSshd()
    const other = reach(kind, server)
    try {
      const $ = await open({}, other)
      const file = path('cut')
      const running = $`echo begun; echo $$ > ${file}; exec sleep 300`
      const over = failing(running)
      const pid = await pidIn(file)
      for (const each of server.connectionPids()) process.kill(each, 'SIGKILL')
      const output = await over
      expect(output.cause).toMatchObject({
        code: 'ECHANNELLOST',
        message: expect.stringContaining('outcome is unknown'),
      })
      expect([output.exitCode, output.signal, output.stdout]).toEqual([null, null, 'begun\n'])
      expect(endingOfOutput(output).kind).toBe('unknown')
      expect(ended.at(-1)?.ending.kind).toBe('unknown')
      // It runs on there. Over a new link, start time compared, it is ended.
      const { process: identity } = output.cause as unknown as { process: Parameters<Host['kill']>[0] }
      expect(await other.isAlive(identity)).toBe(true)
      expect(await other.kill({ ...identity, startTicks: identity.startTicks + 1 }, 1)).toBe('not-ours')
      expect(await other.kill(identity, 1)).toBe('gone')
      expect((await groupMembers(pid)).length).toBe(0)
    } finally {
      await other.close()
      await server.stop()
    }
  })

  it.skipIf(kind === 'local')('says that nothing was begun when nobody answers', async () => {
    const server = await startSshd()
    const other = reach(kind, server)
    await server.stop()
    const $ = await open({ startSeconds: 1.5 }, other)
    const output = await failing($`touch ${path('never')}`)
    expect(output.cause).toMatchObject({ code: 'ENOTBEGUN' })
    expect(endingOfOutput(output).kind).toBe('unknown')
    await other.close()
  })

  const loginShells: readonly (readonly string[])[] = [['dash'], ['bash'], ['zsh'], ['fish'], ['busybox', 'sh']]
  it.skipIf(kind !== 'ssh' && !isFull).each(loginShells.map((words) => [words.join(' '), words] as const))(
    'hands 100 hostile words over through the login shell %s, though its rc files talk',
    async (_name, words) => {
      const program = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', words[0] as string], { encoding: 'utf8' })
      if (program.status !== 0 && process.env.KX_REQUIRE_TOOLS !== '1') return
      const options: SshdOptions = {
        loginShell: [program.stdout.trim(), ...words.slice(1)],
        noise: "Welcome to 'the box'!",
      }
      const server = await startSshd(options)
      const other = reach(kind, server)
      try {
        const $ = await open({}, other)
        const word = fc.oneof(
          fc.string({ unit: 'binary', maxLength: 30 }).map((s) => s.replaceAll('\0', '')),
          fc.string({ unit: fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^`), maxLength: 30 }),
        )
        const args = fc.sample(word, { numRuns: 100, seed: 42 })
        const ran = await $`printf '%s\\0' ${args}; echo err >&2`
        expect([ran.stdout, ran.stderr]).toEqual([args.map((arg) => `${arg}\0`).join(''), 'err\n'])
        expect((await failing($`false | cat`)).exitCode).toBe(1)
      } finally {
        await other.close()
        await server.stop()
      }
    },
  )
})
