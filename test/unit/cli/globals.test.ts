import { describe, expect, it } from 'vitest'
import { splitArgv } from '../../../src/cli/globals.ts'

const split = (...argv: string[]) => {
  const result = splitArgv(argv)
  if (!result.ok) throw new Error(result.text)
  return result
}

describe('global options', () => {
  it('may stand before or after the command, in both forms', () => {
    expect(split('--project', 'a', 'audit', '--json')).toMatchObject({
      globals: { project: 'a', json: true },
      words: ['audit'],
    })
    expect(split('audit', '--project=a=b')).toMatchObject({ globals: { project: 'a=b' }, words: ['audit'] })
  })
  it("leave a command's own words alone", () => {
    expect(split('abort', 'too slow', '--reason', 'x').words).toEqual(['abort', 'too slow', '--reason', 'x'])
    expect(split('audit', '--help')).toMatchObject({ globals: { isHelp: false }, words: ['audit', '--help'] })
    expect(split('--help').globals.isHelp).toBe(true)
  })
  it('end at a double hyphen', () => {
    expect(split('tick', '--', '--json')).toMatchObject({ globals: { json: false }, words: ['tick', '--', '--json'] })
  })
  it('say when a value is missing', () => {
    expect(splitArgv(['--run'])).toEqual({ ok: false, text: '--run needs a value' })
    expect(splitArgv(['--theme='])).toEqual({ ok: false, text: '--theme needs a value' })
  })
})
