import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clusterWidth } from '../../../src/terminal/width.ts'
import { FrameWriter } from '../../../src/terminal/writer.ts'

const ESC = '\u001b'
/** `KX_FULL=1` runs the million strings of promise P8: two a run. */
const isFull = process.env.KX_FULL === '1'
const FUZZ_MS = isFull ? 1_800_000 : 20_000

/** The only sequences a paint may hold: our own addressing and modes, and SGR with a sane number of parameters. */
const allowed = [
  /^\u001b\[\d{1,4}(;\d{1,4})?H/,
  /^\u001b\[(\d{1,3}(;\d{1,3}){0,15})?m/,
  /^\u001b\[(K|2J|r|\?6l|\?7l|\?25l|\?25h|\?2026h|\?2026l)/,
]
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/

/** What of these bytes is not on the list; empty when all is. */
function offences(bytes: string): string[] {
  const found: string[] = []
  let at = 0
  while (at < bytes.length) {
    if (bytes[at] === ESC) {
      const rest = bytes.slice(at, at + 80)
      const match = allowed.map((pattern) => pattern.exec(rest)?.[0]).find((text) => text !== undefined)
      if (match === undefined) found.push(JSON.stringify(rest.slice(0, 20)))
      at += match?.length ?? 1
      continue
    }
    if (unprintable.test(bytes[at] ?? '')) found.push(JSON.stringify(bytes[at]))
    at += 1
  }
  if (!bytes.isWellFormed()) found.push('a lone surrogate')
  return found
}

function paint(frames: readonly string[], columns = 60, rows = 4): string {
  let out = ''
  const writer = new FrameWriter({
    target: {
      write: (bytes) => {
        out += bytes
        return true
      },
      once: () => {},
    },
    size: { columns, rows },
    schedule: (now) => now(),
  })
  for (const frame of frames) writer.accept(frame)
  return out
}

const curated: readonly (readonly [string, string])[] = [
  ['title', `${ESC}]0;evil\u0007after`],
  ['title ended by ST', `${ESC}]2;evil${ESC}\\after`],
  ['title that never ends', `before${ESC}]0;evil`],
  ['clipboard', `${ESC}]52;c;ZXZpbA==\u0007`],
  ['hyperlink', `${ESC}]8;;http://x\u0007link${ESC}]8;;\u0007`],
  ['palette', `${ESC}]4;1;rgb:00/00/00\u0007`],
  ['notification', `${ESC}]777;notify;a;b\u0007`],
  ['file download', `${ESC}]1337;File=name=x:AAAA\u0007`],
  ['status request', `${ESC}P$q"p${ESC}\\`],
  ['tmux passthrough', `${ESC}Ptmux;${ESC}${ESC}]52;c;AA==\u0007${ESC}\\`],
  ['sixel', `${ESC}Pq#0;2;0;0;0~${ESC}\\`],
  ['APC', `${ESC}_Gf=24;AAAA${ESC}\\x`],
  ['PM', `${ESC}^hello${ESC}\\x`],
  ['SOS', `${ESC}Xhello${ESC}\\x`],
  ['cursor home', `${ESC}[Hx`],
  ['erase', `${ESC}[2Jx`],
  ['erase line', `x${ESC}[K`],
  ['scrollback', `${ESC}[3J`],
  ['scroll region', `${ESC}[1;2r`],
  ['alternate screen', `${ESC}[?1049l`],
  ['mouse', `${ESC}[?1003h`],
  ['device attributes', `${ESC}[c${ESC}[>c${ESC}[=c`],
  ['cursor report', `${ESC}[6n`],
  ['title report', `${ESC}[21t`],
  ['window', `${ESC}[3;0;0t${ESC}[8;1;1t`],
  ['answerback', '\u0005'],
  ['full reset', `${ESC}c`],
  ['soft reset', `${ESC}[!p`],
  ['character set', `${ESC}(0lqk${ESC}(B`],
  ['shift out', '\u000eabc\u000f'],
  ['double height', `${ESC}#3abc${ESC}#8`],
  ['keypad', `${ESC}=${ESC}>`],
  ['lone escape', `a${ESC}`],
  ['escape escape', `${ESC}${ESC}[2J`],
  ['escape at the end of a control', `${ESC}[31`],
  ['control inside a sequence', `${ESC}[3\r1m${ESC}[\u0007H`],
  ['cancel inside a sequence', `${ESC}[3\u0018[2J`],
  ['bell', 'a\u0007b'],
  ['backspaces', 'good\b\b\b\bevil'],
  ['carriage return', 'good\revil'],
  ['tabs', 'a\tb'],
  ['vertical tab and form feed', 'a\u000bb\u000cc'],
  ['delete', 'a\u007fb'],
  ['C1 CSI', '\u009b2J\u009b31m'],
  ['C1 OSC', '\u009d0;evil\u009c'],
  ['C1 DCS', '\u0090q\u009c'],
  ['C1 index and reverse', '\u0084\u0085\u008d'],
  ['bidi override', 'a\u202eb\u202c'],
  ['bidi isolate', '\u2066a\u2069'],
  ['marks of direction', '\u200ea\u200fb\u061c'],
  ['zero width', 'a\u200bb\u2060c\ufeffd'],
  ['line separators', 'a\u2028b\u2029c'],
  ['interlinear', '\ufff9a\ufffab\ufffb'],
  ['tag characters', `a${String.fromCodePoint(0xe0001, 0xe0041, 0xe007f)}`],
  ['high surrogate alone', 'a\ud83d'],
  ['low surrogate alone', '\ude00b'],
  ['a tower of marks', `a${'\u0301'.repeat(500)}b`],
  ['marks without a base', '\u0301\u0301'],
  ['too many parameters', `${ESC}[${Array(40).fill(1).join(';')}mx`],
  ['huge parameter', `${ESC}[38;5;99999999999999999999mx`],
  ['colour out of range', `${ESC}[38;2;300;0;0mx`],
  ['private SGR', `${ESC}[?1m${ESC}[>4;2mx`],
  ['SGR with an intermediate', `${ESC}[1 mx${ESC}[1$m`],
  ['underline with colons', `${ESC}[4:3mx${ESC}[58:2::1:2:3my`],
  ['conceal and blink', `${ESC}[8mhidden${ESC}[5mblink`],
  ['null', 'a\u0000b'],
]

describe('the last gate', () => {
  it.each(curated)('lets nothing but text and colours through: %s', (_name, text) => {
    expect(offences(paint([text, `prefix ${text}`, `${text}${text}`, text.repeat(3)]))).toEqual([])
  })

  it('keeps the text around what it drops', () => {
    expect(paint([`ab${ESC}[2Jc\u0007d\u202ee`])).toContain('abcde')
  })

  it('hides nothing: concealed and blinking text is plain', () => {
    expect(paint([`${ESC}[8mseen${ESC}[5mstill`])).toContain(`${ESC}[1Hseenstill`)
  })

  it('finds offences when there are some', () => {
    expect(offences(`x${ESC}[3Jy`)).toHaveLength(1)
    expect(offences(`${ESC}]0;t\u0007`).length).toBeGreaterThan(0)
    expect(offences('\u009b')).toHaveLength(1)
    expect(offences('\ud800')).toHaveLength(1)
  })

  it(
    'holds for anything',
    () => {
      const piece = fc.oneof(
        fc.constantFrom(...curated.map(([, text]) => text)),
        fc.constantFrom(
          ESC,
          `${ESC}[`,
          `${ESC}]`,
          `${ESC}P`,
          '\u009b',
          ';',
          ':',
          'm',
          '?',
          '$',
          '\\',
          '\u0007',
          '\n',
          '漢',
          '👩‍💻',
        ),
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.string({ unit: 'grapheme', maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((codes) => String.fromCharCode(...codes)),
        fc.array(fc.integer({ min: 0, max: 0x9f }), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes)),
      )
      const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
      fc.assert(
        fc.property(text, text, (first, second) => {
          expect(offences(paint([first, second], 30, 3))).toEqual([])
        }),
        { numRuns: isFull ? 500_000 : 4000 },
      )
    },
    FUZZ_MS,
  )

  it('gives the terminal no more than the time of the text: a hostile megabyte row is cut at the width', () => {
    const bytes = paint([`${ESC}[31m`.repeat(10_000) + 'x'.repeat(1_000_000)], 40, 1)
    expect(bytes.length).toBeLessThan(400)
  })
})

describe('widths', () => {
  it.each([
    ['a', 1],
    ['│', 1],
    ['⣿', 1],
    ['漢', 2],
    ['👩‍💻', 2],
    ['é', 1],
    ['\u0301', 0],
  ])('of %j is %i', (cluster, width) => {
    expect(clusterWidth(cluster)).toBe(width)
  })
})
