import { describe, expect, it } from 'vitest'
import { parseChecklist } from '../../../src/checklist/parse.ts'

const brief = (text: string | Uint8Array) =>
  parseChecklist(text).items.map((i) => `${i.line}:${i.depth}:${i.isChecked ? 'x' : '-'} ${i.text}`)

describe('parseChecklist', () => {
  it('finds every kind of task item', () => {
    const text = [
      '# Title',
      '- [ ] dash',
      '* [x] star',
      '+ [X] plus',
      '1. [ ] dot',
      '2) [x] bracket',
      '> - [ ] quoted',
      '- plain',
      '- [] not',
      '- [y] not',
      '- [ ]',
      '[ ] not',
    ].join('\n')
    expect(brief(text)).toEqual([
      '2:0:- dash',
      '3:0:x star',
      '4:0:x plus',
      '5:0:- dot',
      '6:0:x bracket',
      '7:0:- quoted',
    ])
    expect(parseChecklist(text).title).toBe('Title')
  })

  it('knows depth, also under plain items and numbers', () => {
    expect(
      brief('- [ ] a\n  - [ ] b\n    - [x] c\n- d\n  - [ ] e\n10. [ ] f\n    - [ ] g\n\n      * [ ] h\n- [ ] i\n'),
    ).toEqual(['1:0:- a', '2:1:- b', '3:2:x c', '5:1:- e', '6:0:- f', '7:1:- g', '9:2:- h', '10:0:- i'])
  })

  it('indents by tabs too', () => {
    expect(brief('- [ ] a\n\t- [ ] b\n')).toEqual(['1:0:- a', '2:1:- b'])
  })

  it('passes over code and comments', () => {
    const text = [
      '```md',
      '- [ ] in code',
      '```',
      '~~~~',
      '- [ ] in code',
      '~~~',
      '- [ ] still',
      '~~~~',
      '<!--',
      '- [ ] in comment',
      '-->',
      '',
      '    - [ ] indented code',
      '',
      '- [ ] real',
    ].join('\n')
    expect(brief(text)).toEqual(['15:0:- real'])
  })

  it('gives byte offsets that hold with a byte order mark, CRLF and wide characters', () => {
    const bytes = Buffer.from('\ufeff# Größe 日本\r\n- [ ] 日本語 task\r\n- [x] ok\r\n')
    for (const item of parseChecklist(bytes).items) {
      expect(
        String.fromCharCode(
          bytes[item.byteOffset - 1] ?? 0,
          bytes[item.byteOffset] ?? 0,
          bytes[item.byteOffset + 1] ?? 0,
        ),
      ).toBe(item.isChecked ? '[x]' : '[ ]')
    }
    expect(brief(bytes)).toEqual(['2:0:- 日本語 task', '3:0:x ok'])
  })

  it('reads ids and linked checks', () => {
    const items = parseChecklist(
      '- [ ] a <!-- id: scale.plan checks: plan.goal,plan.budget -->\n- [ ] b <!-- my-id -->\n- [ ] c <!-- just words here -->\n- [ ] d <!-- checks: x.y -->\n',
    ).items
    expect(items.map((i) => [i.text, i.id, i.checks])).toEqual([
      ['a', 'scale.plan', ['plan.goal', 'plan.budget']],
      ['b', 'my-id', []],
      ['c <!-- just words here -->', null, []],
      ['d', null, ['x.y']],
    ])
  })

  it('names the heading above', () => {
    expect(parseChecklist('# T\n## One ##\n- [ ] a\n## Two\n- [ ] b\n').items.map((i) => i.heading)).toEqual([
      'One',
      'Two',
    ])
  })

  it('keeps controls off the screen', () => {
    expect(parseChecklist('- [ ] a\x1b]52;c;x\x07b\u202e\n').items[0]?.text).toBe('a␛b␛')
  })
})
