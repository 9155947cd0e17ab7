import { type Glyphs, unicodeGlyphs } from './glyphs.ts'
import { tableRows } from './markdown-table.ts'
import { oneLine, wrap } from './text-fit.ts'
import type { Token } from './theme.ts'

export interface MarkdownLine {
  readonly text: string
  readonly token: Token
}

/** Takes the marks out of running text and leaves its words: emphasis, links (with their address), images. */
export function inlineText(text: string): string {
  return text
    .replace(/!?\[([^\][]{0,500})\]\(([^()\s]{0,500})\)/g, (_, label: string, url: string) =>
      label === '' || label === url ? url : `${label} (${url})`,
    )
    .replace(/\*\*([^*]{1,500})\*\*/g, '$1')
    .replace(/(^|[\s(])[*_]([^*_\s][^*_]{0,500})[*_](?=[\s).,;:!?]|$)/g, '$1$2')
}

/**
 * A small part of Markdown as styled rows: headings, lists, task items, quotes, rules, tables; code stays as it is.
 * Meant for our own help and reports; anything else is shown as the text it is.
 */
export function markdownRows(source: string, width: number, glyphs: Glyphs = unicodeGlyphs): MarkdownLine[] {
  const rows: MarkdownLine[] = []
  let fence: string | null = null
  let paragraph: string[] = []
  let table: string[] = []
  const add = (text: string, token: Token = 'text.normal', indent = '') => {
    for (const row of wrap(text, width, indent)) rows.push({ text: row, token })
  }
  const flush = () => {
    if (paragraph.length > 0) add(inlineText(paragraph.join(' ')))
    paragraph = []
    for (const row of tableRows(table, width, inlineText))
      rows.push({ text: row.text, token: row.isHeading ? 'text.strong' : 'text.normal' })
    table = []
  }
  for (const raw of source.split(/\r\n|\r|\n/)) {
    const line = oneLine(raw.replaceAll('\t', '    ')).trimEnd()
    const mark = /^\s*(```+|~~~+)/.exec(line)
    if (fence !== null) {
      if (mark?.[1]?.startsWith(fence)) fence = null
      else rows.push({ text: line, token: 'text.muted' })
      continue
    }
    if (mark?.[1] !== undefined) {
      flush()
      fence = mark[1]
      continue
    }
    const heading = /^(#{1,6})\s+(.*)$/.exec(line)
    const item = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/.exec(line)
    const quote = /^\s*>\s?(.*)$/.exec(line)
    if (heading !== null) {
      flush()
      add(inlineText((heading[2] ?? '').replace(/\s+#+$/, '')), 'text.strong')
    } else if (/^\s*([-*_])(\s*\1){2,}$/.test(line)) {
      flush()
      rows.push({
        text: glyphs.rule.repeat(Math.max(1, Math.min(40, Number.isFinite(width) ? width : 40))),
        token: 'border',
      })
    } else if (item !== null) {
      flush()
      const sign = /^\d/.test(item[2] ?? '') ? item[2] : glyphs.bullet
      const box = /^\[([ xX])\]\s+(.*)$/.exec(item[3] ?? '')
      const body = box === null ? (item[3] ?? '') : box[2]
      const tick = box === null ? '' : box[1] === ' ' ? '[ ] ' : '[x] '
      const lead = `${item[1] ?? ''}${sign} ${tick}`
      add(lead + inlineText(body ?? ''), 'text.normal', ' '.repeat(lead.length))
    } else if (quote !== null) {
      flush()
      add(`${glyphs.divider} ${inlineText(quote[1] ?? '')}`, 'text.muted', `${glyphs.divider} `)
    } else if (/^\s*\|/.test(line)) {
      if (paragraph.length > 0) flush()
      table.push(line)
    } else if (line.trim() === '') {
      flush()
      if (rows.length > 0 && rows.at(-1)?.text !== '') rows.push({ text: '', token: 'text.normal' })
    } else {
      if (table.length > 0) flush()
      paragraph.push(line.trim())
    }
  }
  flush()
  while (rows.at(-1)?.text === '') rows.pop()
  return rows
}

/** The same as plain lines. */
export function markdownLines(source: string, width: number, glyphs: Glyphs = unicodeGlyphs): string[] {
  return markdownRows(source, width, glyphs).map((row) => row.text)
}
