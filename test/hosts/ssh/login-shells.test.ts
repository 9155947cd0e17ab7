import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { needsSshd, type Sshd } from '../../harness/sshd.ts'
import { hopTo, rig, text, trusting } from './support.ts'

const { skip } = needsSshd()

const where = (name: string): string => {
  try {
    return execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}
const shells = [
  ...['sh', 'dash', 'bash', 'zsh', 'fish'].map((name) => ({ name, words: [where(name)] })),
  { name: 'busybox', words: [where('busybox'), 'sh'] },
]
const mustHave = process.env.KX_REQUIRE_TOOLS === '1'

/** Words that some shell reads as something else, and 500 in all, the same every time. */
function hostileWords(): readonly string[] {
  const picked = [
    ...['', ' ', '  a  ', '-n', '--', '-', '=x', '%self', '~', '~root', '*', '?', '[a-z]*', '{a,b}', '!', '!!', '#x'],
    ...["it's", '"', '\\', '\\\\', "\\'", "'\\''", '`id`', '$(id)', '$HOME', '${HOME}', '$', '&', ';', '|', '<', '>'],
    ...[
      'a\nb',
      '\n',
      'a\n',
      '\t',
      '\r\n',
      'a\rb',
      '\x01',
      '\x1b[31m',
      '\x7f',
      '\x81\x82\x88',
      'ü€😀',
      '\u2028',
      '‮',
      '\ufeff',
    ],
    ...['a=b', 'PATH=/x', '(', ')', '(x)', '^', 'a^b', '@', 'x'.repeat(20_000), "'".repeat(300), '\\'.repeat(301)],
  ]
  const unit = fc.constantFrom(...`'"\\$\`!*?[]{}()<>|&;#~ \t\n\r-=%^@:,.aZ0ü€😀\x01\x7f\x1b`)
  const random = fc.sample(fc.string({ unit, maxLength: 60 }), { numRuns: 500 - picked.length, seed: 7 })
  return [...picked, ...random]
}

describe.skipIf(skip).each(shells)('a login shell $name', ({ name, words: shell }) => {
  const { sshd: start, host: hostOf } = rig()
  const isThere = shell[0] !== ''
  const words = hostileWords()
  const noise = 'Welcome! "Have" a $nice day; rm -rf `nothing`'
  const login = async (more = {}): Promise<Sshd> => start({ loginShell: shell, noise, ...more })
  beforeAll(() => {
    if (!isThere && mustHave) throw new Error(`${name} is not installed, and every shell must be tried`)
  })

  it.skipIf(!isThere)('hands over 500 hostile arguments byte for byte, by exec and by script', async () => {
    expect(words.length).toBe(500)
    const sshd = await login()
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    const ran = await host.exec(['sh', '-c', `printf '%s\\0' "$@"`, 'sh', ...words])
    expect([ran.ending, text(ran.stderr)]).toEqual([{ kind: 'exited', code: 0 }, ''])
    expect(text(ran.stdout)).toBe(words.map((word) => `${word}\0`).join(''))
    for (const isRepeated of [false, true]) {
      const script = await host.script(`printf '%s\\0' "$@"`, words, { isRepeated })
      expect([script.ending, text(script.stdout)]).toEqual([ran.ending, text(ran.stdout)])
    }
    const env = await host.exec(['sh', '-c', `printf '%s\\0' "$KX_ONE"; cat`], {
      env: { KX_ONE: words.join('\n') },
      stdin: words.join('\0'),
    })
    expect(text(env.stdout)).toBe(`${words.join('\n')}\0${words.join('\0')}`)
  })

  it.skipIf(!isThere)('keeps its own noise out of both streams, and tells codes, signals and identities', async () => {
    const sshd = await login()
    const { host } = hostOf([hopTo(sshd)], trusting(sshd))
    const ran = await host.exec(['sh', '-c', 'echo out; echo err >&2; exit 9'])
    expect([ran.ending, text(ran.stdout), text(ran.stderr)]).toEqual([{ kind: 'exited', code: 9 }, 'out\n', 'err\n'])
    expect((await host.exec(['sh', '-c', 'kill -KILL $$'])).ending).toEqual({ kind: 'signalled', signal: 'SIGKILL' })
    const late = await host.exec(['sh', '-c', 'sleep 600 & wait'], { timeoutSeconds: 1 })
    expect([late.timedOut, late.ending]).toEqual([true, { kind: 'signalled', signal: 'SIGTERM' }])
  })
})
