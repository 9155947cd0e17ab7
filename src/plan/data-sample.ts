import type { DataSample } from './types.ts'

export type SampleFormat = DataSample['format']

/** Format of a data file by its name; null: not one that is sampled here. */
export function sampleFormat(path: string): SampleFormat | null {
  const match = /\.(csv|tsv|jsonl|ndjson|json)$/i.exec(path)
  if (match === null) return null
  const ending = (match[1] ?? '').toLowerCase()
  if (ending === 'csv' || ending === 'tsv') return 'csv'
  return ending === 'json' ? 'json' : 'jsonl'
}

interface Column {
  count: number
  minimum: number
  maximum: number
  isText: boolean
}

/**
 * Looks at pieces of a data file: rows that do not fit, NaN and infinities, columns that never vary. With one piece that is
 * the whole file, rows are counted exactly; with several, the first and last line of a cut piece are left out.
 */
export function sampleData(
  name: string,
  format: SampleFormat,
  bytes: number,
  pieces: readonly { readonly text: string; readonly isStart: boolean; readonly isEnd: boolean }[],
): DataSample {
  const isWhole = pieces.length === 1 && pieces[0]?.isStart === true && pieces[0].isEnd
  const columns = new Map<string, Column>()
  const tally = { rows: 0, malformed: 0, nonFinite: 0 }
  if (format === 'json') sampleJson(pieces[0]?.text ?? '', columns, tally)
  else {
    const separator = /\.tsv$/i.test(name) ? '\t' : separatorOf(pieces[0]?.text ?? '')
    let width: number | null = null
    let header: string[] | null = null
    for (const piece of pieces) {
      let lines = piece.text.split(/\r?\n/)
      if (!piece.isStart) lines = lines.slice(1)
      if (!piece.isEnd) lines = lines.slice(0, -1)
      for (const line of lines) {
        if (line.trim() === '') continue
        if (format === 'jsonl') {
          sampleJsonLine(line, columns, tally)
          continue
        }
        const cells = splitCells(line, separator)
        if (header === null && piece.isStart && cells.some((c) => c !== '' && !isNumeric(c))) {
          header = cells
          width = cells.length
          continue
        }
        header ??= cells.map((_, i) => String(i))
        width ??= cells.length
        tally.rows++
        if (cells.length !== width) tally.malformed++
        cells.forEach((cell, i) => {
          addCell(columns, String(i), cell, tally)
        })
      }
    }
  }
  const numeric = [...columns.values()].filter((c) => !c.isText && c.count > 0)
  const largest = numeric.reduce((most, c) => Math.max(most, Math.abs(c.minimum), Math.abs(c.maximum)), 0)
  return {
    name,
    format,
    bytes,
    readBytes: Math.min(
      bytes,
      pieces.reduce((sum, p) => sum + Buffer.byteLength(p.text), 0),
    ),
    rows: tally.rows,
    totalRows: isWhole ? tally.rows : null,
    malformedRows: tally.malformed,
    nonFinite: tally.nonFinite,
    largestAbsolute: numeric.length === 0 ? null : largest,
    numericColumns: numeric.length,
    constantColumns: numeric.filter((c) => c.count > 1 && c.minimum === c.maximum).length,
  }
}

interface Tally {
  rows: number
  malformed: number
  nonFinite: number
}

const nonFiniteWord = /^[+-]?(?:nan|inf|infinity)$/i
const isNumeric = (cell: string): boolean => nonFiniteWord.test(cell) || (cell !== '' && Number.isFinite(Number(cell)))

function addCell(columns: Map<string, Column>, key: string, cell: string, tally: Tally): void {
  if (cell === '') return
  let column = columns.get(key)
  if (column === undefined) {
    column = { count: 0, minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY, isText: false }
    columns.set(key, column)
  }
  if (nonFiniteWord.test(cell)) {
    tally.nonFinite++
    return
  }
  const value = Number(cell)
  if (!Number.isFinite(value)) {
    column.isText = true
    return
  }
  column.count++
  column.minimum = Math.min(column.minimum, value)
  column.maximum = Math.max(column.maximum, value)
}

function sampleJsonLine(line: string, columns: Map<string, Column>, tally: Tally): void {
  tally.rows++
  try {
    addRecord(JSON.parse(line), columns, tally)
  } catch {
    // Python writes NaN and Infinity, which JSON does not have: that is what is wrong with such a line.
    if (/[:[,]\s*-?(?:NaN|Infinity)\b/.test(line)) tally.nonFinite++
    else tally.malformed++
  }
}

function sampleJson(text: string, columns: Map<string, Column>, tally: Tally): void {
  try {
    const value: unknown = JSON.parse(text)
    const rows = Array.isArray(value) ? value : [value]
    for (const row of rows) {
      tally.rows++
      addRecord(row, columns, tally)
    }
  } catch {
    tally.rows++
    if (/[:[,]\s*-?(?:NaN|Infinity)\b/.test(text)) tally.nonFinite++
    else tally.malformed++
  }
}

function addRecord(row: unknown, columns: Map<string, Column>, tally: Tally): void {
  if (row === null || typeof row !== 'object') return
  for (const [key, value] of Object.entries(row)) {
    if (typeof value === 'number') addCell(columns, key, String(value), tally)
    else if (typeof value === 'string' && nonFiniteWord.test(value)) tally.nonFinite++
  }
}

/** The separator that occurs most in the first line. */
function separatorOf(text: string): string {
  const line = text.slice(0, 10_000).split('\n')[0] ?? ''
  return [',', ';', '\t', '|'].reduce((best, s) => (line.split(s).length > line.split(best).length ? s : best), ',')
}

function splitCells(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator).map((c) => c.trim())
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i]
    if (c === '"') {
      if (isQuoted && line[i + 1] === '"') {
        cell += '"'
        i++
      } else isQuoted = !isQuoted
    } else if (c === separator && !isQuoted) {
      cells.push(cell.trim())
      cell = ''
    } else cell += c
  }
  cells.push(cell.trim())
  return cells
}
