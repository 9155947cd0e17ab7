import type { AddressInfo } from 'node:net'
import ssh2, { type AuthContext } from 'ssh2'
import { afterEach, describe, expect, it } from 'vitest'
import { createLogins } from '../../../src/host/link/logins.ts'
import type { LoginQuestion } from '../../../src/host/link/types.ts'
import { serverHostKey } from '../../harness/host-key.ts'
import { needsSshd } from '../../harness/sshd.ts'
import { quick, rig } from './support.ts'

const { skip } = needsSshd()

/**
 * A fake of a server that takes passwords or asks questions: sshd without PAM knows neither without an account of this
 * machine. It lets in or not, and runs nothing.
 */
async function fakeServer(decide: (context: AuthContext) => void) {
  const tried: string[] = []
  const clients = new Set<{ end(): void }>()
  const server = new ssh2.Server({ hostKeys: [serverHostKey()] }, (client) => {
    clients.add(client)
    client.on('error', () => {})
    client.on('authentication', (context) => {
      tried.push(context.method === 'password' ? `password ${context.password}` : context.method)
      decide(context)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    tried,
    stop: async () => {
      for (const client of clients) client.end()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const takesPassword = (right: string) => (context: AuthContext) => {
  if (context.method === 'password' && context.password === right) context.accept()
  else context.reject(['password'])
}

describe.skipIf(skip)('a server that asks for more than a key', () => {
  const { host: hostOf } = rig()
  const open: { stop(): Promise<void> }[] = []
  afterEach(async () => {
    for (const each of open.splice(0)) await each.stop()
  })
  const against = async (
    decide: (context: AuthContext) => void,
    answer: (question: LoginQuestion) => string | null,
    asking: readonly ('password' | 'keyboard-interactive')[] = ['keyboard-interactive', 'password'],
  ) => {
    const server = await fakeServer(decide)
    open.push(server)
    const questions: LoginQuestion[] = []
    const secrets: string[] = []
    const logins = createLogins(
      async (question) => {
        questions.push(question)
        return answer(question)
      },
      (_name, value) => void secrets.push(value),
    )
    const hop = {
      address: '127.0.0.1',
      port: server.port,
      user: 'ada',
      identityFiles: [],
      identitiesOnly: true,
      agentSocket: null,
      asking,
    }
    const reach = async () => {
      const { host, told } = hostOf([hop], () => ({ isAccepted: true, words: [] }), {
        timing: { ...quick, tries: 1 },
        logins,
      })
      // The fake runs no commands, so the link pauses behind the login with another problem than the login.
      await host.connect().catch(() => {})
      return told.at(-1)
    }
    return { server, questions, secrets, reach }
  }

  it('is given the password of a person, asked once in this process, and masked from then on', async () => {
    const { server, questions, secrets, reach } = await against(takesPassword('sesame-8'), () => 'sesame-8')
    expect((await reach())?.problem).not.toBe('authentication')
    expect((await reach())?.problem).not.toBe('authentication')
    expect(server.tried).not.toContain('publickey')
    expect(questions).toMatchObject([{ kind: 'password', of: `ada@127.0.0.1:${server.port}`, attempt: 1, host: 'box' }])
    expect(server.tried).toEqual(['none', 'password sesame-8', 'none', 'password sesame-8'])
    expect(secrets).toEqual(['sesame-8'])
  })

  it('is given at most what the person types, each once, and never again by itself (T14)', async () => {
    const { server, questions, reach } = await against(takesPassword('right'), ({ attempt }) => `wrong-${attempt}`)
    expect(await reach()).toMatchObject({ state: 'paused', problem: 'authentication' })
    expect(questions.map((question) => question.attempt)).toEqual([1, 2, 3])
    expect(server.tried).toEqual(['none', 'password wrong-1', 'password wrong-2', 'password wrong-3'])
  })

  it('is given nothing when the person gives up, and says how to be asked', async () => {
    const { server, reach } = await against(takesPassword('right'), () => null)
    expect(await reach()).toMatchObject({
      state: 'paused',
      problem: 'authentication',
      reason: expect.stringContaining('no password was given'),
    })
    expect(server.tried).toEqual(['none'])
  })

  it('is not asked about where the configuration allows no questions', async () => {
    const { server, questions, reach } = await against(takesPassword('right'), () => 'right', [])
    expect(await reach()).toMatchObject({ state: 'paused', problem: 'authentication' })
    expect([server.tried, questions]).toEqual([[], []])
  })

  it('may ask for a code that holds once: it is shown what was asked, and nothing is remembered', async () => {
    const { server, questions, secrets, reach } = await against(
      (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive'])
        context.prompt([{ prompt: 'Verification code\u001b[31m: ', echo: false }], 'Two factors', (answers) =>
          answers[0] === '123456' ? context.accept() : context.reject(['keyboard-interactive']),
        )
      },
      () => '123456',
    )
    await reach()
    expect((await reach())?.problem).not.toBe('authentication')
    expect(questions.map(({ kind }) => kind)).toEqual(['answer', 'answer'])
    expect(questions[0]?.prompt).toMatch(/^Two factors.*Verification code/)
    expect(questions[0]?.prompt).not.toContain('\u001b')
    expect(secrets).toEqual([])
    expect(server.tried).toEqual(['none', 'keyboard-interactive', 'none', 'keyboard-interactive'])
  })

  it('may want a password and then a code: both are asked for, and the password is remembered', async () => {
    const { questions, reach } = await against(
      (context) => {
        if (context.method === 'password' && context.password === 'sesame-8')
          return context.reject(['keyboard-interactive'], true)
        if (context.method === 'keyboard-interactive')
          return context.prompt([{ prompt: 'Code: ', echo: true }], (answers) =>
            answers[0] === '1' ? context.accept() : context.reject([]),
          )
        context.reject(['password'])
      },
      ({ kind }) => (kind === 'password' ? 'sesame-8' : '1'),
    )
    expect((await reach())?.problem).not.toBe('authentication')
    expect((await reach())?.problem).not.toBe('authentication')
    expect(questions.map(({ kind, isShown }) => [kind, isShown])).toEqual([
      ['password', false],
      ['answer', true],
      ['answer', true],
    ])
  })
})
