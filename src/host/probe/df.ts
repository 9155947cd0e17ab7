import { known, quote, type Reading, unknown } from './value.ts'

/** Space of one file system. `availableBytes` is what an ordinary user may still write. */
export interface DiskBytes {
  readonly filesystem: string
  readonly mount: string
  readonly totalBytes: number
  readonly usedBytes: number
  readonly availableBytes: number
}

export interface DiskInodes {
  readonly filesystem: string
  readonly mount: string
  readonly total: number
  readonly used: number
  readonly free: number
}

interface Row {
  readonly header: string
  readonly filesystem: string
  readonly cells: readonly string[]
  readonly mount: string
}

const number = '(-?\\d+|-)'
const percent = '(\\d+%|-)'
/** Columns between name and mount: POSIX and GNU have three numbers and a share, BSD with -i has two groups. */
const posixRow = new RegExp(`^(.+?)\\s+${number}\\s+${number}\\s+${number}\\s+${percent}\\s+(/.*)$`, 's')
const bsdRow = new RegExp(
  `^(.+?)\\s+${number}\\s+${number}\\s+${number}\\s+${percent}\\s+${number}\\s+${number}\\s+${percent}\\s+(/.*)$`,
  's',
)

/** Two longest paths and the figures; what is longer is not matched at all, so that hostile text costs nothing. */
const longestRow = 8500

/**
 * The one row of a `df` that was asked about one path. A long device name may push its figures to a second line, and
 * names may hold spaces and newlines, so the row is read as a whole and not line by line.
 */
function parseRow(text: string): Reading<Row> {
  const start = /(^|\n)Filesystem\b[^\n]*\n/.exec(text)
  if (start === null) return unknown('no header line of df')
  const header = start[0].trim()
  const rest = text.slice(start.index + start[0].length)
  if (!rest.endsWith('\n')) return unknown('the output of df was cut')
  const isBsd = /\bifree\b/.test(header)
  const body = rest.slice(0, -1)
  if (body.length > longestRow) return unknown('the row of df is longer than any path')
  const match = (isBsd ? bsdRow : posixRow).exec(body)
  if (match === null) return unknown(`no row of figures in ${quote(body)}`)
  const mount = match.at(-1) ?? ''
  // A mount name may hold a newline; a whole second row behind one means that more than one path was asked about.
  const second = mount.indexOf('\n')
  if (second >= 0 && (isBsd ? bsdRow : posixRow).test(mount.slice(second + 1)))
    return unknown('more than one row of df')
  return known({ header, filesystem: match[1] ?? '', cells: match.slice(2, -1), mount })
}

/** Bytes in one block by the header: `1-blocks`, `1B-blocks`, `1024-blocks`, `1K-blocks`, `512-blocks`, `1M-blocks`. */
function blockBytes(header: string): number | null {
  const match = /\b(\d+)([KMG])?B?-blocks\b/.exec(header)
  if (match?.[1] === undefined) return null
  const factor = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[match[2] ?? ''] ?? 1
  return Number(match[1]) * factor
}

function figure(text: string | undefined): number | null {
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) return null
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : null
}

/**
 * Parses `df -P -B1 -- <path>`, or with `-k` as busybox has it (handbook monitoring 7.2). File systems without a size
 * (proc, some FUSE mounts) are unknown. Available below zero, as BSD shows the reserve, is none left.
 */
export function parseDfBytes(text: string): Reading<DiskBytes> {
  const row = parseRow(text)
  if (!row.isKnown) return row
  const { header, filesystem, mount, cells } = row.value
  const unit = blockBytes(header)
  if (unit === null) return unknown('the header of df names no block size')
  const total = figure(cells[0])
  const used = figure(cells[1])
  const available = figure(cells[2])
  if (total === null || used === null || available === null) return unknown('df gives no figures for this file system')
  if (total <= 0) return unknown('this file system reports no size')
  if (used < 0 || used > total || available > total) return unknown('the figures of df contradict each other')
  const sizes = [total * unit, used * unit, Math.max(0, available) * unit] as const
  if (!sizes.every(Number.isSafeInteger)) return unknown('the size is too large to hold exactly')
  return known({ filesystem, mount, totalBytes: sizes[0], usedBytes: sizes[1], availableBytes: sizes[2] })
}

/**
 * Parses `df -P -i -- <path>`: GNU, busybox, and BSD where inode columns stand behind the block columns. A dash or a
 * total of zero (btrfs, some network file systems) is unknown: the profile's cap is used then (handbook monitoring 7.2).
 */
export function parseDfInodes(text: string): Reading<DiskInodes> {
  const row = parseRow(text)
  if (!row.isKnown) return row
  const { header, filesystem, mount, cells } = row.value
  const isBsd = /\bifree\b/.test(header)
  if (!isBsd && !/\bInodes\b/i.test(header)) return unknown('the header of df names no inodes')
  const used = figure(cells[isBsd ? 4 : 1])
  const free = figure(cells[isBsd ? 5 : 2])
  const total = isBsd ? (used === null || free === null ? null : used + free) : figure(cells[0])
  if (total === null || used === null || free === null) return unknown('this file system reports no inodes')
  if (total <= 0) return unknown('this file system reports no inodes')
  if (used < 0 || free < 0 || used > total || free > total) return unknown('the figures of df -i contradict each other')
  return known({ filesystem, mount, total, used, free })
}

/** Share of the space that is used, 0 to 1, as df counts it: what is reserved for root counts as used up. */
export function bytesUsedFraction(disk: DiskBytes): number {
  const reachable = disk.usedBytes + disk.availableBytes
  return reachable === 0 ? 1 : disk.usedBytes / reachable
}

export function inodesUsedFraction(disk: DiskInodes): number {
  return disk.used / disk.total
}
