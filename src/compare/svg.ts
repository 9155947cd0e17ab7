import { extentsOf } from './downsample.ts'
import { figureText } from './words.ts'

/** Foreign text as text of HTML and SVG, in an attribute as well. Controls are taken out before, by `foreign`. */
export const escapeHtml = (value: string): string => value.replaceAll(/[&<>"'`]/g, (mark) => `&#${mark.charCodeAt(0)};`)

export interface DrawnCurve {
  readonly name: string
  readonly xs: Float64Array
  readonly values: Float64Array
}

/** Room of the picture, in its own units: the curves, and beside them their names. */
const [width, height, left, right, top, bottom] = [900, 260, 70, 200, 10, 34] as const
const inner = { width: width - left - right, height: height - top - bottom }
const lineHeight = 14

/** Lines are told apart by their dashes and by their names, so that no colour is needed. Ten; more look alike again. */
const dashes = ['', '8 3', '2 3', '10 3 2 3', '5 5', '12 4 4 4', '1 5', '14 2', '6 2 1 2', '3 6'] as const
/** Of the lines, on white and on black paper. */
const onWhite = ['#0b5fa5', '#a83200', '#1b7a3d', '#7a2d8f', '#6b5b00', '#00707a', '#9c1458', '#444444'] as const
const onBlack = ['#6fb7ee', '#ff9166', '#58cf8b', '#d8a0e6', '#d9c65a', '#5fd3de', '#ff8fbf', '#c8c8c8'] as const
const coloursIn = (colours: readonly string[]) =>
  colours.map((colour, at) => `.c${at} { stroke: ${colour}; }`).join(' ')

/** How the pictures look: dark where the reader's system is. */
export const svgStyle = `
svg { width: 100%; height: auto; background: #fff; }
svg text { font-size: 12px; fill: #111; }
svg .frame { fill: none; stroke: #666; }
svg .curve { fill: none; stroke-width: 1.4; stroke-linejoin: round; }
svg .cross { fill: none; stroke: #111; stroke-width: 1.6; }
${coloursIn(onWhite)}
@media (prefers-color-scheme: dark) {
  svg { background: #14161a; }
  svg text { fill: #e6e6e6; }
  svg .frame { stroke: #999; }
  svg .cross { stroke: #e6e6e6; }
  ${coloursIn(onBlack)}
}
`
/** Characters of a name for which there is room beside the curves; a longer one is cut in its middle, and whole in its title. */
const mostCharacters = 22

const round = (value: number) => String(Math.round(value * 10) / 10)

/**
 * Curves of one metric as one SVG. Each column of the picture holds the whole extent of its points: a spike cannot vanish,
 * and a point that is not finite is a cross at the foot (handbook compare 7.1).
 */
export function curvesSvg(curves: readonly DrawnCurve[], metric: string, axis: string): string {
  const [fromX, toX] = rangeOf(curves.map(({ xs }) => xs))
  const [fromY, toY] = rangeOf(curves.map(({ values }) => values))
  const place = (value: number, from: number, to: number, extent: number) =>
    to > from ? ((value / 2 - from / 2) / (to / 2 - from / 2)) * extent : extent / 2
  const y = (value: number) => top + inner.height - place(value, fromY, toY, inner.height)
  const columns = inner.width
  const drawn = curves.map((curve, at) => {
    const extents = extentsOf(curve.xs, curve.values, fromX, toX, columns)
    const points: string[] = []
    const crosses: string[] = []
    let last = Number.NaN
    for (let column = 0; column < columns; column++) {
      const x = left + (toX > fromX ? column + 0.5 : columns / 2)
      if (extents.nonFinite[column] === 1) crosses.push(`M${round(x - 3)} ${height - bottom - 3}l6 6m0 -6l-6 6`)
      if (Number.isNaN(extents.least[column])) continue
      for (const side of [extents.first, extents.least, extents.most, extents.last])
        points.push(`${round(x)} ${round(y(side[column] as number))}`)
      last = extents.last[column] as number
    }
    const style = `stroke-dasharray="${dashes[at % dashes.length]}"`
    return {
      name: curve.name,
      at,
      place: Number.isNaN(last) ? height - bottom : y(last),
      path: `<path class="curve" d="${points.length === 0 ? '' : `M${points.join('L')}`}" ${style}/>`,
      crosses: crosses.length === 0 ? '' : `<path class="cross" d="${crosses.join('')}"/>`,
      style,
    }
  })
  const label = `${escapeHtml(metric)} over ${escapeHtml(axis)}`
  return [
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">`,
    `<title>${label}</title>`,
    `<path class="frame" d="M${left} ${top}V${height - bottom}H${width - right}"/>`,
    `<text x="${left - 6}" y="${top + 10}" text-anchor="end">${figureText(toY)}</text>`,
    `<text x="${left - 6}" y="${height - bottom}" text-anchor="end">${figureText(fromY)}</text>`,
    `<text x="${left}" y="${height - bottom + 16}">${figureText(fromX)}</text>`,
    `<text x="${width - right}" y="${height - bottom + 16}" text-anchor="end">${figureText(toX)}</text>`,
    ...drawn.map(({ at, path, crosses }) => `<g class="c${at % onWhite.length}">${path}</g>${crosses}`),
    ...names(drawn),
    '</svg>',
  ].join('\n')
}

/** The name of each line where it ends, moved apart where they would stand on each other, with a piece of the line. */
function names(
  drawn: readonly { readonly name: string; readonly at: number; readonly place: number; readonly style: string }[],
): string[] {
  const sorted = [...drawn].sort((a, b) => a.place - b.place)
  let free = top + lineHeight / 2
  return sorted.map(({ name, at, place, style }, i) => {
    const lowest = height - lineHeight * (sorted.length - i)
    const y = Math.max(Math.min(place, lowest), free)
    free = y + lineHeight
    const x = width - right + 4
    const letters = [...name]
    const half = Math.floor((mostCharacters - 1) / 2)
    const isLong = letters.length > mostCharacters
    const short = isLong ? `${letters.slice(0, half).join('')}…${letters.slice(-half).join('')}` : name
    const title = isLong ? `<title>${escapeHtml(name)}</title>` : ''
    const line = `<g class="c${at % onWhite.length}"><path class="curve" d="M${x} ${round(y)}h24" ${style}/></g>`
    return `${line}<text x="${x + 28}" y="${round(y + 4)}">${escapeHtml(short)}${title}</text>`
  })
}

/** Least and greatest finite figure; 0 to 1 where there is none. */
function rangeOf(all: readonly Float64Array[]): readonly [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const values of all)
    for (const value of values) {
      if (!Number.isFinite(value)) continue
      if (value < least) least = value
      if (value > most) most = value
    }
  return least > most ? [0, 1] : [least, most]
}
