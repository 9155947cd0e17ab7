import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSanitiser, sanitise, sanitiseLine } from '../../../src/text/sanitise.ts'

describe('sanitise', () => {
  it('leaves plain text, tabs and colours alone', () => {
    const text = 'a\tb\n\x1b[1;32mok\x1b[0m größe 日本 👩‍🔬\n'
    expect(sanitise(text)).toBe(text)
  })

  it('shows one mark where something was dropped and counts each drop', () => {
    const s = createSanitiser()
    expect(s.push('a\x07\x08\x1b[2Jb\n')).toBe('a␛b\n')
    expect(s.dropped).toBe(3)
  })

  it('reads a carriage return as a rewrite of the line', () => {
    expect(sanitise(' 10%\r 20%\r100%\r\ndone\n')).toBe('100%\ndone\n')
    expect(sanitise('still here\r')).toBe('still here')
  })

  it('ends colours with their line', () => {
    expect(sanitise('\x1b[31mred\nplain')).toBe('\x1b[31mred\x1b[0m\nplain')
    expect(sanitise('\x1b[31mred')).toBe('\x1b[31mred\x1b[0m')
  })

  it('replaces invalid UTF-8', () => {
    expect(sanitise(new Uint8Array([0x61, 0xff, 0x62, 0xe2, 0x82]))).toBe('a\ufffdb\ufffd')
  })

  it('cuts a long line and keeps memory bounded', () => {
    const s = createSanitiser({ maxLineLength: 8 })
    for (let i = 0; i < 1000; i++) expect(s.push('abcdef')).toBe('')
    expect(s.pending).toBe('abcdefab…')
    expect(s.push('\nnext\n')).toBe('abcdefab…\nnext\n')
    expect(s.dropped).toBe(1)
  })

  it('does not cut a surrogate pair in two', () => {
    expect(sanitise('abc😀', { maxLineLength: 4 })).toBe('abc…')
  })

  it('shows the line that is still growing', () => {
    const s = createSanitiser()
    s.push('Password')
    s.push(': ')
    expect(s.pending).toBe('Password: ')
  })

  it('joins a character that was cut between pieces, strings too', () => {
    const s = createSanitiser()
    expect(s.push('\ud83d') + s.push('\ude00\n') + s.end()).toBe('😀\n')
  })
})

describe('sanitiseLine', () => {
  it('gives the same for a text as for its bytes, which take the long way', () => {
    const texts = fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }))
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 80 }), (text, length) => {
        fc.pre(text.isWellFormed())
        expect(sanitiseLine(text, length)).toBe(sanitiseLine(new TextEncoder().encode(text), length))
      }),
      { numRuns: 1000 },
    )
  })

  it('makes one line without colour', () => {
    expect(sanitiseLine('a\r\nb\tc\x1b[31md\x1b]0;x\x07')).toBe('a b c␛d␛')
  })

  it('cuts at the length asked for', () => {
    expect(sanitiseLine('abcdef', 4)).toBe('abc…')
    expect(sanitiseLine('abcd', 4)).toBe('abcd')
    expect(sanitiseLine('ab😀x', 4)).toBe('ab…')
  })
})
