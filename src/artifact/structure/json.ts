import { JsonScanner } from './json-scan.ts'
import type { Checker } from './kit.ts'

/** One JSON value, walked to the last byte; nesting is capped, size is not. The format carries no sums. */
export const checkJson: Checker = async (probe) => {
  const scanner = new JsonScanner('one')
  for await (const piece of probe.stream(0, probe.bytes, 'content')) scanner.push(piece)
  scanner.end()
  probe.note(`one JSON value over ${probe.bytes} bytes`)
  if (scanner.nonFinite > 0) probe.note(`${scanner.nonFinite} NaN or Infinity (not strict JSON)`)
  return { checksums: 'none' }
}
