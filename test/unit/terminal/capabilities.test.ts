import { describe, expect, it } from 'vitest'
import { capabilitiesFromEnv, capabilitiesFromReply } from '../../../src/terminal/capabilities.ts'
import type { TerminalReply } from '../../../src/terminal/events.ts'

const utf8 = { LANG: 'en_US.UTF-8' }
const csi = (body: string): TerminalReply => ({ type: 'reply', kind: 'csi', body })
const osc = (body: string): TerminalReply => ({ type: 'reply', kind: 'osc', body })

describe('the environment', () => {
  it.each([
    [{ TERM: 'xterm' }, '16'],
    [{ TERM: 'xterm-256color' }, '256'],
    [{ TERM: 'screen-256color', COLORTERM: 'truecolor' }, 'truecolor'],
    [{ TERM: 'xterm-direct' }, 'truecolor'],
    [{ TERM: 'dumb', COLORTERM: 'truecolor' }, 'none'],
    [{ TERM: 'xterm-256color', NO_COLOR: '1', FORCE_COLOR: '3' }, 'none'],
    [{ TERM: 'xterm-256color', NO_COLOR: '' }, '256'],
    [{ TERM: 'xterm-256color', FORCE_COLOR: '0' }, 'none'],
    [{ TERM: 'xterm', FORCE_COLOR: '3' }, 'truecolor'],
    [{}, '16'],
  ])('%j gives %s', (env, depth) => {
    expect(capabilitiesFromEnv(env).colorDepth).toBe(depth)
  })

  it.each([
    [utf8, true],
    [{}, true],
    [{ LANG: 'C' }, false],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' }, false],
    [{ LANG: 'C', LC_CTYPE: 'C.utf8' }, true],
    [{ ...utf8, TERM: 'linux' }, false],
    [{ ...utf8, KX_ASCII: '1' }, false],
    [{ ...utf8, KX_ASCII: '0' }, true],
  ])('%j: unicode %s', (env, unicode) => {
    expect(capabilitiesFromEnv(env).unicode).toBe(unicode)
  })

  it.each([
    ['15;0', 'dark'],
    ['0;15', 'light'],
    ['0;default;7', 'light'],
    ['', 'unknown'],
    ['nonsense', 'unknown'],
  ])('COLORFGBG %j: %s', (value, background) => {
    expect(capabilitiesFromEnv({ COLORFGBG: value }).background).toBe(background)
  })

  it('claims no synchronized output before the terminal said so', () => {
    expect(capabilitiesFromEnv({ TERM: 'xterm-kitty' }).sync).toBe(false)
  })
})

describe('answers of the terminal', () => {
  it.each([
    ['?2026;1$y', true],
    ['?2026;2$y', true],
    ['?2026;0$y', false],
    ['?2026;4$y', false],
  ])('%s: sync %s', (body, sync) => {
    expect(capabilitiesFromReply(csi(body))).toEqual({ sync })
  })

  it.each([
    ['11;rgb:0000/0000/0000', 'dark'],
    ['11;rgb:ffff/ffff/ffff', 'light'],
    ['11;rgb:fd/f6/e3', 'light'],
    ['11;rgb:00/2b/36', 'dark'],
    ['11;rgba:ffff/ffff/ffff/8000', 'light'],
  ])('%s: %s', (body, background) => {
    expect(capabilitiesFromReply(osc(body))).toEqual({ background })
  })

  it('learns nothing from other answers', () => {
    for (const reply of [
      csi('?62;4c'),
      csi('?1049;1$y'),
      osc('10;rgb:0/0/0'),
      osc('11;?'),
      osc('52;c;AA=='),
      osc(''),
    ]) {
      expect(capabilitiesFromReply(reply)).toBeNull()
    }
  })
})
