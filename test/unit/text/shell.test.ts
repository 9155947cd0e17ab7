import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { shellJoin, shellQuote } from '../../../src/text/shell.ts'

const shells = [['sh'], ['dash'], ['bash'], ['zsh'], ['fish'], ['busybox', 'sh']] as const
const isThere = (name: string) => spawnSync(name, ['-c', 'true'], { stdio: 'ignore' }).error === undefined

const seeds = [
  '',
  ' ',
  "'",
  '"',
  '\\',
  "\\'",
  "'\\''",
  '$HOME',
  '$(id)',
  '`id`',
  '!x',
  '!!',
  '~',
  '~root',
  '#x',
  '*',
  '?',
  '[a]',
  '{a,b}',
  '<x',
  '>x',
  '|',
  '&',
  ';',
].concat([
  '\n',
  '\t',
  '\r',
  '\x01',
  '\x1b[2J',
  '\x7f',
  'ä',
  '日本',
  '👩‍🔬',
  '-n',
  '--',
  '-e',
  '%s',
  '%',
  'a=b',
  '=ls',
  '^a',
  '(x)',
  '@',
  '+',
  'a\\',
  '\\n',
  "''",
  '""',
  '\u202e',
])

/** 500 words: the seeds, their pairs in a fixed pseudo-random order, and long runs. */
function hostileWords(): string[] {
  const words = [...seeds, "'".repeat(500), '\\'.repeat(501), "\\'".repeat(200), `a${' '.repeat(300)}b`]
  let state = 12_345
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return seeds[(state >>> 8) % seeds.length] ?? ''
  }
  while (words.length < 500) words.push(next() + next() + next())
  return words
}

describe('shellQuote', () => {
  it('leaves plain words alone and quotes the rest', () => {
    expect(shellJoin(['python', '-m', 'train', '--lr=1e-3', 'a b', "it's"])).toBe(
      "python -m train --lr=1e-3 'a b' 'it'\\''s'",
    )
    expect(shellQuote('')).toBe("''")
    expect(shellJoin(['A=b', 'A=b'])).toBe("'A=b' A=b")
  })

  it('refuses NUL', () => {
    expect(() => shellQuote('a\0b')).toThrow(/NUL/)
  })

  const words = hostileWords()
  for (const shell of shells) {
    const there = isThere(shell[0])
    it.skipIf(!there && process.env.KX_REQUIRE_TOOLS !== '1')(
      `500 words come back byte for byte from ${shell.join(' ')}${there ? '' : ' (not installed)'}`,
      () => {
        const script = `printf '%s\\0' ${words.map(shellQuote).join(' ')}\n`
        const result = spawnSync(shell[0], [...shell.slice(1), '-c', script], {
          env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: '/' },
        })
        expect(result.error).toBeUndefined()
        const back = result.stdout.toString().split('\0').slice(0, -1)
        expect(result.stderr.toString()).toBe('')
        expect(back.length).toBe(words.length)
        expect(back.filter((word, n) => word !== words[n])).toEqual([])
      },
    )
  }
})
