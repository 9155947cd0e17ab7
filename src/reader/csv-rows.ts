import { type Growth, type Place, Replaced, readOn } from './growing.ts'
import type { ByteSource } from './types.ts'

const quote = 0x22
const newline = 0x0a

/** A row in quotes that is longer than this has lost its closing quote: it ends with its line. */
const mostRowBytes = 1024 * 1024

/**
 * End of the row that begins here, behind its newline: one inside of quotes does not count. A quote in the middle of a cell
 * (`5" disc`) opens nothing, as in `cellsOf`. -1: the row is not whole yet.
 */
function rowEnd(bytes: Buffer, from: number, separator: number): number {
  let isQuoted = false
  let isCellStart = true
  let isClosed = false
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]
    if (isQuoted) {
      if (byte === quote) {
        isQuoted = false
        isClosed = true
      } else if (at - from > mostRowBytes) return bytes.indexOf(newline, from) + 1 || -1
      continue
    }
    // Behind the quote that closed a cell another one goes on with it: two stand for one.
    if (byte === quote && (isCellStart || isClosed)) isQuoted = true
    else if (byte === newline) return at + 1
    isCellStart = byte === separator
    isClosed = false
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
  private headerBytes: Buffer = Buffer.alloc(0)
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
    return this.headerBytes.equals(await this.source.read(0, this.headerBytes.length))
  }

  private take(bytes: Buffer, onRow: (cells: readonly string[], header: readonly string[]) => void): number {
    let at = 0
    for (;;) {
      const end = rowEnd(bytes, at, this.separator.charCodeAt(0))
      if (end < 0) return at
      const raw = bytes.subarray(at, end)
      at = end
      const row = raw.toString('utf8').replace(/\r?\n$/, '')
      if (row === '') continue
      const cells = cellsOf(this.header === null ? row.replace(/^\ufeff/, '') : row, this.separator)
      if (this.header === null) {
        this.header = cells
        // As bytes: what is no UTF-8 is not the same again once it was decoded.
        this.headerBytes = Buffer.from(raw)
      } else {
        this.rows++
        onRow(cells, this.header)
      }
    }
  }
}
