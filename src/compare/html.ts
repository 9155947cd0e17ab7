import type { Columns } from '../reader/columns.ts'
import { type Axis, curveOver } from './align.ts'
import { type Block, foreign, type Line } from './blocks.ts'
import { compareBlocks } from './markdown.ts'
import type { CompareModel } from './model.ts'
import { curvesSvg, escapeHtml, svgStyle } from './svg.ts'
import type { TableColumn } from './table.ts'

/** More lines in one picture cannot be told apart; more pictures nobody looks through. Both are said. */
export const mostCurves = 10
const mostPictures = 60

const style = `
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1100px; padding: 0 1em; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #8886; padding: .2em .6em; text-align: left; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; }
pre { overflow-x: auto; }
${svgStyle}`

const inHtml = (line: Line): string =>
  typeof line === 'string'
    ? escapeHtml(line)
    : line
        .map((piece) =>
          typeof piece === 'string' ? escapeHtml(piece) : `<strong>${escapeHtml(piece.strong)}</strong>`,
        )
        .join('')

function blockInHtml(block: Block): string {
  if (block.kind === 'heading') return `<h${block.level}>${escapeHtml(block.text)}</h${block.level}>`
  if (block.kind === 'text') return `<p>${inHtml(block.line)}</p>`
  if (block.kind === 'list') return `<ul>\n${block.lines.map((line) => `<li>${inHtml(line)}</li>`).join('\n')}\n</ul>`
  if (block.kind === 'plot') return `<pre>${escapeHtml(block.lines.join('\n'))}</pre>`
  const row = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`
  return `<table>\n${[row(block.header.map(escapeHtml), 'th'), ...block.rows.map((cells) => row(cells.map(inHtml), 'td'))].join('\n')}\n</table>`
}

/**
 * The whole comparison as one HTML file that asks nobody for anything: no script, no font and no picture from elsewhere,
 * which its own policy forbids as well. The curves stand in it as SVG.
 *
 * @param points those of the first runs of the model, in its order; the others are not drawn, and that is said
 * @param columns those of the tables; by default groups of seeds where there are any
 * @param masked takes secrets out of texts, before they are escaped: escaped they might not be known again
 */
export function compareHtml(
  model: CompareModel,
  points: readonly Columns[],
  axis: Axis = 'step',
  masked: <T>(value: T) => T = (value) => value,
  columns?: readonly TableColumn[],
): string {
  const title = `${model.runs.length} runs compared`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${masked(compareBlocks(model, columns)).map(blockInHtml).join('\n')}
<h2>Curves over ${escapeHtml(axis)}</h2>
${pictures(model, points, axis, masked).join('\n')}
</body>
</html>
`
}

function pictures(
  model: CompareModel,
  points: readonly Columns[],
  axis: Axis,
  masked: <T>(value: T) => T,
): readonly string[] {
  const left = model.runs.length - points.length
  const notes: string[] = left > 0 ? [`Curves of ${left} more runs are not drawn.`] : []
  const drawn = model.metrics.flatMap(({ name }) => {
    const curves = points.flatMap((columns, at) => {
      const all = columns.all()
      return all
        .filter((column) => column.name === name && column.values.length > 1)
        .flatMap((column) => {
          const curve = curveOver(column, axis, all, columns.known.startedAtMs ?? null)
          const of = masked(foreign([model.runs[at]?.name ?? '?', column.unit].filter(Boolean).join(' ')))
          if (curve === null) notes.push(`${of} has no ${axis} on record for ${masked(foreign(name))}.`)
          return curve === null ? [] : [{ name: of, ...curve }]
        })
    })
    return curves.length === 0 ? [] : [{ name: masked(foreign(name)), curves }]
  })
  if (drawn.length > mostPictures) notes.push(`${drawn.length - mostPictures} more metrics are not drawn.`)
  const shown = drawn.slice(0, mostPictures).map(({ name, curves }) => {
    const more = curves.length - mostCurves
    const note = more > 0 ? `<p>${more} more curves are not drawn: ${mostCurves} can be told apart.</p>` : ''
    return `<h3>${escapeHtml(name)}</h3>\n${curvesSvg(curves.slice(0, mostCurves), name, axis)}${note}`
  })
  if (shown.length === 0) notes.push('No metric has a curve.')
  return [...shown, ...notes.map((note) => `<p>${escapeHtml(note)}</p>`)]
}
