import type { Emulator, ScreenCell } from './emulator.ts'
import { cellPath } from './svg-shapes.ts'

/** The 16 colours of the picture: quiet, readable on white and black pages. */
const palette = [
  '#1e222a',
  '#e06c75',
  '#98c379',
  '#e5c07b',
  '#61afef',
  '#c678dd',
  '#56b6c2',
  '#c8ccd4',
  '#6b7280',
  '#ef7a85',
  '#a9d98a',
  '#f0d08b',
  '#72bff7',
  '#d48aea',
  '#66c6d2',
  '#ffffff',
]
interface Paper {
  readonly background: string
  readonly foreground: string
}
const papers = {
  dark: { background: '#16181d', foreground: '#d7dae0' },
  light: { background: '#fbfbf9', foreground: '#23262d' },
} as const
const CELL_WIDTH = 8.4
const CELL_HEIGHT = 18
const FONT_SIZE = 14
const PADDING = 12
const cubeSteps = [0, 95, 135, 175, 215, 255]

function colorOf(name: string, fallback: string): string {
  if (name === 'default') return fallback
  if (name.startsWith('#')) return name
  const index = Number(name.slice('palette:'.length))
  if (index < 16) return palette[index] ?? fallback
  const hex = (value: number) => value.toString(16).padStart(2, '0')
  if (index >= 232) return `#${hex(8 + 10 * (index - 232)).repeat(3)}`
  const cube = index - 16
  const step = (value: number) => hex(cubeSteps[value % 6] ?? 0)
  return `#${step(Math.floor(cube / 36))}${step(Math.floor(cube / 6))}${step(cube)}`
}

interface Look {
  readonly foreground: string
  readonly background: string
  readonly css: string
}

function lookOf(cell: ScreenCell, paper: Paper): Look {
  let foreground = colorOf(cell.foreground, paper.foreground)
  let background = colorOf(cell.background, paper.background)
  if (cell.isInverse) [foreground, background] = [background, foreground]
  const css = [
    cell.isBold ? 'font-weight:bold' : '',
    cell.isDim ? 'opacity:.6' : '',
    cell.isItalic ? 'font-style:italic' : '',
    cell.isUnderlined ? 'text-decoration:underline' : '',
  ]
  return { foreground, background, css: css.filter((part) => part !== '').join(';') }
}

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const number = (value: number) => String(Math.round(value * 100) / 100)

interface Run extends Look {
  readonly column: number
  readonly cells: number
  readonly text: string
  /** Drawn as a path, cell by cell, instead of as text. */
  readonly isShape: boolean
}

const unitBox = { x: 0, y: 0, width: 1, height: 1 }

/** Neighbouring cells that look alike and are drawn alike. */
function runsOf(cells: readonly ScreenCell[], paper: Paper): Run[] {
  const runs: Run[] = []
  let current: { look: Look; key: string; column: number; cells: number; text: string; isShape: boolean } | null = null
  for (const [column, cell] of cells.entries()) {
    const look = lookOf(cell, paper)
    const isShape = cellPath(cell.text, unitBox) !== null
    const key = JSON.stringify([look, isShape])
    if (current !== null && (current.key === key || cell.width === 0)) {
      current.cells += 1
      current.text += cell.text
      continue
    }
    if (current !== null) runs.push({ ...current.look, ...current })
    current = { look, key, column, cells: 1, text: cell.text, isShape }
  }
  if (current !== null) runs.push({ ...current.look, ...current })
  return runs
}

/** What the emulator shows, as an SVG picture without any external resource. */
export function screenToSvg(emulator: Emulator, title = 'kx', theme: keyof typeof papers = 'dark'): string {
  const paper = papers[theme]
  const width = emulator.columns * CELL_WIDTH + 2 * PADDING
  const height = emulator.rows * CELL_HEIGHT + 2 * PADDING
  const boxes: string[] = []
  const texts: string[] = []
  for (let row = 0; row < emulator.rows; row += 1) {
    const top = PADDING + row * CELL_HEIGHT
    for (const run of runsOf(emulator.cells(row), paper)) {
      const x = number(PADDING + run.column * CELL_WIDTH)
      const length = number(run.cells * CELL_WIDTH)
      if (run.background !== paper.background) {
        boxes.push(
          `<rect x="${x}" y="${number(top)}" width="${length}" height="${CELL_HEIGHT}" fill="${run.background}"/>`,
        )
      }
      if (run.text.trim() === '') continue
      const style = run.css === '' ? '' : ` style="${run.css}"`
      if (run.isShape) {
        const paths = Array.from(run.text, (char, i) =>
          cellPath(char, {
            x: PADDING + (run.column + i) * CELL_WIDTH,
            y: top,
            width: CELL_WIDTH,
            height: CELL_HEIGHT,
          }),
        )
        texts.push(`<path d="${paths.join('')}" fill="${run.foreground}"${style}/>`)
        continue
      }
      texts.push(
        `<text x="${x}" y="${number(top + FONT_SIZE)}" textLength="${length}" lengthAdjust="spacingAndGlyphs"` +
          ` fill="${run.foreground}"${style} xml:space="preserve">${escapeXml(run.text)}</text>`,
      )
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${number(width)}" height="${number(height)}"` +
      ` viewBox="0 0 ${number(width)} ${number(height)}" font-size="${FONT_SIZE}"` +
      ` font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" rx="8" fill="${paper.background}"/>`,
    ...boxes,
    ...texts,
    '</svg>',
    '',
  ].join('\n')
}

/** The same as text, one line a row. */
export function screenToText(emulator: Emulator): string {
  return `${emulator.screen().join('\n')}\n`
}
