import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SshHost } from '../../src/host/ssh/types.ts'
import type { ReplHouse } from '../../src/repl/house.ts'
import { ReplSession } from '../../src/repl/session.ts'
import { hopTo, tellingHost, trusting } from '../harness/ssh-host.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'

const sshd = needsSshd()

describe.skipIf(sshd.skip)('the prompt on a real sshd', () => {
  let server: Sshd
  let host: SshHost
  let session: ReplSession
  const shown: string[] = []
  const textOf = (lines: readonly (readonly { readonly text: string }[])[]) =>
    lines.map((line) => line.map((span) => span.text).join(''))
  const enter = async (text: string) => textOf((await session.enter(text)).lines)

  beforeAll(async () => {
    server = await startSshd()
    host = tellingHost([hopTo(server)], trusting(server), {}).host
    const house: ReplHouse = {
      projectFolder: import.meta.dirname,
      secrets: null,
      commands: [],
      facts: async () => ({ host: 'box', hosts: ['box', 'local'], run: null, plan: null, profile: null, cells: [] }),
      // A lease of it: what the prompt closes is not the connection.
      openHost: async () => leased(host),
      command: async () => Promise.reject(new Error('none')),
      line: async () => ({ summary: '', exitCode: 0, data: null }),
      completeLine: () => [],
      runs: async () => [],
      samples: async () => [],
      names: async () => [],
      record: async () => null,
    }
    session = new ReplSession({
      house,
      history: null,
      env: { PATH: process.env.PATH },
      isAscii: false,
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      onLines: (_cell, lines) => shown.push(...textOf(lines)),
    })
  })
  afterAll(async () => {
    await session?.close()
    await host?.close()
    await server?.stop()
  })

  it('means the host with $ and with a shell line', async () => {
    expect(await enter('const { stdout } = await $`echo "$SSH_CONNECTION" | wc -w`; stdout.trim()')).toEqual(["'4'"])
    await session.enter('! echo "$SSH_CONNECTION" | wc -w')
    expect(shown.at(-1)?.trim()).toBe('4')
    expect(await enter('await $`echo ${"it\'s; $HOME"}`')).toEqual(["it's; $HOME"])
  })

  it('ends what it began on the host when the worker is ended, and keeps the connection', async () => {
    const before = host.status()
    const mark = `31${String(process.pid).padStart(6, '0')}`
    const looping = session.enter(
      `const far = $\`sleep ${mark}\`; await new Promise((r) => setTimeout(r, 1500)); for (;;) {}`,
    )
    const isThere = async () => {
      const { stdout } = await host.exec(['sh', '-c', `pgrep -f '[s]leep ${mark}' || true`])
      return new TextDecoder().decode(stdout).trim() !== ''
    }
    await waitUntil(isThere, { timeoutMs: 20_000, what: 'the far process' })
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await session.interrupt()
    expect((await looping).outcome).toBe('lost')
    await waitUntil(async () => !(await isThere()), { timeoutMs: 20_000, what: 'its end' })
    expect(host.status().state).toBe('up')
    expect(host.status().state).toBe(before.state)
    expect(await enter('(await $`echo again`).stdout')).toEqual(['again', ''])
  })
})

/** The host, but for its end. */
const leased = (host: SshHost): SshHost =>
  new Proxy(host, {
    get: (target, name) => {
      if (name === 'close') return async () => {}
      const found: unknown = Reflect.get(target, name, target)
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
