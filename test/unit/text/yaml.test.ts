import { describe, expect, it } from 'vitest'
import { formatProblem } from '../../../src/text/problem.ts'
import { readYaml } from '../../../src/text/yaml.ts'

const read = (text: string | Uint8Array) => readYaml(text, 'kx.yaml')
const firstError = (text: string | Uint8Array) => {
  const result = read(text)
  return result.ok
    ? 'accepted'
    : formatProblem(result.errors[0] ?? { file: '', line: 0, column: 0, key: '', message: '' })
}

describe('readYaml', () => {
  it('gives plain data without prototypes and knows where each key stands', () => {
    const result = read('# a plan\nname: x\nmetrics:\n  - name: auc\n    direction: higher\n')
    if (!result.ok) throw new Error('refused')
    expect(result.value).toEqual({ name: 'x', metrics: [{ name: 'auc', direction: 'higher' }] })
    expect(Object.getPrototypeOf(result.value)).toBeNull()
    expect(result.locate(['metrics', 0, 'direction'])).toEqual({ line: 5, column: 5 })
    expect(result.locate(['metrics', 0, 'nothing'])).toEqual({ line: 4, column: 5 })
    expect(result.locate([])).toEqual({ line: 2, column: 1 })
  })

  it('reads scalars by the core schema: no surprises from older YAML', () => {
    const result = read('a: no\nb: 012\nc: 2026-01-01\nd: 1e3\ne: "1"\nf:\ng: true\n')
    expect(result.ok && { ...(result.value as object) }).toEqual({
      a: 'no',
      b: 12,
      c: '2026-01-01',
      d: 1000,
      e: '1',
      f: null,
      g: true,
    })
  })

  it('follows a plain alias', () => {
    const result = read('a: &x [1, 2]\nb: *x\n')
    expect(result.ok && result.value).toEqual({ a: [1, 2], b: [1, 2] })
  })

  it('reads bytes, with byte order mark and CRLF', () => {
    const result = read(Buffer.from('\ufeffa: 1\r\nb: 2\r\n'))
    expect(result.ok && result.value).toEqual({ a: 1, b: 2 })
  })

  it('accepts an empty file as null', () => {
    const result = read('# nothing\n')
    expect(result.ok && result.value).toBeNull()
  })

  it.each([
    ['a: 1\nb: 2\na: 3\n', 'kx.yaml:3:1 a: this key stands twice, first in line 1. Remove one of the two'],
    ['a: 1\n"a": 3\n', 'kx.yaml:2:1 a: this key stands twice, first in line 1. Remove one of the two'],
    ['a:\n  __proto__: {x: 1}\n', 'kx.yaml:2:3 a.__proto__: this key is never allowed. Choose another name'],
    ['constructor: 1\n', 'kx.yaml:1:1 constructor: this key is never allowed. Choose another name'],
    ['a: &a {x: 1}\nb:\n  <<: *a\n', 'kx.yaml:3:3 b.<<: merge keys are not allowed. Write the keys out'],
    ['a: 1\n\tb: 2\n', 'kx.yaml:2:1 a tab is used as indentation. Indent with blanks'],
    ['a: 1\nb: x\0y\n', 'kx.yaml:2:5 a control character (U+0000) stands here. Remove it'],
    ['a: !!js/function x\n', 'kx.yaml:1:4 a tag (`!…`) is not allowed. Write the plain value'],
    ['%YAML 1.1\n---\na: 1\n', 'kx.yaml:1:1 directives (`%…`) are not allowed. Remove this line'],
    ['a: 1\n---\nb: 2\n', 'kx.yaml:2:1 more than one document. Keep one document: remove the second `---`'],
    ['a: .inf\n', 'kx.yaml:1:4 a: .inf is not a finite number. Write a finite number'],
    [
      'a: 123456789012345678901\n',
      'kx.yaml:1:4 a: 123456789012345678901 is too large to be kept exactly. Put it in quotes if it is a name or a hash',
    ],
    ['? [a, b]\n: 1\n', 'kx.yaml:1:3 a key must be a word. Put the key in quotes if it is meant as text'],
    ['a: *nothing\n', 'kx.yaml:1:4 a: this alias names nothing that stands before it'],
  ])('refuses %j', (text, problem) => {
    expect(firstError(text)).toBe(problem)
  })

  it('refuses what is too large or not UTF-8', () => {
    expect(firstError(`a: ${'x'.repeat(65_536)}`)).toMatch(/^kx\.yaml:1:1 the file has 65539 bytes, more than 65536/)
    expect(firstError(new Uint8Array([0x61, 0x3a, 0x20, 0x31, 0x0a, 0xff]))).toBe(
      'kx.yaml:2:1 this is not UTF-8 text. Save it as UTF-8',
    )
  })

  it('does not mistake brackets in text for depth', () => {
    const brackets = '['.repeat(40)
    expect(read(`a: "${brackets}"\nb: |\n  ${brackets}\nc: x\n# ${brackets}\n`).ok).toBe(true)
  })

  it('keeps terminal controls out of its messages', () => {
    expect(firstError('"\\e[31m": 1\n"\\e[31m": 2\n')).not.toContain('\x1b')
  })
})
