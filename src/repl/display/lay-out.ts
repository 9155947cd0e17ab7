import type { DisplayLine, DisplaySpan } from '../types.ts'

/** A value cut into what may stand on one line and what may be broken over several. */
export type Node =
  | { readonly kind: 'leaf'; readonly spans: readonly DisplaySpan[] }
  | {
      readonly kind: 'group'
      readonly open: string
      readonly close: string
      readonly items: readonly { readonly key: readonly DisplaySpan[] | null; readonly value: Node }[]
    }

const plain = (text: string): DisplaySpan => ({ text, tone: 'plain' })
const lengthOf = (spans: readonly DisplaySpan[]) => spans.reduce((sum, each) => sum + each.text.length, 0)

/** On one line where it fits, else one item a line; short items of a list share lines. */
export function layOut(node: Node, width: number): readonly DisplayLine[] {
  return placed(node, width, 0)
}

function placed(node: Node, width: number, indent: number): readonly DisplayLine[] {
  if (node.kind === 'leaf') return [node.spans]
  const flat = inline(node, width - indent)
  if (flat !== null) return [flat]
  const pad = plain('  ')
  const lines: DisplayLine[] = [[plain(node.open)]]
  const isList = node.items.every((item) => item.key === null && item.value.kind === 'leaf')
  let row: DisplaySpan[] = []
  node.items.forEach((item, at) => {
    const comma = at < node.items.length - 1 ? [plain(',')] : []
    const room = width - indent - 2 - lengthOf(item.key ?? [])
    const inner = placed(item.value, room + indent, indent + 2)
    const first = [...(item.key ?? []), ...(inner[0] ?? [])]
    if (isList) {
      const piece = [...first, ...comma]
      if (row.length > 0 && lengthOf(row) + 1 + lengthOf(piece) > width - indent) {
        lines.push(row)
        row = []
      }
      row.push(row.length === 0 ? pad : plain(' '), ...piece)
      return
    }
    const whole = [first, ...inner.slice(1)]
    whole.forEach((line, n) => {
      lines.push([pad, ...line, ...(n === whole.length - 1 ? comma : [])])
    })
  })
  if (row.length > 0) lines.push(row)
  lines.push([plain(node.close)])
  return lines
}

/** The whole on one line; null when it does not fit. */
function inline(node: Node, room: number): readonly DisplaySpan[] | null {
  if (node.kind === 'leaf') return lengthOf(node.spans) <= room ? node.spans : null
  if (node.items.length === 0) return [plain(`${node.open}${node.close}`)]
  const isPadded = node.close === '}'
  const out: DisplaySpan[] = [plain(node.open + (isPadded ? ' ' : ''))]
  let used = lengthOf(out)
  for (const [at, item] of node.items.entries()) {
    if (at > 0) out.push(plain(', '))
    const value = inline(item.value, room - used)
    if (value === null) return null
    const key = item.key ?? []
    out.push(...key, ...value)
    used += lengthOf(key) + lengthOf(value) + (at > 0 ? 2 : 0)
    if (used > room) return null
  }
  out.push(plain(isPadded ? ' }' : node.close))
  return lengthOf(out) <= room ? out : null
}
