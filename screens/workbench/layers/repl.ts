import type { DisplayLine, OpenPrompt, Tone } from '../../../src/repl/types.ts'
import { editorAction } from '../../../src/ui/editor-keys.ts'
import { type EditorState, makeEditor, otherRow, reduceEditor } from '../../../src/ui/line-editor.ts'
import type { Desk } from '../desk.ts'
import type { Span } from '../model.ts'
import type { Overlay } from '../snapshot.ts'
import { hintsOf, type Layer } from './layer.ts'

/** Opens the prompt when it is first asked for; `onLines` is told what comes while an entry runs, or after it. */
export type PromptOpener = (
  onLines: (cell: number, lines: readonly DisplayLine[], isLate: boolean) => void,
) => Promise<OpenPrompt>

interface Search {
  readonly query: EditorState
  readonly found: readonly string[]
  readonly at: number
}

const mostLines = 2000
/** After the last key, before what is typed is looked at. */
const previewAfterMs = 80

const tokens: Readonly<Record<Tone, NonNullable<Span['token']>>> = {
  plain: 'text.normal',
  number: 'accent',
  string: 'state.pass',
  word: 'accent',
  name: 'text.normal',
  muted: 'text.muted',
  error: 'severity.error',
  strong: 'text.strong',
}
const spansOf = (line: DisplayLine): readonly Span[] => line.map(({ text, tone }) => ({ text, token: tokens[tone] }))
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
const muted = (text: string): readonly Span[] => [{ text, token: 'text.muted' }]

/**
 * The prompt over any screen: what was entered and shown, and below it the text that is being written. It stays as it is
 * while it is closed, and what runs in it goes on.
 */
export class ReplLayer implements Layer {
  readonly #desk: Desk
  readonly #opener: PromptOpener | null
  #prompt: OpenPrompt | null = null
  /** Settles when it can be asked; null before it is first opened. */
  #ready: Promise<OpenPrompt> | null = null
  #isOpen = false
  #editor: EditorState = makeEditor('', [], true)
  #lines: (readonly Span[])[] = []
  /** Lines that are scrolled back from the end. */
  #back = 0
  #note: readonly Span[] = []
  /** What would be added by the right arrow at the end of the line. */
  #ghost = ''
  #isInterrupted = false
  /** A search in the history: the words of it, and which of the found entries is shown. */
  #search: Search | null = null
  #recall: { readonly found: readonly string[]; readonly at: number; readonly draft: string } | null = null
  #previewTimer: NodeJS.Timeout | undefined
  #edits = 0

