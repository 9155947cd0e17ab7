import { wrap } from '../../src/ui/text-fit.ts'
import type { Message } from './snapshot.ts'

/** A message laid out for the rows above the command row. */
export interface MessageBlock {
  readonly lines: readonly string[]
  /** False: the rest is in the view that `message.show` opens. */
  readonly isWhole: boolean
}

const words = { info: '', warn: 'warning: ', error: 'error: ' } as const

/** Rows that a message may take: what happened, why and what to do next, without hiding what it speaks about. */
export function messageRowLimit(rows: number): number {
  return Math.max(1, Math.min(8, Math.floor(rows / 4)))
}

/** Every row of a message at a width, with the word that says how grave it is. */
export function messageLines(message: Message, columns: number): readonly string[] {
  return wrap(words[message.tone] + message.text, columns, '  ')
}

/**
 * Rows that it takes above the command row. It gives that row up to what is typed, and stays readable: what it advises
 * may be the very thing that is being typed.
 */
export function rowsAbove(block: MessageBlock | null, isTyping: boolean): number {
  return block === null ? 0 : block.lines.length - (isTyping ? 0 : 1)
}

/** The message as it stands on the screen; one that is too long ends with how to read the rest. */
export function messageBlock(
  message: Message,
  size: { readonly columns: number; readonly rows: number },
  /** Key that shows it whole; empty when none is bound. */
  key: string,
): MessageBlock {
  const all = messageLines(message, size.columns)
  const limit = messageRowLimit(size.rows)
  if (all.length <= limit) return { lines: all, isWhole: true }
  const rest = `${all.length - limit + 1} more rows: ${key === '' ? ':message.show' : key} shows all`
  return { lines: [...all.slice(0, limit - 1), rest], isWhole: false }
}
