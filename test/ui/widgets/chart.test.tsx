import fc from 'fast-check'
import { render } from 'ink-testing-library'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { Chart } from '../../../src/ui/chart.tsx'
import { chartFallback, chartLines, prepareChart } from '../../../src/ui/chart-model.ts'
import { type ChartPainter, cachedPainter, loadChartPainter } from '../../../src/ui/chart-painter.ts'
import { asciiGlyphs } from '../../../src/ui/glyphs.ts'
import { textWidth } from '../../../src/ui/text-fit.ts'
import { makeTheme } from '../../../src/ui/theme.ts'
import { ThemeProvider } from '../../../src/ui/theme-context.tsx'

const plain = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, '')
const wave = { title: 'loss', values: Array.from({ length: 40 }, (_, i) => Math.sin(i / 5)) }
const none = { lines: [], axes: 'white' }
const counts = () => Object.fromEntries(process.eventNames().map((n) => [String(n), process.listenerCount(n)]))

describe('chart painter', () => {
  let painter: ChartPainter
  const before = counts()
  beforeAll(async () => {
    painter = await loadChartPainter()
  })

  it('draws inside its size and leaves no listener behind', () => {
    const rows = painter.paint({ series: [wave] }, 60, 12, { lines: ['cyan'], axes: 'white' })
    expect(rows).toHaveLength(12)
    const text = (rows ?? []).map(plain)
    for (const row of text) expect(textWidth(row)).toBeLessThanOrEqual(60)
    expect(Math.max(...text.map(textWidth))).toBeGreaterThan(50)
    expect(text.join('')).toMatch(/[⠁-⣿]/)
    for (const [name, count] of Object.entries(counts())) expect([name, count]).toEqual([name, before[name] ?? 0])
  })

  it('draws without any colour when there is none', () => {
    const rows = painter.paint({ series: [wave] }, 40, 8, none)
    expect(rows?.join('')).not.toContain('\u001b')
  })

  it('comes back from any numbers', () => {
    const value = fc.oneof(fc.double(), fc.constant(null), fc.constantFrom(0, 1e308, -1e308, 5e-324, 1e15 + 1, 1e15))
    const series = fc.record({ title: fc.constant('x'), values: fc.array(value, { maxLength: 30 }) })
    fc.assert(
      fc.property(
        fc.array(series, { maxLength: 5 }),
        fc.integer({ min: 0, max: 70 }),
        fc.integer({ min: 0, max: 15 }),
        (all, width, height) => {
          const rows = painter.paint({ series: all }, width, height, none)
          if (rows === null) return
          expect(rows).toHaveLength(height)
          for (const row of rows) expect(textWidth(row)).toBeLessThanOrEqual(width)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('is asked again only when data or size changed', () => {
    const paint = vi.fn(painter.paint)
    const cached = cachedPainter({ paint })
    const model = { series: [wave] }
    const first = cached('a', 1, model, 40, 8, none)
    expect(cached('a', 1, model, 40, 8, none)).toBe(first)
    expect(paint).toHaveBeenCalledTimes(1)
    cached('a', 2, model, 40, 8, none)
    cached('a', 2, model, 41, 8, none)
    expect(paint).toHaveBeenCalledTimes(3)
  })
})

describe('chart', () => {
  it('starts as rows and becomes a drawing with its scale', async () => {
    const model = { series: [{ title: 'tokens', values: [1200, 2500, null, 3600] }], unit: 'per s' }
    const { lastFrame } = render(
      <ThemeProvider theme={makeTheme({ name: 'mono', colorDepth: 1, isUnicode: true })}>
        <Chart id="t" version={1} width={50} height={10} {...model} />
      </ThemeProvider>,
    )
    expect(lastFrame()).toContain('1200..3600')
    await vi.waitFor(() => expect(lastFrame()).toMatch(/[⠁-⣿]/), 10_000)
    expect(plain(lastFrame() ?? '')).toContain('tokens  x 1e3 per s')
    expect((lastFrame() ?? '').split('\n')).toHaveLength(10)
  })

  it('stays rows in ASCII', () => {
    const rows = chartFallback({ series: [wave, { title: 'none', values: [] }] }, 40, 5, asciiGlyphs)
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).toMatch(/^[\x20-\x7e]{40}$/)
    expect(rows[1]).toContain('no data')
  })

  it('says in words what it shows', () => {
    expect(chartLines({ series: [{ title: 'loss', values: [1, null, 3] }] })).toEqual([
      'loss: last 3, min 1, max 3, 3 values, 1 missing',
    ])
    expect(prepareChart({ series: [{ title: 'x', values: [1] }] }, 40)).toBeNull()
  })
})
