import { JsonScanner } from './json-scan.ts'
import type { Checker } from './kit.ts'
import { Broken } from './kit.ts'

/**
 * One JSON value a line, the last one closed by a newline (handbook ssh 9.4). A line that ends inside a value is what a
 * killed and resumed unit leaves (unit contract 3.5): counted and named, not broken. A cut at a line border is not seen.
 */
export const checkJsonl: Checker = async (probe) => {
  const scanner = new JsonScanner('lines')
  for await (const piece of probe.stream(0, probe.bytes, 'content')) scanner.push(piece)
  scanner.end()
  probe.note(`${scanner.records} lines parse, the last one ends in a newline`)
  if (scanner.torn > 0) probe.note(`${scanner.torn} torn lines, left out by readers`)
  if (scanner.records === 0) throw new Broken('no line is complete')
  if (scanner.nonFinite > 0) probe.note(`${scanner.nonFinite} NaN or Infinity (not strict JSON)`)
  return { checksums: 'none' }
}
