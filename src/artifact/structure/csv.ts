import type { Checker } from './kit.ts'
import { Broken } from './kit.ts'

const delimiters = [0x2c, 0x09, 0x3b, 0x7c]
const headLimitBytes = 1024 * 1024

/** Comma, tab, semicolon or bar: whichever stands most often outside quotes in the first row. */
function delimiterOf(head: Uint8Array): number {
  const seen = delimiters.map(() => 0)
  let isQuoted = false
  for (const byte of head) {
    if (byte === 0x22) isQuoted = !isQuoted
    else if (!isQuoted && byte === 0x0a) break
    else if (!isQuoted) {
      const which = delimiters.indexOf(byte)
      if (which >= 0) seen[which] = (seen[which] ?? 0) + 1
    }
  }
  return delimiters[seen.indexOf(Math.max(...seen))] ?? 0x2c
}

/**
 * Rows of equal width, quotes closed, no NUL, UTF-8, a newline at the end. RFC 4180 lets the last newline go, but then
 * a cut inside the last field could not be told from a finished file, so it is asked for.
 */
export const checkCsv: Checker = async (probe) => {
  if (probe.bytes === 0) throw new Broken('the file is empty')
  const delimiter = delimiterOf(await probe.take(0, Math.min(probe.bytes, headLimitBytes), 'first row'))
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let isQuoted = false
  let fields = 1
  let rowBytes = 0
  let width = 0
  let rows = 0
  let last = 0
  for await (const piece of probe.stream(0, probe.bytes, 'content')) {
    try {
      utf8.decode(piece, { stream: true })
    } catch {
      throw new Broken(`bytes that are not UTF-8 near row ${rows + 1}`)
    }
    for (const byte of piece) {
      last = byte
      if (byte === 0) throw new Broken(`a NUL byte in row ${rows + 1}`)
      if (byte === 0x22) isQuoted = !isQuoted
      if (isQuoted || (byte !== 0x0a && byte !== delimiter)) {
        rowBytes += 1
        continue
      }
      if (byte === delimiter) {
        fields += 1
        rowBytes += 1
        continue
      }
      if (rowBytes > 0) {
        rows += 1
        if (width === 0) width = fields
        else if (fields !== width) throw new Broken(`row ${rows} has ${fields} fields, the first row has ${width}`)
      }
      fields = 1
      rowBytes = 0
    }
  }
  if (isQuoted) throw new Broken('a quoted field is not closed: the file ends too early')
  if (last !== 0x0a) throw new Broken('the last row does not end in a newline: it may be cut')
  if (rows === 0) throw new Broken('no rows')
  probe.note(`${rows} rows of ${width} fields, the last one ends in a newline`)
  return { checksums: 'none' }
}
