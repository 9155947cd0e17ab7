import { JsonScanner } from './json-scan.ts'
import type { Checker } from './kit.ts'

/** One JSON value a line, the last one closed by a newline (handbook ssh 9.4). A cut at a line border is not seen. */
export const checkJsonl: Checker = async (probe) => {
  const scanner = new JsonScanner('lines')
  for await (const piece of probe.stream(0, probe.bytes, 'content')) scanner.push(piece)
  scanner.end()
  probe.note(`${scanner.records} lines parse, the last one ends in a newline`)
  if (scanner.nonFinite > 0) probe.note(`${scanner.nonFinite} NaN or Infinity (not strict JSON)`)
  return { checksums: 'none' }
}