  constructor(desk: Desk, opener: PromptOpener | null) {
    this.#desk = desk
    this.#opener = opener
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  open(): void {
    if (this.#opener === null) return this.#desk.say('there is no prompt here', 'warn')
    this.#isOpen = true
    if (this.#ready === null) {
      this.#ready = this.#begin(this.#opener)
      this.#ready.catch(() => undefined)
    }
    this.#desk.changed()
  }

  async #begin(opener: PromptOpener): Promise<OpenPrompt> {
    try {
      const prompt = await opener((_cell, lines) => this.#print(lines.map(spansOf)))
      this.#prompt = prompt
      await prompt.begin()
      return prompt
    } catch (error) {
      this.#print([[{ text: messageOf(error), token: 'severity.error' }]])
      // The next time it is opened it is tried again.
      this.#ready = null
      throw error
    } finally {
      this.#desk.changed()
    }
  }

  key(chord: string, text: string): void {
    if (this.#search !== null) return this.#searchKey(this.#search, chord, text)
    const editor = this.#editor
    switch (chord) {
      case 'esc':
        this.#isOpen = false
        return this.#desk.changed()
      case 'ctrl+d':
        if (editor.text === '') {
          this.#isOpen = false
          return this.#desk.changed()
        }
        break
      case 'ctrl+c':
        return this.#interrupt()
      case 'enter':
        return this.#submit()
      case 'alt+enter':
      case 'ctrl+j':
        return this.#edit(reduceEditor(editor, { type: 'insert', text: '\n' }))
      case 'tab':
        return void this.#complete()
      case 'ctrl+r':
        this.#search = { query: makeEditor(), found: this.#prompt?.search('') ?? [], at: 0 }
        return this.#desk.changed()
      case 'up':
      case 'down':
        return this.#upOrDown(chord === 'up' ? -1 : 1)
      case 'ctrl+p':
        return this.#earlier(-1)
      case 'ctrl+n':
        return this.#earlier(1)
      case 'pageup':
      case 'pagedown':
        return this.scroll((chord === 'pageup' ? -1 : 1) * Math.max(1, this.#room - 2))
      case 'right':
      case 'end':
      case 'ctrl+e':
      case 'ctrl+f':
        if (this.#ghost !== '' && editor.cursor === editor.text.length)
          return this.#edit(reduceEditor(editor, { type: 'insert', text: this.#ghost }))
        break
    }
    const action = editorAction(chord, text)
    if (action !== null) this.#edit(reduceEditor(editor, action))
  }

  /** Whole, line ends and all: nothing of it is run before Enter is pressed. */
  paste(text: string): void {
    if (this.#search === null) this.#edit(reduceEditor(this.#editor, { type: 'insert', text }))
    else this.#look(reduceEditor(this.#search.query, { type: 'insert', text }))
  }

  scroll(by: number): void {
    this.#back = Math.max(0, Math.min(Math.max(0, this.#lines.length - this.#room), this.#back - by))
    this.#desk.changed()
  }

  hints() {
    if (this.#search !== null) return hintsOf('Enter take, Ctrl-R older, Esc leave, host: exit: run: filter')
    const isBusy = this.#prompt?.isBusy === true
    const stop = isBusy ? (this.#isInterrupted ? 'Ctrl-C kill' : 'Ctrl-C interrupt') : 'Ctrl-C clear'
    return hintsOf(`Enter run, Alt-Enter newline, Tab complete, Ctrl-R search, ${stop}, Esc close`)
  }

  overlay(): Overlay | null {
    if (!this.#isOpen) return null
    const host = this.#prompt?.host ?? null
    const running = this.#prompt?.isBusy === true ? 'running' : this.#prompt === null ? 'starting' : ''
    return {
      kind: 'repl',
      title: host === null ? 'Prompt' : `Prompt on ${host}`,
      state: running,
      lines: this.#lines,
      back: this.#back,
      editor: this.#search === null ? this.#editor : this.#search.query,
      sign: this.#search === null ? '> ' : 'search: ',
      ghost: this.#search === null ? this.#ghost : '',
      note:
        this.#search === null
          ? this.#note
          : [
              {
                text: this.#search.found[this.#search.at]?.replaceAll('\n', ' ') ?? 'nothing matches',
                token: 'text.muted',
              },
            ],
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#previewTimer)
    await this.#prompt?.close()
  }

  /** Rows for what was shown. */
  get #room(): number {
    return Math.max(1, this.#desk.chrome().panes.height - 3 - this.#editor.text.split('\n').length)
  }

  #edit(editor: EditorState): void {
    this.#editor = editor
    this.#recall = null
    this.#changedText()
  }

  #changedText(): void {
    this.#note = []
    const { text, cursor } = this.#editor
    this.#ghost = cursor === text.length ? (this.#prompt?.ghost(text) ?? '') : ''
    this.#edits += 1
    const own = this.#edits
    clearTimeout(this.#previewTimer)
    if (text.trim() !== '')
      this.#previewTimer = setTimeout(() => {
        void this.#prompt?.preview(text, Math.max(20, this.#desk.size.columns - 6)).then((line) => {
          if (line === null || own !== this.#edits) return
          this.#note = [
            { text: '= ', token: 'text.muted' },
            ...line.map((each) => ({ text: each.text, token: 'text.muted' as const })),
          ]
          this.#desk.changed()
        })
      }, previewAfterMs).unref()
    this.#desk.changed()
  }

  #set(text: string): void {
    this.#editor = makeEditor(text, [], true)
    this.#changedText()
  }

  #print(lines: readonly (readonly Span[])[]): void {
    this.#lines = [...this.#lines, ...lines].slice(-mostLines)
    // Whoever reads further up keeps what he reads.
    if (this.#back > 0) this.#back = Math.min(this.#lines.length, this.#back + lines.length)
    this.#desk.changed()
  }

  #submit(): void {
    const { text } = this.#editor
    const ready = this.#ready
    if (text.trim() === '' || ready === null) return
    if (this.#prompt?.isUnfinished(text) === true)
      return this.#edit(reduceEditor(reduceEditor(this.#editor, { type: 'set', text }), { type: 'insert', text: '\n' }))
    this.#set('')
    this.#back = 0
    this.#isInterrupted = false
    const echo = text.split('\n').map((line, at): readonly Span[] => [
      { text: at === 0 ? '> ' : '  ', token: 'accent' },
      { text: line, token: 'text.strong' },
    ])
    this.#print(echo)
    const width = Math.max(20, this.#desk.size.columns - 4)
    // What is entered while it still starts is carried out when it has.
    void ready
      .then((prompt) => {
        const entered = prompt.enter(text, { width })
        // That it runs is seen, and which key ends it.
        this.#desk.changed()
        return entered
      })
      .then(
        ({ outcome, lines }) => {
          if (outcome !== 'incomplete') return this.#print(lines.map(spansOf))
          // It is still being written: back into the editor with it, on a new line.
          this.#lines = this.#lines.filter((line) => !echo.includes(line))
          if (this.#editor.text === '') this.#set(`${text}\n`)
          else this.#print([muted('that entry was not complete')])
        },
        (error: unknown) => this.#print([[{ text: messageOf(error), token: 'severity.error' }]]),
      )
  }

  /** First what is written, then what runs, and at last the worker. */
  #interrupt(): void {
    if (this.#editor.text !== '') return this.#set('')
    if (this.#prompt?.isBusy !== true) return this.#print([muted('nothing runs here; Esc closes the prompt')])
    if (this.#isInterrupted) {
      this.#print([muted('ending the worker: variables of this prompt are lost, connections and jobs are not')])
      void this.#prompt.kill()
      return
    }
    this.#isInterrupted = true
    this.#print([muted('interrupting …')])
    void this.#prompt.interrupt()
  }

  #upOrDown(by: -1 | 1): void {
    if (otherRow(this.#editor, by) === null) this.#earlier(by)
    else {
      this.#editor = reduceEditor(this.#editor, { type: 'row', by })
      this.#desk.changed()
    }
  }

  #earlier(by: -1 | 1): void {
    const recall = this.#recall ?? { found: this.#prompt?.search('') ?? [], at: -1, draft: this.#editor.text }
    const at = recall.at - by
    if (at < -1 || at >= recall.found.length) return
    this.#set(at === -1 ? recall.draft : (recall.found[at] ?? ''))
    this.#recall = { ...recall, at }
    this.#ghost = ''
  }

  #look(query: EditorState): void {
    this.#search = { query, found: this.#prompt?.search(query.text) ?? [], at: 0 }
    this.#desk.changed()
  }

  #searchKey(search: Search, chord: string, text: string): void {
    if (chord === 'esc' || chord === 'ctrl+c') this.#search = null
    else if (chord === 'enter' || chord === 'tab') {
      this.#search = null
      const found = search.found[search.at]
      if (found !== undefined) return this.#set(found)
    } else if (chord === 'ctrl+r' || chord === 'up')
      this.#search = { ...search, at: Math.min(Math.max(0, search.found.length - 1), search.at + 1) }
    else if (chord === 'ctrl+s' || chord === 'down') this.#search = { ...search, at: Math.max(0, search.at - 1) }
    else {
      const action = editorAction(chord, text)
      if (action !== null) return this.#look(reduceEditor(search.query, action))
    }
    this.#desk.changed()
  }

  async #complete(): Promise<void> {
    const { text, cursor } = this.#editor
    const found = await this.#prompt?.complete(text, cursor)
    // Typed on in the meantime.
    if (found === undefined || this.#editor.text !== text || this.#editor.cursor !== cursor) return
    if (found.names.length === 0) {
      this.#note = muted('nothing to complete')
      return this.#desk.changed()
    }
    let common = found.names[0] ?? ''
    for (const name of found.names) while (!name.startsWith(common)) common = common.slice(0, -1)
    const added = common.slice(cursor - found.from)
    if (added !== '') this.#edit(reduceEditor(this.#editor, { type: 'insert', text: added }))
    if (found.names.length > 1) this.#note = muted(found.names.slice(0, 40).join('  '))
    this.#desk.changed()
  }
}
