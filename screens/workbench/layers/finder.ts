import type { CommandSpec } from '../../../src/commands/types.ts'
import { editorAction } from '../../../src/ui/editor-keys.ts'
import { type EditorState, makeEditor, reduceEditor } from '../../../src/ui/line-editor.ts'
import type { Desk } from '../desk.ts'
import { listRows } from '../lists.ts'
import type { ListRow, Overlay } from '../snapshot.ts'
import type { Prompt } from '../ui-state.ts'
import { hintsOf, type Layer } from './layer.ts'

interface Open {
  readonly kind: 'palette' | 'help'
  readonly editor: EditorState
  readonly index: number
}

/** Palette and help: finds a command by a few of its letters and runs it. Comes back as it was left. */
export class FinderLayer implements Layer {
  readonly #desk: Desk
  readonly #run: (spec: CommandSpec) => void
  #open: Open | null = null

  constructor(desk: Desk, run: (spec: CommandSpec) => void) {
    this.#desk = desk
    this.#run = run
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  open(kind: Open['kind']): void {
    this.#set({ kind, editor: makeEditor(), index: 0 })
  }

  restore(prompt: Prompt, editor: EditorState): void {
    if (prompt.kind === 'palette' || prompt.kind === 'help')
      this.#open = { kind: prompt.kind, editor, index: prompt.index }
  }

  scroll(by: number): void {
    if (this.#open !== null) this.#set({ ...this.#open, index: Math.max(0, this.#open.index + by) })
  }

  key(chord: string, text: string): void {
    const open = this.#open
    if (open === null) return
    const rows = this.#rows(open)
    const go = (by: number) => this.#set({ ...open, index: Math.max(0, Math.min(rows.length - 1, open.index + by)) })
    if (chord === 'esc' || chord === 'ctrl+c') this.#set(null)
    else if (chord === 'down' || chord === 'ctrl+n' || chord === 'tab') go(1)
    else if (chord === 'up' || chord === 'ctrl+p' || chord === 'shift+tab') go(-1)
    else if (chord === 'pagedown') go(10)
    else if (chord === 'pageup') go(-10)
    else if (chord === 'enter') {
      const row = rows[Math.min(open.index, rows.length - 1)]
      this.#set(null)
      const spec = row === undefined ? undefined : this.#desk.registry.get(row.id)
      if (spec !== undefined) this.#run(spec)
    } else {
      const action = editorAction(chord, text)
      if (action !== null) this.#set({ ...open, editor: reduceEditor(open.editor, action), index: 0 })
    }
  }

  paste(text: string): void {
    if (this.#open !== null)
      this.#set({ ...this.#open, editor: reduceEditor(this.#open.editor, { type: 'insert', text }), index: 0 })
  }

  hints() {
    return hintsOf('Up/Down choose, Enter run, Esc close')
  }

  overlay(): Overlay | null {
    if (this.#open === null) return null
    const rows = this.#rows(this.#open)
    const title = this.#open.kind === 'palette' ? 'Commands' : `Keys and commands of ${this.#desk.screen().model.title}`
    const index = Math.max(0, Math.min(this.#open.index, rows.length - 1))
    return { kind: 'list', title, editor: this.#open.editor, rows, index }
  }

  #set(open: Open | null): void {
    this.#open = open
    const prompt =
      open === null ? null : { kind: open.kind, text: open.editor.text, cursor: open.editor.cursor, index: open.index }
    this.#desk.do({ type: 'prompt', prompt })
  }

  #rows({ kind, editor }: Open): readonly ListRow[] {
    const { registry, keymap, theme } = this.#desk
    return listRows(kind, editor.text, registry, keymap, this.#desk.commandState(), theme.glyphs.isUnicode)
  }
}
