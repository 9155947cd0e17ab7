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
