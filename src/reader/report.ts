import type { Growth } from './growing.ts'
import type { ByteSource, Format, ReadReport } from './types.ts'

/** What is said of a file that was read on: all that was not said otherwise is well. */
export function reportOn(
  format: Format,
  source: Pick<ByteSource, 'path'>,
  growth: Growth,
  more: Pick<ReadReport, 'records'> & Partial<ReadReport>,
): ReadReport {
  const { bytes, mtimeMs, isTruncated } = growth
  return { format, path: source.path, bytes, mtimeMs, isTruncated, skippedBytes: 0, crcErrors: 0, notes: [], ...more }
}
