import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cut, cutMiddle, graphemes, oneLine, pad, textWidth, toWidth, wrap } from '../../../src/ui/text-fit.ts'

const anyText = fc.string({ unit: 'grapheme', maxLength: 60 })
const width = fc.integer({ min: 0, max: 50 })

describe('cutting text to cells', () => {
  it('never gives more cells than asked for, and fit exactly as many', () => {
    fc.assert(
      fc.property(anyText, width, fc.constantFrom('…', '~', '...'), (text, cells, ellipsis) => {
        expect(textWidth(cut(text, cells, ellipsis))).toBeLessThanOrEqual(cells)
        expect(textWidth(toWidth(text, cells, 'left', ellipsis))).toBe(cells)
        expect(textWidth(cutMiddle(text, cells, ellipsis))).toBeLessThanOrEqual(cells)
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps text that fits', () => {
    expect(cut('abc', 3)).toBe('abc')
    expect(cut('abcd', 3)).toBe('ab…')
    expect(cut('12345', 3, '~')).toBe('12~')
    expect(cut('12345', 1, '~')).toBe('~')
    expect(cut('日本語', 4)).toBe('日…')
    expect(cut('anything', 0)).toBe('')
    expect(cut('anything', -3)).toBe('')
  })

  it('cuts differently for different widths of the same text', () => {
    expect(cut('2é'.repeat(5), 1)).toBe('…')
    expect(cut('é'.repeat(5), 12)).toBe('ééééé')
    expect(cut('日本語', 3)).toBe('日…')
    expect(cut('日本語', 5)).toBe('日本…')
  })

  it('lets no line end, tab or control character through', () => {
    expect(oneLine('a\n\tb\u009b31mc')).toBe('a b 31mc')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), width, (text, cells) => {
        expect(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(toWidth(text, cells))).toBe(false)
      }),
    )
  })

  it('cuts a very long text without reading it all', () => {
    const long = '日'.repeat(2_000_000)
    expect(cut(long, 11)).toBe(`${'日'.repeat(5)}…`)
  })

  it('puts numbers to the right and keeps the file name of a path', () => {
    expect(toWidth('42', 5, 'right')).toBe('   42')
    expect(pad('ab', 5, 'center')).toBe(' ab  ')
    expect(cutMiddle('/very/long/folder/name/result.json', 20)).toBe('/very/l…/result.json')
  })

  it('splits into what a person sees', () => {
    expect(graphemes('a👩‍👩‍👧e\u0301')).toEqual(['a', '👩‍👩‍👧', 'e\u0301'])
  })
})

describe('wrapping', () => {
  it('keeps every word and every row inside the width', () => {
    const words = fc.array(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }), { maxLength: 20 })
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 40 }), (list, cells) => {
        const text = list.join(' ')
        const rows = wrap(text, cells, '  ')
        for (const row of rows) expect(textWidth(row)).toBeLessThanOrEqual(cells)
        expect(rows.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
      { numRuns: 1000 },
    )
  })

  it('breaks at blanks, indents what follows, keeps line ends', () => {
    expect(wrap('one two three', 8, '  ')).toEqual(['one two', '  three'])
    expect(wrap('  - item that is long', 12, '    ')).toEqual(['  - item', '    that is', '    long'])
    expect(wrap('a\n\nb', 10)).toEqual(['a', '', 'b'])
    expect(wrap('abcdefgh', 3)).toEqual(['abc', 'def', 'gh'])
    expect(wrap('long line', Number.POSITIVE_INFINITY)).toEqual(['long line'])
  })
})
