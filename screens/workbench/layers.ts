import { completeLine, parseLine } from '../../src/commands/line.ts'
import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import {
  type DialogAction,
  type DialogQuestion,
  type DialogState,
  openDialog,
  reduceDialog,
} from '../../src/ui/dialog-model.ts'
import { type FormAction, type FormState, makeForm, readForm, reduceForm } from '../../src/ui/form-model.ts'
import { type EditorState, makeEditor, reduceEditor } from '../../src/ui/line-editor.ts'
import { parseLogFilter } from '../../src/ui/log-filter.ts'
import type { Desk } from './desk.ts'
import { editorAction, historyAction } from './editor-keys.ts'
import { listRows } from './lists.ts'
import type { Hint, ListRow, Overlay, Snapshot } from './snapshot.ts'
import type { Prompt } from './ui-state.ts'
import { paneOf } from './ui-state.ts'

interface Field {
  readonly kind: 'command' | 'filter'
  readonly editor: EditorState
}
interface List {
  readonly kind: 'palette' | 'help'
  readonly editor: EditorState
  readonly index: number
}
type Run = (spec: CommandSpec, args: Readonly<Record<string, unknown>>, via: CommandEnvironment['via']) => void

/** What may lie over the screen and take its keys, in this order: question, form, list, text field. */
export class Layers {
  readonly #desk: Desk
  readonly #run: Run
  #dialog: { readonly state: DialogState; readonly resolve: (answer: string | null) => void } | null = null
  #form: { readonly spec: CommandSpec; readonly state: FormState } | null = null
  #list: List | null = null
  #field: Field | null = null
  /** What Tab found, shown behind the line until the next key. */
  #options = ''

  constructor(desk: Desk, run: Run) {
    this.#desk = desk
    this.#run = run
    this.#restore(desk.ui.prompt)
  }

  /** A half-typed line, palette or help comes back as it was left. */
  #restore(prompt: Prompt | null): void {
    if (prompt === null) return
    const editor = {
      ...makeEditor(prompt.text, this.#desk.ui.history),
      cursor: Math.min(prompt.cursor, prompt.text.length),
    }
    if (prompt.kind === 'command' || prompt.kind === 'filter') this.#field = { kind: prompt.kind, editor }
    else this.#list = { kind: prompt.kind, editor, index: prompt.index }
  }

  get hasQuestion(): boolean {
    return this.#dialog !== null || this.#form !== null
  }
  get hasList(): boolean {
    return this.#list !== null
  }

