import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curvesPane } from '../../../screens/compare/curves.ts'
import { compareModel } from '../../../screens/compare/model.ts'
import { plotLines } from '../../../screens/compare/plot.ts'
import type { ScreenInput } from '../../../screens/workbench/input.ts'
import { textOf } from '../../../screens/workbench/model.ts'
import { screenLines } from '../../../screens/workbench/plain.ts'
import type { CompareView } from '../../../src/compare/types.ts'
import { asciiGlyphs } from '../../../src/ui/glyphs.ts'
import { textWidth } from '../../../src/ui/index.ts'
import { curve, viewWith } from './compared.ts'

const drawn = (view: CompareView, options: readonly string[], width: number, height: number, isUnicode = true) => {
  const pane = curvesPane(view, options, isUnicode)
  return pane.kind === 'picture' ? pane.draw(width, height).map(textOf) : []
}
const eight = Array.from({ length: 8 }, (_, at) =>
  curve(`a-very-long-name-of-a-run-that-nobody-can-read-seed${at}`, [at + 1, 8, 9 - at]),
)

describe('curves over each other', () => {
  it('name all eight with a letter each and a figure, at every size, in letters alone as well', () => {
    for (const [width, height] of [
      [78, 17],
      [118, 52],
      [40, 20],
    ] as const)
      for (const isUnicode of [true, false]) {
        const rows = drawn(viewWith(eight), [], width, height, isUnicode)
        expect(rows.length).toBeLessThanOrEqual(height)
        expect(rows.every((row) => textWidth(row) <= width)).toBe(true)
        const text = rows.join('\n')
        for (const [at, letter] of [...'ABCDEFGH'].entries())
          expect(text).toMatch(new RegExp(`${letter} a-\\S*…\\S*${at} ${9 - at} @2`))
        // The letters stand on the lines too, so that no colour is needed.
        const picture = rows.filter((row) => !row.includes('…')).join('')
        expect([...'ABCDEFGH'].filter((letter) => picture.includes(letter)).length).toBeGreaterThan(3)
      }
  })

  it('say at the cursor what the nearest point of each curve is', () => {
    const view = viewWith([curve('one', [5, 4, 3]), curve('two', [1, 2], { xs: Float64Array.of(0, 40) })])
    const rows = drawn(view, ['x=2'], 78, 12)
    expect(rows[0]).toMatch(/A one 3 @2 +B two 1 @0/)
    expect(rows.join('\n')).toContain('│')
    expect(rows.at(-1)).toMatch(/0 +.*2.* 40$/)
  })

  it('mark events and what is not finite on rows of their own, and say what the marks mean', () => {
    const events = [
      { kind: 'checkpoint', x: 0, text: 'saved' },
      { kind: 'alert', x: 2, text: 'hot' },
    ] as const
    const rows = drawn(viewWith([curve('one', [5, Number.NaN, 3], { events })]), [], 40, 12, false)
    expect(rows[1]).toBe('c checkpoint  ! alert')
    expect(rows.find((row) => row.includes('NaN/inf'))).toMatch(/A/)
    expect(rows.find((row) => row.startsWith('  events'))).toMatch(/c +!$/)
  })

  it('tell a smoothed curve by its title and keep the raw extent', () => {
    const spike = Array.from({ length: 30 }, (_, at) => (at === 15 ? 100 : 1))
    const view = viewWith([curve('one', spike, { smooth: new Float64Array(30).fill(1) })], { smoothing: 'median 9' })
    expect(curvesPane(view, [], true).title).toBe('loss, running median 9, raw behind')
    const rows = drawn(view, [], 40, 12, false)
    expect(rows[1]).toMatch(/100 .*\./)
    expect(rows[0]).toContain('1 ~1 @29')
  })

  it('have no place for what is not positive on a logarithmic axis, and show that', () => {
    const rows = drawn(viewWith([curve('one', [100, 0, 1])]), ['log=yes'], 40, 12, false)
    expect(rows.find((row) => row.includes('no place'))).toMatch(/A/)
  })

  it('lose no spike and no NaN, whatever the size', () => {
    const width = fc.integer({ min: 20, max: 90 })
    const height = fc.integer({ min: 6, max: 30 })
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 4000 }), fc.nat(), width, height, (points, seed, columns, rows) => {
        const spikeAt = 1 + (seed % (points - 2))
        const values = Array.from({ length: points }, (_, at) => (at === spikeAt ? 50 : Math.sin(at)))
        const options = { isLog: false, isUnicode: true, cursor: null, hasAxes: true }
        const lines = plotLines([curve('one', values)], columns, rows, options).map(textOf)
        expect(lines[0]?.slice(9).trim()).not.toBe('')
        const broken = values.map((value, at) => (at === spikeAt ? Number.NaN : value))
        const marked = plotLines([curve('one', broken)], columns, rows, options).map(textOf)
        expect(marked.find((row) => row.includes('NaN/inf'))).toMatch(/A/)
      }),
      { numRuns: 40 },
    )
  })

  it('fill the screen in their view, with the table one Tab away, and are said in figures', () => {
    const input = {
      shelves: { compare: viewWith([curve('one', [5, Number.NaN, 3])]) },
      options: ['view=curves'],
      selected: () => null,
      screen: 'compare',
      isUnicode: false,
      project: 'p',
      run: null,
      plan: { status: 'none' },
    } as unknown as ScreenInput
    const model = compareModel(input)
    expect(model.panes.map(({ id }) => id)).toEqual(['view', 'rows', 'detail', 'notes'])
    const lines = screenLines(model, input, 100, asciiGlyphs)
    expect(lines).toContain('A one: 2 points, first 5 at 0, last 3 at 2, least 3 at 2, most 5 at 0, 1 NaN or infinite')
  })
})
