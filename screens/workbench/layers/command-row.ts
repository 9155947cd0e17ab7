import { completeLine, parseLine } from '../../../src/commands/line.ts'
import type { CommandSpec } from '../../../src/commands/types.ts'
import { editorAction, historyAction } from '../../../src/ui/editor-keys.ts'
import { type EditorState, makeEditor, reduceEditor } from '../../../src/ui/line-editor.ts'
import { parseLogFilter } from '../../../src/ui/log-filter.ts'
import type { Desk } from '../desk.ts'
import type { Overlay, Snapshot } from '../snapshot.ts'
import { type Prompt, paneOf } from '../ui-state.ts'
import { hintsOf, type Layer } from './layer.ts'

interface Open {
  readonly kind: 'command' | 'filter'
  readonly editor: EditorState
}

/** The row that is typed into: a `:` line or a `/` filter. A half-typed one comes back as it was left. */
export class CommandRowLayer implements Layer {
  readonly #desk: Desk
  readonly #run: (spec: CommandSpec, args: Readonly<Record<string, unknown>>) => void
  #open: Open | null = null
  /** What Tab found, shown behind the line until the next key. */
  #options = ''

  constructor(desk: Desk, run: (spec: CommandSpec, args: Readonly<Record<string, unknown>>) => void) {
    this.#desk = desk
    this.#run = run
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  open(kind: Open['kind']): void {
    const { ui } = this.#desk
    const editor = kind === 'command' ? makeEditor('', ui.history) : makeEditor(paneOf(ui, this.#desk.focus()).filter)
    this.#set({ kind, editor })
  }

  restore(prompt: Prompt, editor: EditorState): void {
    if (prompt.kind === 'command' || prompt.kind === 'filter') this.#open = { kind: prompt.kind, editor }
  }

  key(chord: string, text: string): void {
    const desk = this.#desk
    const open = this.#open
    if (open === null) return
    if (chord === 'esc' || chord === 'ctrl+c') {
      if (open.kind === 'filter') desk.do({ type: 'filter', pane: desk.focus(), filter: '' })
      this.#set(null)
    } else if (chord === 'enter') {
      this.#set(null)
      if (open.kind === 'command') this.#runLine(open.editor.text)
    } else if (open.kind === 'command' && chord === 'tab') {
      const { text: completed, options } = this.#completed(open.editor.text)
      this.#edit(open, reduceEditor(open.editor, { type: 'set', text: completed }))
      this.#options = options
    } else {
      const action = (open.kind === 'command' ? historyAction(chord) : null) ?? editorAction(chord, text)
      if (action !== null) this.#edit(open, reduceEditor(open.editor, action))
    }
  }

  paste(text: string): void {
    if (this.#open !== null) this.#edit(this.#open, reduceEditor(this.#open.editor, { type: 'insert', text }))
  }

  hints() {
    return hintsOf(
      this.#open?.kind === 'filter'
        ? `Enter keep, Esc clear, ${this.#filterHints()}`
        : 'Enter run, Tab complete, Up earlier, Esc cancel',
    )
  }

  #filterHints(): string {
    const pane = this.#desk.pane(this.#desk.focus())
    return (pane?.kind === 'table' ? pane.filterHints : undefined) ?? '! not, ~ nearly, /x/ regex'
  }

  /** It is drawn on its own row, not over the panes. */
  overlay(): Overlay | null {
    return null
  }

  view(): Snapshot['field'] {
    if (this.#open === null) return null
    const { kind, editor } = this.#open
    if (kind === 'command') return { sign: ':', editor, note: this.#options }
    return { sign: '/', editor, note: parseLogFilter(editor.text).error() ?? '' }
  }

  /** A filter takes hold while it is typed. */
  #edit(open: Open, editor: EditorState): void {
    this.#set({ ...open, editor })
    if (open.kind === 'filter') this.#desk.do({ type: 'filter', pane: this.#desk.focus(), filter: editor.text })
  }

  /** Remembers the half-typed line together with the rest of what is on screen. */
  #set(open: Open | null): void {
    this.#open = open
    this.#options = ''
    const prompt =
      open === null ? null : { kind: open.kind, text: open.editor.text, cursor: open.editor.cursor, index: 0 }
    this.#desk.do({ type: 'prompt', prompt })
  }

  #specs(): readonly CommandSpec[] {
    return this.#desk.registry.specs.filter((s) => s.where === 'global' || s.where.length > 0)
  }

  #completed(line: string): { readonly text: string; readonly options: string } {
    const options = completeLine(this.#specs(), line)
    if (options.length === 0) return { text: line, options: '' }
    let common = options[0] ?? ''
    for (const option of options) while (!option.startsWith(common)) common = common.slice(0, -1)
    const word = /\S+$/.exec(line)?.[0] ?? ''
    return {
      text: line.slice(0, line.length - word.length) + common + (options.length === 1 ? ' ' : ''),
      options: options.length > 1 ? `  ${options.slice(0, 12).join('  ')}` : '',
    }
  }

  #runLine(line: string): void {
    if (line.trim() === '') return
    this.#desk.do({ type: 'remember-line', line })
    const parsed = parseLine(this.#specs(), line)
    if (parsed.ok) this.#run(parsed.parsed.spec, parsed.parsed.args)
    else this.#desk.say(parsed.text, 'error')
  }
}
