import type { closeSync, openSync, readSync } from 'node:fs'

/** The few calls that a scan makes, handed over: the scan also runs in threads that were started from its text. */
export interface ScanFiles {
  readonly openSync: typeof openSync
  readonly readSync: typeof readSync
  readonly closeSync: typeof closeSync
}

/** A line of an output that holds what was looked for. */
export interface OutputHit {
  readonly cellId: string
  /** From 1. */
  readonly line: number
  /** The line, or the part of a long one around the place. */
  readonly text: string
}

export interface ScanResult {
  readonly hits: OutputHit[]
  /** Lines that hold it, those beyond the most that are kept too. */
  readonly count: number
  readonly bytes: number
}

/**
 * Looks for bytes in the outputs of cells. Uses nothing from outside itself: its text is what threads are started with.
 *
 * @param most hits that are kept; the rest is counted
 */
export function scanOutputs(
  files: ScanFiles,
  folder: string,
  cellIds: readonly string[],
  needle: Uint8Array,
  most: number,
): ScanResult {
  const hits: OutputHit[] = []
  let count = 0
  let bytes = 0
  let buffer = Buffer.allocUnsafeSlow(9 * 1024 * 1024)
  const wanted = Buffer.from(needle)
  for (const cellId of cellIds) {
    let fd: number
    try {
      fd = files.openSync(`${folder}/cells/${cellId}/output.log`, 'r')
    } catch {
      continue
    }
    let length = 0
    try {
      for (;;) {
        if (length === buffer.length) {
          const larger = Buffer.allocUnsafeSlow(buffer.length * 2)
          buffer.copy(larger, 0, 0, length)
          buffer = larger
        }
        const read = files.readSync(fd, buffer, length, buffer.length - length, null)
        length += read
        // A short read of a plain file is its end: one call less for each of many thousand files.
        if (read === 0 || length < buffer.length) break
      }
    } catch {
      length = 0
    } finally {
      files.closeSync(fd)
    }
    bytes += length
    const text = buffer.subarray(0, length)
    let line = 1
    let counted = 0
    for (let at = text.indexOf(wanted); at >= 0; ) {
      count += 1
      const begin = at === 0 ? 0 : text.lastIndexOf(10, at - 1) + 1
      const newline = text.indexOf(10, at)
      const end = newline < 0 ? length : newline
      if (hits.length < most) {
        for (let next = text.indexOf(10, counted); next >= 0 && next < begin; next = text.indexOf(10, next + 1))
          line += 1
        counted = begin
        const from = Math.max(begin, at - 160)
        hits.push({ cellId, line, text: text.toString('utf8', from, Math.min(end, from + 480)) })
      }
      at = end + 1 >= length ? -1 : text.indexOf(wanted, end + 1)
    }
  }
  return { hits, count, bytes }
}
