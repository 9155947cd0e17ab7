import stringWidth from 'string-width'

/** Where text stands inside the cells it is given. */
export type Align = 'left' | 'right' | 'center'

const ascii = /^[\x20-\x7e]*$/
/** Controls, and the two separators that some terminals take for line ends. One of them in a row would break the screen. */
const breaking = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Only short strings are kept as keys: a large cache key is a leak (handbook terminal 6.15). */
const longestCachedText = 256
const cacheSize = 4096
const widthCache = new Map<string, number>()
const cutCache = new Map<string, string>()

function remember<V>(cache: Map<string, V>, key: string, value: V): V {
  if (cache.size >= cacheSize) cache.clear()
  cache.set(key, value)
  return value
}

/** True when every character is printable ASCII, so that its length is its width. */
export function isAscii(text: string): boolean {
  return ascii.test(text)
}

/** Replaces line ends, tabs and control characters by one space each run, so that the text stays in its row. */
export function oneLine(text: string): string {
  return isAscii(text) ? text : text.replace(breaking, ' ')
}

/** Width in terminal cells, by the rule that Ink's layout uses. */
export function textWidth(text: string): number {
  if (isAscii(text)) return text.length
  if (text.length > longestCachedText) return stringWidth(text)
  return widthCache.get(text) ?? remember(widthCache, text, stringWidth(text))
}

/** Splits text into what a person sees as single characters. */
export function graphemes(text: string): string[] {
  if (isAscii(text)) return text.split('')
  return Array.from(segmenter.segment(text), (part) => part.segment)
}

/** Longest beginning that is not wider than `width` cells. */
function head(text: string, width: number): string {
  if (isAscii(text)) return text.slice(0, Math.max(0, width))
  let taken = 0
  let end = 0
  for (const { segment, index } of segmenter.segment(text)) {
    taken += textWidth(segment)
    if (taken > width) break
    end = index + segment.length
  }
  return text.slice(0, end)
}

/** Longest end that is not wider than `width` cells. */
function tail(text: string, width: number): string {
  if (width <= 0) return ''
  if (isAscii(text)) return text.slice(Math.max(0, text.length - width))
  const parts = graphemes(text)
  let taken = 0
  let start = parts.length
  while (start > 0) {
    taken += textWidth(parts[start - 1] ?? '')
    if (taken > width) break
    start -= 1
  }
  return parts.slice(start).join('')
}

function cutFresh(text: string, width: number, ellipsis: string): string {
  const line = oneLine(text)
  if (textWidth(line) <= width) return line
  const room = width - textWidth(ellipsis)
  // Without any sign a cut number would read as another number.
  if (room < 0) return head(line, width)
  return head(line, room) + ellipsis
}

/**
 * Makes one row of text at most `width` cells wide. What is left out shows as the ellipsis, where there is room for it.
 * A wide character is never halved.
 */
export function cut(text: string, width: number, ellipsis = '…'): string {
  if (width <= 0) return ''
  if (text.length <= width && isAscii(text)) return text
  if (text.length > longestCachedText) {
    // A cell is at least a tenth of a code unit in any real text; the rest cannot be seen and is not worth segmenting.
    return cutFresh(text.length > width * 10 + 64 ? text.slice(0, width * 10 + 64) : text, width, ellipsis)
  }
  const key = `${width}\0${ellipsis}\0${text}`
  return cutCache.get(key) ?? remember(cutCache, key, cutFresh(text, width, ellipsis))
}

/** Adds blanks up to `width` cells; wider text is returned as it is. */
export function pad(text: string, width: number, align: Align = 'left'): string {
  const missing = width - textWidth(text)
  if (missing <= 0) return text
  if (align === 'left') return text + ' '.repeat(missing)
  if (align === 'right') return ' '.repeat(missing) + text
  const before = Math.floor(missing / 2)
  return ' '.repeat(before) + text + ' '.repeat(missing - before)
}

/** Exactly `width` cells: cut when too wide, padded when too narrow. Numbers belong to the right. */
export function toWidth(text: string, width: number, align: Align = 'left', ellipsis = '…'): string {
  return pad(cut(text, width, ellipsis), Math.max(0, width), align)
}

/** Shortens a path in its middle, keeping the file name as long as anything can be kept. */
export function cutMiddle(path: string, width: number, ellipsis = '…'): string {
  const line = oneLine(path)
  if (textWidth(line) <= width) return line
  const room = width - textWidth(ellipsis)
  if (room < 2) return tail(line, Math.max(0, width))
  const name = line.slice(line.lastIndexOf('/'))
  const end = tail(line, Math.min(room, Math.max(textWidth(name), Math.ceil(room / 2))))
  return head(line, room - textWidth(end)) + ellipsis + end
}

/**
 * Breaks text into rows of at most `width` cells, at blanks where there are any. Line ends in the text stay line ends.
 * `indent` stands before every row but the first of each line.
 */
export function wrap(text: string, width: number, indent = ''): string[] {
  const rows: string[] = []
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = oneLine(raw).trimEnd()
    if (!Number.isFinite(width) || textWidth(line) <= width) rows.push(line)
    else rows.push(...wrapLine(line, Math.max(1, Math.floor(width)), indent))
  }
  return rows
}

function wrapLine(line: string, width: number, indent: string): string[] {
  const usedIndent = textWidth(indent) < width - 1 ? indent : ''
  const rows: string[] = []
  const lead = line.slice(0, line.length - line.trimStart().length)
  let row = textWidth(lead) < width ? lead : ''
  let hasWord = false
  const flush = () => {
    rows.push(row.trimEnd())
    row = usedIndent
    hasWord = false
  }
  for (const word of line.trimStart().split(/ +/)) {
    const gap = hasWord ? 1 : 0
    if (textWidth(row) + gap + textWidth(word) <= width) {
      row += (hasWord ? ' ' : '') + word
      hasWord = true
      continue
    }
    if (hasWord) flush()
    let rest = word
    while (textWidth(row) + textWidth(rest) > width) {
      const room = width - textWidth(row)
      // One character wider than the row still has to go somewhere; the cut at the screen's edge takes care of it.
      const piece = head(rest, room) || (graphemes(rest)[0] ?? '')
      row += piece
      rest = rest.slice(piece.length)
      flush()
      if (rest === '') break
    }
    if (rest !== '') {
      row += rest
      hasWord = true
    }
  }
  if (hasWord || rows.length === 0) rows.push(row.trimEnd())
  return rows
}
