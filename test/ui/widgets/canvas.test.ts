import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Canvas, type Ink } from '../../../src/ui/canvas.ts'
import { axisLabels, scaleOver, shareOf, valueAt } from '../../../src/ui/scale.ts'

const a: Ink = { token: 'curve.1', letter: 'A' }
const b: Ink = { token: 'curve.2', letter: 'B' }
const text = (canvas: Canvas, isUnicode = true, rule = -1) =>
  canvas.render(isUnicode, rule).map((runs) => runs.map((run) => run.text).join(''))

describe('a picture of dots', () => {
  it('sets the dot that is meant, in braille and as a letter', () => {
    const canvas = new Canvas(2, 1)
    canvas.dot(0, 0, a)
    canvas.dot(3, 3, b)
    expect(text(canvas)).toEqual(['⠁⢀'])
    expect(text(canvas, false)).toEqual(['AB'])
    expect(canvas.render(true)[0]?.map(({ token }) => token)).toEqual(['curve.1', 'curve.2'])
  })

  it('draws lines with both ends, letters above dots, and a stroke through free cells only', () => {
    const canvas = new Canvas(3, 2)
    canvas.line(0, 0, 5, 7, a)
    expect(canvas.isSet(0, 0) && canvas.isSet(2, 1)).toBe(true)
    canvas.put(1, 0, 'xyz', b)
    expect(text(canvas, false, 0)).toEqual(['Axy', '|AA'])
  })

  it('is copied to be drawn on, and a short stroke stands at both ends alone', () => {
    const canvas = new Canvas(2, 3)
    canvas.put(0, 0, 'x', a)
    const copied = canvas.copy()
    copied.put(1, 1, 'y', b)
    expect(text(copied, false)).toEqual(['x ', ' y', '  '])
    expect(text(canvas, false)).toEqual(['x ', '  ', '  '])
    expect(canvas.render(false, 1, true).map((runs) => runs.map((run) => run.text).join(''))).toEqual([
      'x|',
      '  ',
      ' |',
    ])
  })

  it('takes nothing from outside, whatever is drawn, and every row is as wide as it is', () => {
    const any = fc.double({ min: -50, max: 50 })
    fc.assert(
      fc.property(fc.nat(9), fc.nat(6), fc.array(fc.tuple(any, any, any, any)), (width, height, lines) => {
        const canvas = new Canvas(width, height)
        for (const [x0, y0, x1, y1] of lines) canvas.line(x0, y0, x1, y1, a)
        canvas.dot(Number.NaN, 0, a)
        canvas.line(0, 0, Number.POSITIVE_INFINITY, 1, a)
        expect(text(canvas, false).map(({ length }) => length)).toEqual(Array(height).fill(width))
      }),
    )
  })
})

describe('a scale', () => {
  it('goes from a figure to its place and back', () => {
    expect(shareOf({ from: 10, to: 1000, isLog: true }, 100)).toBeCloseTo(0.5)
    expect(shareOf({ from: 10, to: 20, isLog: false }, 12.5)).toBeCloseTo(0.25)
    const some = fc.double({ min: 1e-6, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(fc.array(some, { minLength: 1 }), fc.boolean(), (values, isLog) => {
        const scale = scaleOver(values, isLog)
        if (scale === null) throw new Error('there are figures')
        for (const value of values) {
          const share = shareOf(scale, value)
          expect(share).toBeGreaterThanOrEqual(-1e-9)
          expect(share).toBeLessThanOrEqual(1 + 1e-9)
          expect(valueAt(scale, share) / value).toBeCloseTo(1, 6)
        }
      }),
    )
  })

  it('has no place for what is no figure, nor on a logarithmic one for what is not positive', () => {
    expect(scaleOver([Number.NaN, Number.POSITIVE_INFINITY])).toBeNull()
    expect(scaleOver([-1, 0], true)).toBeNull()
    expect(shareOf({ from: 1, to: 2, isLog: true }, 0)).toBeNaN()
    // Two neighbouring figures have one logarithm.
    expect(shareOf({ from: 500_000, to: 500_000 * (1 + 2 ** -52), isLog: true }, 500_000)).toBe(0.5)
    expect(axisLabels({ from: 0, to: 8, isLog: false }, 9)).toEqual(['8', '', '', '', '4', '', '', '', '0'])
  })
})
