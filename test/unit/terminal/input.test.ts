import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chordOf, type InputEvent } from '../../../src/terminal/events.ts'
import { InputParser, PASTE_CAP } from '../../../src/terminal/input.ts'

const ESC = '\u001b'

/** Events of a string that arrives at once, with the end of input flushed. */
function parse(text: string): InputEvent[] {
  const parser = new InputParser()
  const events = parser.push(Buffer.from(text))
  while (parser.waitingFor() !== null) events.push(...parser.flush())
  return events
}

const chords = (text: string) => parse(text).map((event) => (event.type === 'key' ? chordOf(event) : event.type))

describe('keys', () => {
  it.each([
    ['a', ['a']],
    ['G', ['G']],
    ['é', ['é']],
    ['漢', ['漢']],
    ['🎉', ['🎉']],
    [' ', ['space']],
    ['\r', ['enter']],
    ['\n', ['ctrl+j']],
    ['\t', ['tab']],
    [`${ESC}[Z`, ['shift+tab']],
    ['\u007f', ['backspace']],
    ['\u0008', ['backspace']],
    ['\u0003', ['ctrl+c']],
    ['\u000c', ['ctrl+l']],
    ['\u001a', ['ctrl+z']],
    ['\u0000', ['ctrl+space']],
    ['\u001c', ['ctrl+\\']],
    ['\u001f', ['ctrl+_']],
    [ESC, ['esc']],
    [`${ESC}${ESC}`, ['esc', 'esc']],
    [`${ESC}x`, ['alt+x']],
    [`${ESC}\r`, ['alt+enter']],
    [`${ESC}[`, ['alt+[']],
    [`${ESC}O`, ['alt+shift+o']],
    [`${ESC}[A`, ['up']],
    [`${ESC}OB`, ['down']],
    [`${ESC}[1;5C`, ['ctrl+right']],
    [`${ESC}[1;3D`, ['alt+left']],
    [`${ESC}[1;2H`, ['shift+home']],
    [`${ESC}[3~`, ['delete']],
    [`${ESC}[5~`, ['pageup']],
    [`${ESC}[6;5~`, ['ctrl+pagedown']],
    [`${ESC}OP`, ['f1']],
    [`${ESC}[15~`, ['f5']],
    [`${ESC}[[A`, ['f1']],
    [`${ESC}[24~`, ['f12']],
    [`${ESC}[97;5u`, ['ctrl+a']],
    [`${ESC}[97;3u`, ['alt+a']],
    [`${ESC}[27u`, ['esc']],
    [`${ESC}[27;5;105~`, ['ctrl+i']],
    [`${ESC}[97;1:3u`, ['reply']],
    [`${ESC}OM`, ['enter']],
    [`${ESC}Op`, ['0']],
  ])('reads %j', (bytes, expected) => {
    expect(chords(bytes)).toEqual(expected)
  })

  it('types what was typed and nothing for keys that move', () => {
    expect(parse('aB ').map((event) => event.type === 'key' && event.text)).toEqual(['a', 'B', ' '])
    expect(parse(`${ESC}[A\r${ESC}x\u0001`).map((event) => event.type === 'key' && event.text)).toEqual([
      '',
      '',
      '',
      '',
    ])
  })

  it('never types control characters of the second set', () => {
    expect(parse('\u0085\u009b31m').map((event) => event.type === 'key' && event.text)).toEqual(['3', '1', 'm'])
  })
})