  /** Gives a key to the topmost layer; false when there is none. */
  key(chord: string, text: string): boolean {
    if (this.#dialog !== null) this.#dialogKey(chord, text)
    else if (this.#form !== null) this.#formKey(this.#form, chord, text)
    else if (this.#list !== null) this.#listKey(this.#list, chord, text)
    else if (this.#field !== null) this.#fieldKey(this.#field, chord, text)
    else return false
    return true
  }

  /** Pasted text goes into a field as it is: line ends in it run nothing. False when there is no field. */
  paste(text: string): boolean {
    const edit = { type: 'insert', text } as const
    if (this.#dialog !== null)
      this.#toDialog({ type: 'edit', edit, atMs: this.#desk.clock.monotonicMs(), isPaste: true })
    else if (this.#form !== null) this.#toForm({ type: 'edit', edit })
    else if (this.#list !== null)
      this.#setList({ ...this.#list, editor: reduceEditor(this.#list.editor, edit), index: 0 })
    else if (this.#field !== null) this.#edit(this.#field, reduceEditor(this.#field.editor, edit))
    else return false
    return true
  }

  scroll(by: number): void {
    if (this.#list !== null) this.#setList({ ...this.#list, index: Math.max(0, this.#list.index + by) })
  }

  ask(question: DialogQuestion): Promise<string | null> {
    return new Promise((resolve) => {
      this.#dialog?.resolve(null)
      this.#dialog = { state: openDialog(question), resolve }
      this.#desk.changed()
    })
  }

  openForm(spec: CommandSpec, given: Readonly<Record<string, unknown>>): void {
    this.#form = { spec, state: makeForm(spec.args, given) }
    this.#desk.changed()
  }

  openField(kind: Field['kind']): void {
    const { ui } = this.#desk
    const editor = kind === 'command' ? makeEditor('', ui.history) : makeEditor(paneOf(ui, this.#desk.focus()).filter)
    this.#setField({ kind, editor })
  }

  openList(kind: List['kind']): void {
    this.#setList({ kind, editor: makeEditor(), index: 0 })
  }

  /** The frame with the newest question has reached the terminal: from now on its keys count. */
  painted(): void {
    if (this.#dialog?.state.paintedAtMs === null)
      this.#toDialog({ type: 'painted', atMs: this.#desk.clock.monotonicMs() })
  }

  close(): void {
    this.#dialog?.resolve(null)
  }

  overlay(): Overlay | null {
    if (this.#dialog !== null) return { kind: 'dialog', state: this.#dialog.state }
    if (this.#form !== null) return { kind: 'form', title: this.#form.spec.title, state: this.#form.state }
    if (this.#list === null) return null
    const rows = this.#rows(this.#list)
    const title = this.#list.kind === 'palette' ? 'Commands' : `Keys and commands of ${this.#desk.screen().model.title}`
    return {
      kind: 'list',
      title,
      editor: this.#list.editor,
      rows,
      index: Math.max(0, Math.min(this.#list.index, rows.length - 1)),
    }
  }

  /** Keys of the topmost layer; null when there is none and the screen's own hold. */
  hints(): readonly Hint[] | null {
    const keys = (text: string) =>
      text.split(', ').map((pair): Hint => {
        const [key = '', ...words] = pair.split(' ')
        return { key, text: words.join(' '), isDisabled: false }
      })
    if (this.#dialog !== null)
      return keys(
        this.#dialog.state.question.kind === 'confirm'
          ? 'y yes, n no, Enter accept, Esc cancel'
          : 'Enter accept, Esc cancel',
      )
    if (this.#form !== null) return keys('Tab next, Shift-Tab back, Enter accept, Esc cancel')
    if (this.#list !== null) return keys('Up/Down choose, Enter run, Esc close')
    if (this.#field === null) return null
    return keys(
      this.#field.kind === 'command'
        ? 'Enter run, Tab complete, Up earlier, Esc cancel'
        : 'Enter keep, Esc clear, ! not, ~ nearly, /x/ regex',
    )
  }

  fieldView(): Snapshot['field'] {
    if (this.#field === null) return null
    const { kind, editor } = this.#field
    if (kind === 'command') return { sign: ':', editor, note: this.#options }
    return { sign: '/', editor, note: parseLogFilter(editor.text).error() ?? '' }
  }

  // ── text field ──────────────────────────────────────────────────────────────────────────────────────────────────

  #fieldKey(field: Field, chord: string, text: string): void {
    const desk = this.#desk
    if (chord === 'esc' || chord === 'ctrl+c') {
      if (field.kind === 'filter') desk.do({ type: 'filter', pane: desk.focus(), filter: '' })
      this.#setField(null)
    } else if (chord === 'enter') {
      this.#setField(null)
      if (field.kind === 'command') this.#runLine(field.editor.text)
    } else if (field.kind === 'command' && chord === 'tab') {
      const { text: completed, options } = this.#completed(field.editor.text)
      this.#edit(field, reduceEditor(field.editor, { type: 'set', text: completed }))
      this.#options = options
    } else {
      const action = (field.kind === 'command' ? historyAction(chord) : null) ?? editorAction(chord, text)
      if (action !== null) this.#edit(field, reduceEditor(field.editor, action))
    }
  }

  /** A filter takes hold while it is typed. */
  #edit(field: Field, editor: EditorState): void {
    this.#setField({ ...field, editor })
    if (field.kind === 'filter') this.#desk.do({ type: 'filter', pane: this.#desk.focus(), filter: editor.text })
  }

  /** Remembers the half-typed line together with the rest of what is on screen. */
  #setField(field: Field | null): void {
    this.#field = field
    this.#options = ''
    const prompt =
      field === null ? null : { kind: field.kind, text: field.editor.text, cursor: field.editor.cursor, index: 0 }
    this.#desk.do({ type: 'prompt', prompt })
  }

  #lineSpecs(): readonly CommandSpec[] {
    return this.#desk.registry.specs.filter((s) => s.where === 'global' || s.where.length > 0)
  }

  #completed(line: string): { readonly text: string; readonly options: string } {
    const options = completeLine(this.#lineSpecs(), line)
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
    const parsed = parseLine(this.#lineSpecs(), line)
    if (parsed.ok) this.#run(parsed.parsed.spec, parsed.parsed.args, 'command-line')
    else this.#desk.say(parsed.text, 'error')
  }

  // ── list: palette and help ──────────────────────────────────────────────────────────────────────────────────────

  #listKey(list: List, chord: string, text: string): void {
    const rows = this.#rows(list)
    const go = (by: number) =>
      this.#setList({ ...list, index: Math.max(0, Math.min(rows.length - 1, list.index + by)) })
    if (chord === 'esc' || chord === 'ctrl+c') this.#setList(null)
    else if (chord === 'down' || chord === 'ctrl+n' || chord === 'tab') go(1)
    else if (chord === 'up' || chord === 'ctrl+p' || chord === 'shift+tab') go(-1)
    else if (chord === 'pagedown') go(10)
    else if (chord === 'pageup') go(-10)
    else if (chord === 'enter') {
      const row = rows[Math.min(list.index, rows.length - 1)]
      this.#setList(null)
      const spec = row === undefined ? undefined : this.#desk.registry.get(row.id)
      if (spec !== undefined) this.#run(spec, {}, 'palette')
    } else {
      const action = editorAction(chord, text)
      if (action !== null) this.#setList({ ...list, editor: reduceEditor(list.editor, action), index: 0 })
    }
  }

  #setList(list: List | null): void {
    this.#list = list
    const prompt =
      list === null ? null : { kind: list.kind, text: list.editor.text, cursor: list.editor.cursor, index: list.index }
    this.#desk.do({ type: 'prompt', prompt })
  }

  #rows(list: List): readonly ListRow[] {
    const { registry, keymap, theme } = this.#desk
    return listRows(list.kind, list.editor.text, registry, keymap, this.#desk.commandState(), theme.glyphs.isUnicode)
  }

  // ── question and form ───────────────────────────────────────────────────────────────────────────────────────────

  #dialogKey(chord: string, text: string): void {
    const atMs = this.#desk.clock.monotonicMs()
    const isConfirm = this.#dialog?.state.question.kind === 'confirm'
    if (chord === 'esc' || chord === 'ctrl+c') this.#toDialog({ type: 'cancel', atMs })
    else if (chord === 'enter') this.#toDialog({ type: 'accept', atMs })
    else if (isConfirm && ['left', 'right', 'tab', 'shift+tab'].includes(chord))
      this.#toDialog({ type: 'choose', atMs })
    else if (isConfirm && (chord === 'y' || chord === 'n'))
      this.#toDialog({ type: 'choose', choice: chord === 'y' ? 'yes' : 'no', atMs })
    else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#toDialog({ type: 'edit', edit, atMs })
    }
  }

  #toDialog(action: DialogAction): void {
    if (this.#dialog === null) return
    const { resolve } = this.#dialog
    const state = reduceDialog(this.#dialog.state, action)
    this.#dialog = state.outcome === 'open' ? { state, resolve } : null
    if (state.outcome === 'cancelled') resolve(null)
    if (state.outcome === 'accepted') resolve(state.question.kind === 'confirm' ? 'yes' : state.editor.text)
    this.#desk.changed()
  }

  #formKey(form: { readonly spec: CommandSpec; readonly state: FormState }, chord: string, text: string): void {
    const { fields, index, lines } = form.state
    const isLast = index === fields.length - 1
    const hasLine = lines[fields[index]?.name ?? ''] !== undefined
    if (chord === 'esc' || chord === 'ctrl+c') this.#form = null
    else if (chord === 'tab' || chord === 'down' || (chord === 'enter' && !isLast))
      this.#toForm({ type: 'field', by: 1 })
    else if (chord === 'shift+tab' || chord === 'up') this.#toForm({ type: 'field', by: -1 })
    else if (chord === 'enter') this.#submitForm(form)
    else if (!hasLine && ['left', 'right', 'space'].includes(chord))
      this.#toForm({ type: 'choose', by: chord === 'left' ? -1 : 1 })
    else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#toForm({ type: 'edit', edit })
    }
  }

  #submitForm(form: { readonly spec: CommandSpec; readonly state: FormState }): void {
    const read = readForm(form.spec.args, form.state)
    if (!read.isValid) return this.#toForm({ type: 'errors', errors: read.errors })
    this.#form = null
    this.#run(form.spec, read.values, 'key')
  }

  #toForm(action: FormAction): void {
    if (this.#form !== null) this.#form = { ...this.#form, state: reduceForm(this.#form.state, action) }
  }
}
