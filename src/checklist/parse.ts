import { createHash } from 'node:crypto'
import { sanitiseLine } from '../text/sanitise.ts'

/** One task of a Markdown list. */
export interface ChecklistItem {
  /** Position among the tasks of the file, from 0. */
  readonly index: number
  /** From 1. */
  readonly line: number
  /** Offset in the file of the one byte between the brackets. */
  readonly byteOffset: number
  /** Number of list items it lies under. */
  readonly depth: number
  readonly isChecked: boolean
  /** Safe for the screen, without the trailing comment. */
  readonly text: string
  /** Nearest heading above, or null. */
  readonly heading: string | null
  /** From a trailing `<!-- id: … -->`; null when there is none. */
  readonly id: string | null
  /** Ids of the automatic checks whose last result is shown beside the box. */
  readonly checks: readonly string[]
  /** Letter that a tick is written with here: as it was found, so that un-ticking and ticking gives the same bytes. */
  readonly tickMark: 'x' | 'X'
}

export interface Checklist {
  /** First heading, or null. */
  readonly title: string | null
  readonly items: readonly ChecklistItem[]
  /** SHA-256 of the bytes that were parsed. */
  readonly sha256: string
}

const task = /^((?:[ \t]*>)*[ \t]*)([-*+]|\d{1,9}[.)])([ \t]+)(?:\[([ xX])\](?=[ \t]+\S))?/
const fence = /^(?:[ \t]*>)*[ \t]*(`{3,}|~{3,})/
const heading = /^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/
const comment = /<!--\s*([^>]*?)\s*-->\s*$/
const word = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/**
 * Finds the tasks of a Markdown text: `- [ ]`, `* [x]`, `1. [X]`, nested, in quotes, with CRLF or a byte order mark. Code
 * blocks and comments are passed over. Works on bytes, so offsets hold whatever the text contains.
 */
export function parseChecklist(source: Uint8Array | string): Checklist {
  const bytes = typeof source === 'string' ? Buffer.from(source) : Buffer.from(source)
  const raw = bytes.toString('latin1')
  const utf8 = (text: string) => sanitiseLine(Buffer.from(text, 'latin1'), 1000)
  const items: ChecklistItem[] = []
  let title: string | null = null
  let section: string | null = null
  let open: string | null = null
  let isInComment = false
  let parents: number[] = []
  let offset = raw.startsWith('\xef\xbb\xbf') ? 3 : 0
  let line = 0
  while (offset < raw.length) {
    const newline = raw.indexOf('\n', offset)
    const next = newline === -1 ? raw.length : newline + 1
    const text = raw.slice(offset, newline === -1 ? raw.length : newline).replace(/\r$/, '')
    const at = offset
    offset = next
    line++
    if (isInComment) {
      isInComment = !text.includes('-->')
      continue
    }
    const mark = fence.exec(text)?.[1]
    if (open !== null) {
      const isClosing = mark !== undefined && mark[0] === open[0] && mark.length >= open.length
      if (isClosing && text.trim().replace(/^>+\s*/, '') === mark) open = null
      continue
    }
    if (text.trim() === '') continue
    const match = task.exec(text)
    const indent = widthOf(match?.[1] ?? /^[ \t]*/.exec(text)?.[0] ?? '')
    if (match === null) {
      if (mark !== undefined) open = mark
      else if (/^\s*<!--/.test(text) && !text.includes('-->')) isInComment = true
      const name = heading.exec(text)?.[1]
      if (name !== undefined) {
        section = utf8(name)
        title ??= section
      }
      if (indent === 0) parents = []
      continue
    }
    while (parents.length > 0 && indent < (parents.at(-1) ?? 0)) parents.pop()
    // Four blanks without a list above are a code block.
    if (parents.length === 0 && indent >= 4) continue
    const [lead, , bullet = '', gap = '', box] = match
    const depth = parents.length
    parents.push(indent + bullet.length + (gap.length > 4 ? 1 : gap.length))
    if (box === undefined) continue
    const rest = text.slice(lead.length).trim()
    const note = readComment(comment.exec(rest)?.[1])
    items.push({
      index: items.length,
      line,
      byteOffset: at + lead.length - 2,
      depth,
      isChecked: box !== ' ',
      text: utf8(note === null ? rest : rest.replace(comment, '').trim()),
      heading: section,
      id: note?.id ?? null,
      checks: note?.checks ?? [],
      tickMark: box === 'X' ? 'X' : 'x',
    })
  }
  return { title, items, sha256: createHash('sha256').update(bytes).digest('hex') }
}

/** Columns of leading white space; a tab goes on to the next multiple of four, a quote mark counts for nothing. */
function widthOf(lead: string): number {
  let width = 0
  for (const char of lead) {
    if (char === '>') width = 0
    else width = char === '\t' ? width + 4 - (width % 4) : width + 1
  }
  return lead.includes('>') ? Math.max(0, width - 1) : width
}

/** `id: a.b checks: c.d, e.f`, or a bare id. Anything else is an ordinary comment. */
function readComment(body: string | undefined): { id: string | null; checks: readonly string[] } | null {
  if (body === undefined) return null
  if (word.test(body)) return { id: body, checks: [] }
  const id = /(?:^|\s)id:\s*(\S+)/.exec(body)?.[1]
  const list = /(?:^|\s)checks:\s*([A-Za-z0-9._,\s-]+?)\s*(?:$|\sid:)/.exec(body)?.[1]
  if (id === undefined && list === undefined) return null
  const checks = (list ?? '').split(/[\s,]+/).filter((check) => word.test(check))
  return { id: id !== undefined && word.test(id) ? id : null, checks }
}
