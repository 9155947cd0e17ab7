import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { firstWords } from '../../../../src/host/ssh/first-words.ts'

async function wordsBehind(...pieces: readonly string[]): Promise<string> {
  const stream = new PassThrough()
  const words = firstWords(stream)
  for (const piece of pieces) stream.write(piece)
  await new Promise((resolve) => setImmediate(resolve))
  return words()
}

describe('what comes before SSH', () => {
  it('is shown when it is no SSH at all', async () => {
    expect(await wordsBehind('HTTP/1.1 302 Found\r\nLocation: ', 'http://portal.example/\r\n\r\n')).toBe(
      '; what answers there is no SSH server, it says: HTTP/1.1 302 Found Location: http://portal.example/',
    )
  })

  it('names the limit that a server keeps', async () => {
    expect(await wordsBehind('Exceeded MaxStartups\r\n')).toBe(
      '; it takes no more logins at once (MaxStartups): Exceeded MaxStartups',
    )
    expect(await wordsBehind('Not allowed', ' at this time\r\n')).toContain('(PerSourcePenalties)')
  })

  it('is nothing behind which SSH is spoken, and nothing when nothing came', async () => {
    expect(await wordsBehind()).toBe('')
    expect(await wordsBehind('SSH-2.0-OpenSSH_9.2\r\n')).toBe('')
    expect(await wordsBehind('Welcome\r\nSSH', '-2.0-x\r\n')).toBe('')
  })

  it('is bounded, and drives no terminal', async () => {
    const words = await wordsBehind('\x1b]0;mine\x07\x1b[2J', 'x'.repeat(100_000))
    expect(words.length).toBeLessThan(260)
    expect(words).not.toMatch(/[\x00-\x1f\x7f]/)
  })
})
