import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSanitiser, sanitise, sanitiseLine } from '../../../src/text/sanitise.ts'
import { hostileStrings } from './hostile-strings.ts'

const runs = process.env.KX_FULL === '1' ? 1_000_000 : 20_000

/** The allow-list in words of its own, by Unicode class rather than by the ranges of the code under test. */
function wrongParts(output: string): string[] {
  const text = output.replace(/\x1b\[(?:\d{0,4}[;:]){0,15}\d{0,4}m/g, '')
  const visibleFormats =
    /\u200c|\u200d|[\u0600-\u0605\u06dd\u070f\u08e2\u0890\u0891\u{110bd}\u{110cd}\u{13430}-\u{1343f}]/gu
  return (
    text
      .replace(/[\n\t]/g, '')
      .replace(visibleFormats, '')
      .match(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Noncharacter_Code_Point}/gu) ?? []
  )
}

function inPieces(bytes: Uint8Array, cuts: readonly number[]): string {
  const sanitiser = createSanitiser()
  const edges = [0, ...[...cuts].sort((a, b) => a - b), bytes.length]
  let out = ''
  for (let i = 1; i < edges.length; i++) out += sanitiser.push(bytes.subarray(edges[i - 1], edges[i]))
  return out + sanitiser.end()
}

describe('curated hostile strings', () => {
  it('are at least two hundred', () => {
    expect(hostileStrings.length).toBeGreaterThanOrEqual(200)
    expect(new Set(hostileStrings.map((h) => h.text)).size).toBe(hostileStrings.length)
  })

  it.each(hostileStrings.map((h) => [h.name, h] as const))('%s', (_, { text, must, never }) => {
    const out = sanitise(text)
    expect(wrongParts(out)).toEqual([])
    if (must !== undefined) expect(out.includes(must), JSON.stringify(out.slice(0, 200))).toBe(true)
    if (never !== undefined) expect(out.includes(never), JSON.stringify(out.slice(0, 200))).toBe(false)
    expect(wrongParts(sanitiseLine(text).replace(/[\n\t\x1b]/g, '\x00'))).toEqual([])
  })

  it('give the same result when they are cut at every byte', () => {
    for (const { text } of hostileStrings) {
      if (text.length > 2000) continue
      const bytes = Buffer.from(text)
      const whole = sanitise(bytes)
      for (let at = 0; at <= bytes.length; at++) expect(inPieces(bytes, [at])).toBe(whole)
      expect(inPieces(bytes, [...bytes.keys()])).toBe(whole)
    }
  })
})

const piece = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '\x1b',
      '\x1b[',
      '\x1b]',
      '\x1bP',
      '\x1b\\',
      '\x07',
      '\r',
      '\n',
      '\t',
      '\x9b',
      '\x9d',
      '\x9c',
      '\x18',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom('m', ';', ':', '0', '31', '?', 'q', 'tmux;', '52;c;', 'J', '\b', '\0', '\x7f'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom('\u202e', '\u2066', '\u200b', '\ufeff', '👩‍🔬', 'ß', '日', '\u{e0041}', '\u2028'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 6 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
)
const hostileBytes = fc.oneof(
  fc.array(piece, { maxLength: 24 }).map((parts) => new Uint8Array(Buffer.from(parts.join('')))),
  fc.uint8Array({ maxLength: 64 }),
  fc
    .array(
      fc.constantFrom(
        0x1b,
        0x5b,
        0x5d,
        0x6d,
        0x3b,
        0x31,
        0xc2,
        0x9b,
        0xe2,
        0x80,
        0xae,
        0xf0,
        0x9f,
        0xed,
        0xa0,
        0x0a,
        0x0d,
      ),
      { maxLength: 32 },
    )
    .map((b) => new Uint8Array(b)),
)

describe('fuzzed strings', () => {
  it(`put nothing outside the allow-list on the terminal, for any split (${runs} strings)`, () => {
    fc.assert(
      fc.property(hostileBytes, fc.array(fc.nat({ max: 64 }), { maxLength: 4 }), (bytes, cuts) => {
        const whole = sanitise(bytes)
        if (wrongParts(whole).length > 0) return false
        return (
          inPieces(
            bytes,
            cuts.map((c) => Math.min(c, bytes.length)),
          ) === whole
        )
      }),
      { numRuns: runs },
    )
  }, 900_000)

  it('passes its own output unchanged', () => {
    fc.assert(
      fc.property(hostileBytes, (bytes) => {
        const once = sanitise(bytes)
        return sanitise(once) === once
      }),
      { numRuns: 2000 },
    )
  })
})