describe('reports', () => {
  it('reads wheel, click, release and modifiers in SGR form', () => {
    expect(parse(`${ESC}[<64;10;5M${ESC}[<65;1;1M${ESC}[<0;3;4M${ESC}[<0;3;4m${ESC}[<20;1;1M`)).toMatchObject([
      { type: 'mouse', kind: 'wheel', direction: 'up', column: 9, row: 4 },
      { type: 'mouse', kind: 'wheel', direction: 'down', column: 0, row: 0 },
      { type: 'mouse', kind: 'press', button: 'left', column: 2, row: 3 },
      { type: 'mouse', kind: 'release', button: 'left' },
      { type: 'mouse', kind: 'press', button: 'left', ctrl: true, shift: true },
    ])
  })

  it('swallows the raw mouse form of old terminals whole', () => {
    expect(chords(`${ESC}[M !!q`)).toEqual(['q'])
  })

  it('reads focus in and out', () => {
    expect(parse(`${ESC}[I${ESC}[O`)).toEqual([
      { type: 'focus', isFocused: true },
      { type: 'focus', isFocused: false },
    ])
  })

  it('keeps answers of the terminal apart from keys', () => {
    const bytes = `${ESC}[?2026;2$y${ESC}]11;rgb:0000/0000/0000${ESC}\\${ESC}]11;rgb:ff/ff/ff\u0007${ESC}[?62;4c${ESC}P1$r0m${ESC}\\${ESC}[3;4R`
    expect(parse(bytes)).toEqual([
      { type: 'reply', kind: 'csi', body: '?2026;2$y' },
      { type: 'reply', kind: 'osc', body: '11;rgb:0000/0000/0000' },
      { type: 'reply', kind: 'osc', body: '11;rgb:ff/ff/ff' },
      { type: 'reply', kind: 'csi', body: '?62;4c' },
      { type: 'reply', kind: 'dcs', body: '1$r0m' },
      { type: 'reply', kind: 'csi', body: '3;4R' },
    ])
  })

  it('does not pile up an answer that never ends', () => {
    const parser = new InputParser()
    parser.push(`${ESC}]52;`)
    for (let chunk = 0; chunk < 100; chunk += 1) expect(parser.push('A'.repeat(4096))).toEqual([])
    const [reply] = parser.push(`${ESC}\\`)
    expect(reply).toMatchObject({ type: 'reply', kind: 'osc' })
    expect(reply?.type === 'reply' && reply.body.length).toBe(4096)
  })
})

describe('paste', () => {
  it('is one event, with newlines made plain and control characters gone', () => {
    expect(parse(`a${ESC}[200~one\r\ntwo\rthree\u0003${ESC}[31m\tx${ESC}[201~b`)).toMatchObject([
      { type: 'key', text: 'a' },
      { type: 'paste', text: 'one\ntwo\nthree[31m\tx', isTruncated: false },
      { type: 'key', text: 'b' },
    ])
  })

  it('is handed over as cut when its end never comes', () => {
    expect(parse(`${ESC}[200~half${ESC}[20`)).toEqual([{ type: 'paste', text: 'half[20', isTruncated: true }])
  })

  it('is capped', () => {
    const [paste] = parse(`${ESC}[200~${'x'.repeat(PASTE_CAP + 5)}${ESC}[201~`)
    expect(paste).toMatchObject({ type: 'paste', isTruncated: true })
    expect(paste?.type === 'paste' && paste.text.length).toBe(PASTE_CAP)
  })
})

const piece = fc.oneof(
  fc.constantFrom(
    ESC,
    `${ESC}[`,
    `${ESC}O`,
    `${ESC}]`,
    `${ESC}P`,
    `${ESC}\\`,
    '\u0007',
    `${ESC}[A`,
    `${ESC}[1;5C`,
    `${ESC}[<64;3;4M`,
    `${ESC}[<0;3;4m`,
    `${ESC}[I`,
    `${ESC}[?2026;2$y`,
    `${ESC}]11;rgb:1/2/3`,
    `${ESC}[200~`,
    `${ESC}[201~`,
    `${ESC}[M`,
    '\r',
    '\t',
    '\u0003',
    'é',
    '漢',
    '🎉',
    '👩‍💻',
    '\u009b',
    '~',
    ';',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
)
const stream = fc.array(piece, { maxLength: 20 }).map((pieces) => Buffer.from(pieces.join('')))
const runs = { numRuns: process.env.KX_FULL === '1' ? 20_000 : 1500 }

describe('any split of the bytes', () => {
  it('gives the same events', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(400), { maxLength: 12 }), (bytes, cuts) => {
        const whole = new InputParser()
        const expected = whole.push(bytes)
        const parser = new InputParser()
        const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        const events = places.slice(1).flatMap((end, index) => parser.push(bytes.subarray(places[index], end)))
        expect(events).toEqual(expected)
        expect(parser.waitingFor()).toBe(whole.waitingFor())
        expect(parser.flush()).toEqual(whole.flush())
      }),
      runs,
    )
  })

  it('never types a control character and always comes to rest', () => {
    fc.assert(
      fc.property(stream, (bytes) => {
        const parser = new InputParser()
        const events = parser.push(bytes)
        events.push(...parser.flush())
        expect(parser.waitingFor()).toBeNull()
        for (const event of events) {
          if (event.type === 'key') expect(event.text).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
          if (event.type === 'paste') expect(event.text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)
        }
      }),
      runs,
    )
  })
})
