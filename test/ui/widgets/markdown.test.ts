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
      '| a | b |',
      '| quoted',
      '------------------------',
    ])
    expect(markdownRows('# T', 80)[0]).toEqual({ text: 'T', token: 'text.strong' })
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
  })
})
