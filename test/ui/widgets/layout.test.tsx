import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import {
  asciiGlyphs,
  Columns,
  Label,
  makeTheme,
  Pane,
  paneInner,
  Screen,
  sizeClass,
  split,
  ThemeProvider,
  textWidth,
  tokens,
  unicodeGlyphs,
} from '../../../src/ui/index.ts'
import { paneTop } from '../../../src/ui/layout.tsx'

const unicode = makeTheme({ name: 'mono', colorDepth: 1, isUnicode: true })
const plain = (frame: string | undefined) => (frame ?? '').replace(/\x1b\[[0-9;]*m/g, '')

describe('split', () => {
  const part = fc.record({ size: fc.nat(50), flex: fc.nat(5), min: fc.nat(30) }, { requiredKeys: [] })
  it('never gives away more than there is, nor less than nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -5, max: 300 }),
        fc.array(part, { maxLength: 8 }),
        fc.nat(3),
        (total, parts, gap) => {
          const sizes = split(total, parts, gap)
          expect(sizes).toHaveLength(parts.length)
          for (const size of sizes) expect(size).toBeGreaterThanOrEqual(0)
          expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(Math.max(0, total))
        },
      ),
    )
  })

  it('fills the whole line when a part is flexible', () => {
    expect(split(80, [{ size: 20 }, { flex: 1 }, { flex: 2 }], 1)).toEqual([20, 19, 39])
    expect(split(10, [{ size: 20 }, {}])).toEqual([10, 0])
  })
})

describe('size classes', () => {
  it('has something for every size', () => {
    expect(sizeClass(20, 5)).toBe('small')
    expect(sizeClass(79, 24)).toBe('single')
    expect(sizeClass(80, 24)).toBe('compact')
    expect(sizeClass(200, 60)).toBe('full')
  })
})

describe('screen', () => {
  it('is exactly as high as the terminal and cuts what is too much', () => {
    const { lastFrame } = render(
      <Screen columns={80} rows={24}>
        {Array.from({ length: 40 }, (_, i) => (
          <Label key={String(i)} text={`line ${i}`} />
        ))}
      </Screen>,
    )
    expect(plain(lastFrame()).split('\n')).toHaveLength(24)
  })

  it('names the size that it needs', () => {
    const { lastFrame } = render(<Screen columns={30} rows={5} />)
    expect(plain(lastFrame())).toContain('need 60x16')
    expect(plain(lastFrame())).toContain('have 30x5')
  })
})

describe('pane', () => {
  it('shows focus without colour', () => {
    const pane = { width: 30, title: 'Units' }
    for (const glyphs of [unicodeGlyphs, asciiGlyphs]) {
      expect(paneTop({ ...pane, isFocused: true }, glyphs)).not.toBe(paneTop(pane, glyphs))
    }
    expect(paneTop(pane, asciiGlyphs)).toBe('+ Units ---------------------+')
  })

  it('has a top line of exactly its width, whatever the title', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.string({ maxLength: 20 }),
        fc.integer({ min: 0, max: 60 }),
        fc.boolean(),
        (title, note, width, isFocused) => {
          expect(textWidth(paneTop({ width, title, note, isFocused }, unicodeGlyphs))).toBe(width)
        },
      ),
    )
  })

  it('gives its content the cells inside the border', () => {
    expect(paneInner({ width: 40, height: 10 })).toEqual({ columns: 38, rows: 8 })
    expect(paneInner({ width: 40, height: 10, hasBorder: false, title: 'x' })).toEqual({ columns: 40, rows: 9 })
    const { lastFrame } = render(
      <ThemeProvider theme={unicode}>
        <Columns width={40} height={4} parts={[{ size: 20 }, {}]}>
          <Pane width={20} height={4} title="Left" note="2 s">
            {(inner) => <Label text={`${inner.columns}x${inner.rows}`} />}
          </Pane>
          <Pane width={20} height={4} title="Right" isFocused />
        </Columns>
      </ThemeProvider>,
    )
    expect(plain(lastFrame()).split('\n')).toEqual([
      '┌ Left ─────── 2 s ┐┏ ◆ Right ━━━━━━━━━┓',
      '│18x2              │┃                  ┃',
      '│                  │┃                  ┃',
      '└──────────────────┘┗━━━━━━━━━━━━━━━━━━┛',
    ])
  })
})

describe('themes', () => {
  it('know every token, and use no colour where there is none', () => {
    for (const name of ['dark', 'light', 'ansi16', 'mono'] as const) {
      const theme = makeTheme({ name, colorDepth: 24, isUnicode: true })
      expect(theme.name).toBe(name)
      for (const token of tokens) expect(theme.styles[token]).toBeDefined()
    }
    const none = makeTheme({ name: 'dark', colorDepth: 1, isUnicode: false })
    for (const token of tokens) {
      expect(none.styles[token].color).toBeUndefined()
      expect(none.styles[token].backgroundColor).toBeUndefined()
    }
    expect(makeTheme({ name: 'light', colorDepth: 4, isUnicode: true }).name).toBe('ansi16')
  })

  it('tell every mark by its glyph', () => {
    for (const glyphs of [unicodeGlyphs, asciiGlyphs]) {
      const all = Object.values(glyphs.mark)
      expect(new Set(all).size).toBe(all.length)
      expect(new Set(all.map(textWidth)).size).toBe(1)
    }
  })
})
