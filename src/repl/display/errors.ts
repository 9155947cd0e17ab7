import { types } from 'node:util'
import type { DisplayLine, DisplaySpan } from '../types.ts'
import { className, dataProperty, ownEntries } from './shapes.ts'

export interface ErrorFrames {
  /** Code by entry, to show the line that an error points at. */
  readonly sourceOf?: (cell: number) => string | null
}

const line = (text: string, tone: DisplaySpan['tone'] = 'plain'): DisplayLine => [{ text, tone }]
const frame = /^\s*at (?:(.*?) \()?(?:eval at .*?, )?(?:[^()]*?)cell-(\d+):(\d+):(\d+)\)?$/

/** An error with its cause, and of its stack the frames of what the person wrote: the rest is ours and Node's. */
export function errorLines(error: unknown, frames: ErrorFrames, depth = 0): readonly DisplayLine[] {
  if (!types.isNativeError(error)) return [line(String(error), 'error')]
  const message = dataProperty(error, 'message')
  const name = dataProperty(error, 'name')
  const said = typeof name === 'string' && name !== '' && name !== 'Error' ? name : (className(error) ?? 'Error')
  const text = typeof message === 'string' ? message : ''
  const lines: DisplayLine[] = `${said}${text === '' ? '' : `: ${text}`}`.split('\n').map((part) => line(part, 'error'))
  lines.push(...framesOf(error, frames))
  const extra = ownEntries(error, 8, false).entries.filter(
    ({ key, descriptor }) =>
      typeof key === 'string' && ['string', 'number', 'boolean'].includes(typeof descriptor.value),
  )
  for (const { key, descriptor } of extra) lines.push(line(`  ${String(key)}: ${String(descriptor.value)}`, 'muted'))
  if (depth >= 3) return lines
  const cause = dataProperty(error, 'cause')
  if (cause !== undefined) lines.push(...nested('caused by ', cause, frames, depth))
  const errors = dataProperty(error, 'errors')
  if (Array.isArray(errors))
    for (const each of errors.slice(0, 5)) lines.push(...nested('one of them: ', each, frames, depth))
  return lines
}

function nested(label: string, error: unknown, frames: ErrorFrames, depth: number): readonly DisplayLine[] {
  return errorLines(error, frames, depth + 1).map((each, at) => [
    { text: at === 0 ? `  ${label}` : '  ', tone: 'muted' },
    ...each,
  ])
}

function framesOf(error: Error, { sourceOf }: ErrorFrames): readonly DisplayLine[] {
  let stack: unknown
  try {
    stack = error.stack
  } catch {
    return []
  }
  if (typeof stack !== 'string') return []
  const lines: DisplayLine[] = []
  for (const each of stack.split('\n')) {
    const found = frame.exec(each)
    if (found === null) continue
    const [, where = '', cell = '', row = '', column = ''] = found
    if (lines.length >= 10) break
    const name = where.replace(/^async /, '')
    lines.push(line(`  at ${name === '' ? '' : `${name}, `}entry ${cell}, line ${row}, column ${column}`, 'muted'))
    const code = sourceOf?.(Number(cell))?.split('\n')[Number(row) - 1]
    if (lines.length === 1 && code !== undefined && code !== null && code.length <= 200 && code.trim() !== '')
      lines.push(line(`     ${code.trim()}`, 'muted'))
  }
  return lines
}
