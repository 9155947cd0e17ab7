import type { EditorState } from './line-editor.ts'

export interface EditorRow {
  readonly id: string
  readonly text: string
  readonly isCursor: boolean
  readonly isFirst: boolean
}

/** The lines of a text that is written, as many as there is room for around the cursor, and in which column it stands. */
export function editorRows(
  { text, cursor }: Pick<EditorState, 'text' | 'cursor'>,
  room: number,
): { readonly rows: readonly EditorRow[]; readonly column: number } {
  const lines = text.split('\n')
  const before = text.slice(0, cursor).split('\n')
  const row = before.length - 1
  const top = Math.max(0, Math.min(row - Math.floor(room / 2), lines.length - room))
  const rows = lines.map((line, at) => ({ id: `row ${at}`, text: line, isCursor: at === row, isFirst: at === 0 }))
  return { rows: rows.slice(top, top + room), column: before.at(-1)?.length ?? 0 }
}
