import type { Style, StyleTable } from './sgr.ts'
import { clusterWidth, isSimpleNarrow, isSimpleWide } from './width.ts'

/**
 * One screen row as cells. A wide glyph stands in its first cell; the second holds an empty string. Trailing blanks
 * without style are cut, so `width` is the last cell that differs from an erased one, plus one.
 */
export interface Row {
  readonly texts: readonly string[]
  readonly styles: readonly Style[]
  readonly width: number
  /** First cell whose glyph terminals may draw wider or narrower than we count; infinity when all agree. */
  readonly doubtfulFrom: number
}

/** What the gate took out of a row or a frame. */
export interface GateCount {
  dropped: number
}

/** Longest grapheme let through, in UTF-16 units; the longest emoji families need about 30. */
const LONGEST_CLUSTER = 40
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
/** Bidirectional controls, separators, invisible operators, and everything a terminal might act on. */
const forbidden =
  /[\u0000-\u001f\u007f-\u009f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\u{e0001}]/u
const invisible = /^[\p{Default_Ignorable_Code_Point}\p{Mark}]+$/u

/**
 * Reads one row of a frame into cells, clipped to `columns`.
 *
 * This is the last gate before the terminal (reliability, promise P8): from the text only printable graphemes come
 * through, from escape sequences only colours and attributes. Everything else is dropped and counted.
 */
export function parseRow(source: string, columns: number, table: StyleTable, count: GateCount): Row {
  const texts: string[] = []
  const styles: Style[] = []
  let style = table.plain
  let doubtfulFrom = Number.POSITIVE_INFINITY
  let at = 0

  const put = (text: string, width: number, isDoubtful: boolean): boolean => {
    if (texts.length + width > columns) return false
    if (isDoubtful && texts.length < doubtfulFrom) doubtfulFrom = texts.length
    texts.push(text)
    styles.push(style)
    for (let extra = 1; extra < width; extra += 1) {
      texts.push('')
      styles.push(style)
    }
    return true
  }

  while (at < source.length && texts.length < columns) {
    const code = source.charCodeAt(at)
    if (code === 0x1b) {
      const end = endOfEscape(source, at)
      if (isSgr(source, at, end)) {
        const next = table.apply(style, source.slice(at + 2, end - 1))
        if (next === null) count.dropped += 1
        else style = next
      } else count.dropped += 1
      at = end
      continue
    }
    const next = at + 1 < source.length ? source.charCodeAt(at + 1) : 0x20
    if (isSimpleNarrow(code) && (next < 0x300 || isSimpleNarrow(next) || isSimpleWide(next))) {
      put(source.charAt(at), 1, false)
      at += 1
      continue
    }
    if (isSimpleWide(code) && (next < 0x300 || isSimpleWide(next))) {
      if (!put(source.charAt(at), 2, false)) break
      at += 1
      continue
    }
    let end = at + 1
    while (end < source.length && source.charCodeAt(end) !== 0x1b) end += 1
    const run = source.slice(at, end)
    let used = 0
    let isFull = false
    for (const { segment } of segmenter.segment(run)) {
      const first = segment.charCodeAt(0)
      // Back to the fast path once plain text goes on.
      if (used > 0 && segment.length === 1 && first >= 0x20 && first < 0x7f) break
      used += segment.length
      if (!putCluster(segment, put, count)) {
        isFull = true
        break
      }
    }
    if (isFull) break
    at += used
  }
  return trim(texts, styles, doubtfulFrom, table.plain)
}

/** False when the row is full. */
function putCluster(
  segment: string,
  put: (text: string, width: number, isDoubtful: boolean) => boolean,
  count: GateCount,
): boolean {
  let cluster = segment
  if (forbidden.test(cluster)) {
    count.dropped += 1
    cluster = cluster.replace(new RegExp(forbidden, 'gu'), '')
    if (cluster === '') return true
  }
  if (invisible.test(cluster) || cluster.length > LONGEST_CLUSTER) {
    count.dropped += 1
    return true
  }
  cluster = cluster.toWellFormed()
  const width = clusterWidth(cluster)
  if (width === 0) {
    count.dropped += 1
    return true
  }
  const code = cluster.charCodeAt(0)
  const isDoubtful = cluster.length > 1 || !(isSimpleNarrow(code) || isSimpleWide(code))
  return put(cluster, width, isDoubtful)
}

/** One past the last character of the escape sequence that begins at `at`, by the shape of ECMA-48. */
function endOfEscape(source: string, at: number): number {
  const kind = source.charCodeAt(at + 1)
  if (Number.isNaN(kind)) return at + 1
  // CSI: parameters and intermediates up to a final byte.
  if (kind === 0x5b) {
    for (let end = at + 2; end < source.length; end += 1) {
      const code = source.charCodeAt(end)
      if (code >= 0x40 && code <= 0x7e) return end + 1
      if (code < 0x20 || code > 0x7e) return end
    }
    return source.length
  }
  // OSC, DCS, SOS, PM, APC: a string up to BEL or ST. One that never ends takes the rest of the row with it.
  if (kind === 0x5d || kind === 0x50 || kind === 0x58 || kind === 0x5e || kind === 0x5f) {
    for (let end = at + 2; end < source.length; end += 1) {
      const code = source.charCodeAt(end)
      if (code === 0x07 || code === 0x9c) return end + 1
      if (code === 0x1b) return source.charCodeAt(end + 1) === 0x5c ? end + 2 : end
    }
    return source.length
  }
  // Escape with intermediates, such as a character set choice: ESC ( 0.
  let end = at + 1
  while (end < source.length && source.charCodeAt(end) >= 0x20 && source.charCodeAt(end) <= 0x2f) end += 1
  const final = source.charCodeAt(end)
  return final >= 0x30 && final <= 0x7e ? end + 1 : Math.max(at + 1, end)
}

function isSgr(source: string, at: number, end: number): boolean {
  return source.charCodeAt(at + 1) === 0x5b && source.charCodeAt(end - 1) === 0x6d && end - at >= 3
}

function trim(texts: string[], styles: Style[], doubtfulFrom: number, plain: Style): Row {
  let width = texts.length
  while (width > 0 && texts[width - 1] === ' ' && isBlankStyle(styles[width - 1] ?? plain)) width -= 1
  texts.length = width
  styles.length = width
  return { texts, styles, width, doubtfulFrom: doubtfulFrom < width ? doubtfulFrom : Number.POSITIVE_INFINITY }
}

/** A space in this style looks like an erased cell: no background, nothing inverted, underlined or struck. */
function isBlankStyle(style: Style): boolean {
  return style.background === '' && (style.attributes & (8 | 16 | 32)) === 0
}

/** An empty row. */
export const blankRow: Row = { texts: [], styles: [], width: 0, doubtfulFrom: Number.POSITIVE_INFINITY }
