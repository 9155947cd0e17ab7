import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asciiGlyphs } from '../../../src/ui/glyphs.ts'
import { inlineText, markdownLines, markdownRows } from '../../../src/ui/markdown.ts'

describe('markdown', () => {
  it('shows headings, lists, tasks, code and tables', () => {
    const source = [
      '# Title #',
      'Some **bold** text',
      'on two lines with a [link](https://x.y).',
      '',
      '- first item that is long',
      '  1. nested',
      '- [x] done',
      '',
      '```sh',
      '# not a heading   **kept**',
      '```',
      '| a | b |',
      '> quoted',
      '---',
    ].join('\n')
    expect(markdownLines(source, 24, asciiGlyphs)).toEqual([
      'Title',
      'Some bold text on two',
      'lines with a link',
      '(https://x.y).',
      '',
      '* first item that is',
      '  long',
      '  1. nested',
      '* [x] done',
      '',
      '# not a heading   **kept**',
      'a  b',
      '| quoted',
      '------------------------',
    ])
    expect(markdownRows('# T', 80)[0]).toEqual({ text: 'T', token: 'text.strong' })
  })

  it('lays out tables: columns aligned, long cells wrapped, an empty heading left out', () => {
    const source = [
      '| what | where it stands |',
      '|---|:--|',
      '| units | 45 of 45 |',
      '| note | a cell that is longer than its column, with a \\| in it |',
      '',
      '|  |  |',
      '|---|---|',
      '| run | 1bf4 |',
    ].join('\n')
    expect(markdownLines(source, 30)).toEqual([
      'what   where it stands',
      'units  45 of 45',
      'note   a cell that is longer',
      '       than its column, with a',
      '       | in it',
      '',
      'run  1bf4',
    ])
    expect(markdownRows(source, 30)[0]).toMatchObject({ token: 'text.strong' })
    expect(markdownLines(source, Number.POSITIVE_INFINITY)[2]).toContain('longer than its column, with a | in it')
  })

  it('keeps words with underscores and products', () => {
    expect(inlineText('oom_kill_disable and 2 * 3 * 4 and *really*')).toBe('oom_kill_disable and 2 * 3 * 4 and really')
  })

  it('comes back from anything, with no line end in a row', () => {
    const unit = fc.constantFrom('*', '_', '[', ']', '(', ')', '`', '#', '-', '>', '|', ' ', '\n', 'a', '1.')
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 300 }), fc.integer({ min: 1, max: 80 }), (source, width) => {
        for (const row of markdownRows(source, width)) expect(row.text).not.toContain('\n')
      }),
    )
    expect(markdownLines('*'.repeat(100_000), 80).length).toBeGreaterThan(0)
    expect(markdownLines('['.repeat(100_000), 80).length).toBeGreaterThan(0)
    expect(markdownLines('|'.repeat(100_000), 80).length).toBeGreaterThan(0)
  })
})
