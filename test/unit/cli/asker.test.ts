import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { terminalAsker } from '../../../src/cli/asker.ts'

function streams(isTTY: boolean) {
  return { input: Object.assign(new PassThrough(), { isTTY }), output: Object.assign(new PassThrough(), { isTTY }) }
}

describe('asking on a terminal', () => {
  it.each([
    ['yes', true],
    ['y', true],
    [' Y ', true],
    ['YES', true],
    ['', false],
    ['n', false],
    ['yesterday', false],
  ])('takes %j for %s', async (typed, expected) => {
    const { input, output } = streams(true)
    const answer = terminalAsker({ input, output }).ask.confirm('Approve?', [])
    input.write(`${typed}\n`)
    expect(await answer).toBe(expected)
  })

  it('asks nobody where there is no terminal, and remembers that a person is needed', async () => {
    const { ask, needsPerson } = terminalAsker(streams(false))
    expect(needsPerson()).toBe(false)
    expect(await ask.confirm('Approve?', [])).toBe(false)
    expect(needsPerson()).toBe(true)
  })
})

describe('asking for a passphrase on a terminal', () => {
  const question = {
    kind: 'passphrase',
    host: 'box',
    of: '/home/ada/.ssh/id',
    prompt: '',
    isShown: false,
    attempt: 1,
    mostAttempts: 3,
  } as const
  const { signal } = new AbortController()

  it('prints the key it is for, and nothing of what is typed', async () => {
    const { input, output } = streams(true)
    const answer = terminalAsker({ input, output }).person.askLogin(question, signal)
    await new Promise((resolve) => setImmediate(resolve))
    input.write('open sesame\r')
    expect(await answer).toBe('open sesame')
    const said = String(output.read())
    expect(said).toContain('/home/ada/.ssh/id')
    expect(said).not.toContain('sesame')
  })

  it('gives up with Ctrl-C, and when nobody waits any more', async () => {
    const { input, output } = streams(true)
    const { person } = terminalAsker({ input, output })
    const first = person.askLogin(question, signal)
    await new Promise((resolve) => setImmediate(resolve))
    input.write('\u0003')
    expect(await first).toBeNull()
    const over = new AbortController()
    const second = person.askLogin(question, over.signal)
    await new Promise((resolve) => setImmediate(resolve))
    over.abort()
    expect(await second).toBeNull()
  })

  it('needs a person where there is no terminal', async () => {
    const { person, needsPerson } = terminalAsker(streams(false))
    expect(await person.askLogin(question, signal)).toBeNull()
    expect(needsPerson()).toBe(true)
  })
})
