import { type ChartSeries, type Display, displaySymbol, withDisplay } from './symbol.ts'

const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) ? value : null)

/** Rows of objects, or of arrays, as a table; `columns` chooses and orders them. */
function table(data: unknown, columns?: readonly string[]): object {
  const rows = Array.isArray(data)
    ? (data as unknown[])
    : data !== null && typeof data === 'object'
      ? Object.entries(data).map(([name, value]) => ({ name, value: value as unknown }))
      : []
  const isObjects = rows.every((row) => row !== null && typeof row === 'object' && !Array.isArray(row))
  const names = isObjects
    ? (columns ?? [...new Set(rows.slice(0, 1000).flatMap((row) => Object.keys(row as object)))])
    : (columns ??
      Array.from({ length: Math.max(1, ...rows.map((row) => (Array.isArray(row) ? row.length : 1))) }, (_, i) =>
        String(i),
      ))
  const cells = rows
    .slice(0, 1000)
    .map((row) => (isObjects ? names.map((name) => Reflect.get(row as object, name) as unknown) : [row].flat(1)))
  return withDisplay({ columns: names, rows: cells }, { kind: 'table', columns: names, rows: cells })
}

/** One series of numbers, or several by name, as points over eight rows. */
function chart(data: unknown, title = ''): object {
  const series: readonly ChartSeries[] = Array.isArray(data)
    ? [{ name: '', values: data.map(pointOf) }]
    : Object.entries((data ?? {}) as object).map(([name, values]) => ({
        name,
        values: Array.isArray(values) ? values.map(pointOf) : [],
      }))
  return withDisplay({ series }, { kind: 'chart', series, title: String(title) })
}

/** A number, or what a point of a series holds. */
function pointOf(point: unknown): number | null {
  if (point === null || typeof point !== 'object') return number(point)
  const { value, mean } = point as { value?: unknown; mean?: unknown }
  return number(value ?? mean)
}

function sparkline(data: unknown): object {
  const values = Array.isArray(data) ? data.map(pointOf) : []
  return withDisplay({ values }, { kind: 'sparkline', values })
}

/** What stands in one text and not in the other, line by line; other values are compared by their JSON. */
function diff(before: unknown, after: unknown): object {
  const lines = diffLines(linesOf(before), linesOf(after))
  return withDisplay({ lines }, { kind: 'diff', lines })
}

const linesOf = (value: unknown): readonly string[] =>
  (typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? String(value))).split('\n').slice(0, 2000)

type DiffLine = Extract<Display, { kind: 'diff' }>['lines'][number]

/** Longest common lines, by the table of lengths. */
function diffLines(a: readonly string[], b: readonly string[]): readonly DiffLine[] {
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i -= 1)
    for (let j = b.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] =
        a[i] === b[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0)
  const lines: DiffLine[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push({ sign: ' ', text: a[i] ?? '' })
      i += 1
      j += 1
    } else if (
      j >= b.length ||
      (i < a.length && (lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0))
    ) {
      lines.push({ sign: '-', text: a[i] ?? '' })
      i += 1
    } else {
      lines.push({ sign: '+', text: b[j] ?? '' })
      j += 1
    }
  }
  return lines
}

/** A count of bytes that shows in its unit, and counts on as a number. */
const bytes = (value: unknown): object =>
  withDisplay(Object(Number(value)) as object, { kind: 'bytes', bytes: Number(value) })
/** An amount of US dollars that shows as money, and counts on as a number. */
const usd = (value: unknown): object =>
  withDisplay(Object(Number(value)) as object, { kind: 'usd', usd: Number(value) })

/** What the prompt has for showing values. */
export const displayHelpers = { table, chart, sparkline, diff, bytes, usd, displaySymbol }
