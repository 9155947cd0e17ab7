import { crc32 } from 'node:zlib'
import type { Checker, Probe } from './kit.ts'
import { Broken, maxEntries, NotCheckable, startsWith, viewOf } from './kit.ts'
import type { ThriftStruct, ThriftValue } from './thrift.ts'
import { ThriftCut, ThriftReader } from './thrift.ts'

const footerLimitBytes = 16 * 1024 * 1024
const pageHeaderBytes = 4096
const pageHeaderLimitBytes = 16 * 1024 * 1024

function count(struct: ThriftStruct, field: number, what: string): number {
  const value = struct.get(field)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new Broken(`${what} is missing`)
  return value
}

function structs(value: ThriftValue | undefined, what: string): readonly ThriftStruct[] {
  if (!Array.isArray(value)) throw new Broken(`${what} is missing`)
  return value.map((item: ThriftValue) => {
    if (!(item instanceof Map)) throw new Broken(`${what} is damaged`)
    return item as ThriftStruct
  })
}

interface Chunk {
  readonly from: number
  readonly bytes: number
}

/** Every column chunk that the footer names, inside the file and before the footer. */
function chunksOf(metadata: ThriftStruct, footerAt: number): readonly Chunk[] {
  const chunks: Chunk[] = []
  let rows = 0
  for (const group of structs(metadata.get(4), 'the list of row groups')) {
    rows += count(group, 3, 'the row count of a group')
    for (const column of structs(group.get(1), 'the list of columns')) {
      if (column.get(1) !== undefined) throw new NotCheckable('columns lie in other files')
      const meta = column.get(3)
      if (!(meta instanceof Map)) throw new NotCheckable('column metadata is encrypted or missing')
      const data = count(meta as ThriftStruct, 9, 'a data page offset')
      const dictionary = (meta as ThriftStruct).get(11)
      const from = typeof dictionary === 'number' && dictionary > 0 ? Math.min(dictionary, data) : data
      const bytes = count(meta as ThriftStruct, 7, 'the size of a column')
      if (from < 4 || from + bytes > footerAt) throw new Broken('a column lies outside the file')
      chunks.push({ from, bytes })
      if (chunks.length > maxEntries) throw new NotCheckable(`more than ${maxEntries} column chunks`)
    }
  }
  if (rows !== count(metadata, 3, 'the row count')) throw new Broken('row groups do not add up to the row count')
  chunks.sort((a, b) => a.from - b.from)
  for (const [i, chunk] of chunks.entries()) {
    const next = chunks[i + 1]
    if (next !== undefined && chunk.from + chunk.bytes > next.from) throw new Broken('columns overlap')
  }
  return chunks
}

async function pageHeader(probe: Probe, at: number, end: number): Promise<{ page: ThriftStruct; size: number }> {
  for (let window = pageHeaderBytes; ; window *= 8) {
    const bytes = await probe.take(at, Math.min(window, end - at), 'page header')
    try {
      const reader = new ThriftReader(bytes)
      const page = reader.struct()
      return { page, size: reader.at }
    } catch (error) {
      const canGrow = bytes.length < end - at && window < pageHeaderLimitBytes
      if (!(error instanceof ThriftCut) || !canGrow) throw error
    }
  }
}

/** Walks the pages of one column; compares sums where the writer left them. */
async function walkPages(probe: Probe, chunk: Chunk, totals: { pages: number; summed: number }): Promise<void> {
  let at = chunk.from
  const end = chunk.from + chunk.bytes
  while (at < end) {
    totals.pages += 1
    if (totals.pages > maxEntries) throw new NotCheckable(`more than ${maxEntries} pages`)
    const { page, size } = await pageHeader(probe, at, end)
    const length = count(page, 3, 'the size of a page')
    at += size
    if (at + length > end) throw new Broken('a page reaches out of its column')
    const stored = page.get(4)
    if (typeof stored === 'number') {
      let sum = 0
      for await (const piece of probe.stream(at, length, 'page')) sum = crc32(piece, sum)
      if (sum !== stored >>> 0) throw new Broken('the CRC-32 of a page is wrong')
      totals.summed += 1
    }
    at += length
  }
}

/** `PAR1` at both ends, the footer walked to its last byte, columns in range, pages filling their columns exactly. */
export const checkParquet: Checker = async (probe) => {
  if (probe.bytes < 12) throw new Broken('too short for Parquet')
  if (!startsWith(await probe.take(0, 4, 'signature'), 'PAR1')) throw new Broken('PAR1 is missing at the beginning')
  const tail = await probe.take(probe.bytes - 8, 8, 'end')
  if (startsWith(tail, 'PARE', 4)) throw new NotCheckable('the footer is encrypted')
  if (!startsWith(tail, 'PAR1', 4)) throw new Broken('PAR1 is missing at the end')
  const footerBytes = viewOf(tail).getUint32(0, true)
  const footerAt = probe.bytes - 8 - footerBytes
  if (footerAt < 4) throw new Broken('the footer is longer than the file')
  if (footerBytes > footerLimitBytes) throw new NotCheckable('the footer is larger than 16 MiB')
  const reader = new ThriftReader(await probe.take(footerAt, footerBytes, 'footer'))
  const metadata = reader.struct()
  if (reader.at !== footerBytes) throw new Broken('the footer is longer than its content')
  structs(metadata.get(2), 'the schema')
  const chunks = chunksOf(metadata, footerAt)
  const totals = { pages: 0, summed: 0 }
  for (const chunk of chunks) await walkPages(probe, chunk, totals)
  probe.note(`${chunks.length} columns, ${totals.pages} pages, all inside the file`)
  probe.note(totals.summed > 0 ? `CRC-32 of ${totals.summed} of ${totals.pages} pages right` : 'no page sums written')
  return { checksums: totals.summed === 0 ? 'none' : totals.summed === totals.pages ? 'all' : 'some' }
}
