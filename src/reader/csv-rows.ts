import { type Growth, type Place, Replaced, readOn } from './growing.ts'
import type { ByteSource } from './types.ts'

const quote = 0x22
const newline = 0x0a

/** End of the row that begins here, behind its newline: one inside of quotes does not count. -1: it is not whole yet. */
function rowEnd(bytes: Buffer, from: number): number {
  let isQuoted = false
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) isQuoted = !isQuoted
    else if (byte === newline && !isQuoted) return at + 1
  }
  return -1
}

/** Cells of one row (RFC 4180): quotes around a cell are taken off, doubled ones inside are one. */
export function cellsOf(row: string, separator = ','): string[] {
  if (!row.includes('"')) return row.split(separator)
  const cells: string[] = []
  let cell = ''
  let isQuoted = false
  for (let at = 0; at < row.length; at++) {
    const mark = row[at] as string
    if (isQuoted) {
      if (mark !== '"') cell += mark
      else if (row[at + 1] === '"') {
        cell += '"'
        at++
      } else isQuoted = false
    } else if (mark === '"' && cell === '') isQuoted = true
    else if (mark === separator) {
      cells.push(cell)
      cell = ''
    } else cell += mark
  }
  cells.push(cell)
  return cells
}

/** Rows of a growing table, each once, with the header that stands at the top. */
export class GrowingTable {
  header: readonly string[] | null = null
  rows = 0
  private headerText = ''
  private readonly source: ByteSource
  private readonly separator: string
  private readonly place: Place = { offset: 0, identity: null }

  constructor(source: ByteSource, separator = ',') {
    this.source = source
    this.separator = separator
  }

  /**
   * Tells what rows there are more. A file that was written anew with another header is another one, also where it kept its
   * place on the disk: some writers do so when a new name comes (handbook compare 4.5).
   *
   * @throws Replaced
   */
  async advance(
    onRow: (cells: readonly string[], header: readonly string[]) => void,
    signal?: AbortSignal,
  ): Promise<Growth | null> {
    if (this.header !== null && !(await this.isSameHeader())) throw new Replaced(this.source.path)
    return await readOn(this.source, this.place, (bytes) => this.place.offset + this.take(bytes, onRow), signal)
  }

  private async isSameHeader(): Promise<boolean> {
    const length = Buffer.byteLength(this.headerText)
    const now = await this.source.read(0, length)
    return Buffer.from(now).toString('utf8') === this.headerText
  }

  private take(bytes: Buffer, onRow: (cells: readonly string[], header: readonly string[]) => void): number {
    let at = 0
    for (;;) {
      const end = rowEnd(bytes, at)
      if (end < 0) return at
      const text = bytes.toString('utf8', at, end)
      at = end
      const row = text.replace(/\r?\n$/, '')
      if (row === '') continue
      const cells = cellsOf(this.header === null ? row.replace(/^\ufeff/, '') : row, this.separator)
      if (this.header === null) {
        this.header = cells
        this.headerText = text
      } else {
        this.rows++
        onRow(cells, this.header)
      }
    }
  }
}
