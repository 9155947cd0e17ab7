import { sanitiseLine } from '../text/sanitise.ts'

/** A piece of a line, or a verdict that stands out in it. Text is plain: who draws it escapes it. */
export type Inline = string | { readonly strong: string }
export type Line = string | readonly Inline[]

/** A part of a report, before anybody decided how it is written down. */
export type Block =
  | { readonly kind: 'heading'; readonly level: 1 | 2; readonly text: string }
  | { readonly kind: 'text'; readonly line: Line }
  | { readonly kind: 'list'; readonly lines: readonly Line[] }
  | { readonly kind: 'table'; readonly header: readonly string[]; readonly rows: readonly (readonly Line[])[] }
  /** Drawn with characters of one width: curves. */
  | { readonly kind: 'plot'; readonly lines: readonly string[] }

export const heading = (text: string, level: 1 | 2 = 2): Block => ({ kind: 'heading', level, text })
export const text = (line: Line): Block => ({ kind: 'text', line })
export const list = (lines: readonly Line[]): Block => ({ kind: 'list', lines })
export const table = (header: readonly string[], rows: readonly (readonly Line[])[]): Block => ({
  kind: 'table',
  header,
  rows,
})

/** Foreign text for one place in a line: no control characters, no line breaks, not longer than can be read. */
export const foreign = (value: string): string => sanitiseLine(value.replaceAll(/[\r\n]+/g, ' '), 200)

/** Marks that Markdown or a table in it would take for its own. */
const escaped = (value: string) => value.replaceAll(/[\\`*_[\]<>|#]/g, (mark) => `\\${mark}`)

const inMarkdown = (line: Line): string =>
  typeof line === 'string'
    ? escaped(line)
    : line.map((piece) => (typeof piece === 'string' ? escaped(piece) : `**${escaped(piece.strong)}**`)).join('')

/** Blocks as Markdown that pastes into a pull request. */
export function markdownOf(blocks: readonly Block[]): string {
  return `${blocks.map(blockInMarkdown).join('\n\n')}\n`
}

function blockInMarkdown(block: Block): string {
  if (block.kind === 'heading') return `${'#'.repeat(block.level)} ${escaped(block.text)}`
  if (block.kind === 'text') return inMarkdown(block.line)
  if (block.kind === 'list') return block.lines.map((line) => `- ${inMarkdown(line)}`).join('\n')
  if (block.kind === 'plot')
    return `\`\`\`text\n${block.lines.map((line) => line.replaceAll('`', "'")).join('\n')}\n\`\`\``
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    row(block.header.map(escaped)),
    row(block.header.map(() => '---')),
    ...block.rows.map((cells) => row(cells.map(inMarkdown))),
  ].join('\n')
}
