import { chordOf } from '../commands/chord.ts'
import type { DisplayLine, OpenPrompt } from '../repl/types.ts'
import type { ActResult } from '../run/act.ts'
import type { InputEvent } from '../terminal/events.ts'
import { InputParser } from '../terminal/input.ts'
import { toAscii } from '../text/ascii.ts'
import { editorAction } from '../ui/editor-keys.ts'
import { editorRows } from '../ui/editor-rows.ts'
import { type EditorState, editorView, makeEditor, otherRow, reduceEditor } from '../ui/line-editor.ts'
import { cut, textWidth } from '../ui/text-fit.ts'

/** A lone Esc is waited on for so long: an arrow key begins like it. */
const escMs = 50
const pasteOn = '\u001b[?2004h'
const pasteOff = '\u001b[?2004l'

export interface TerminalPromptOptions {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly isAscii: boolean
}

/**
 * The prompt on a terminal of its own, without the workbench: editing below what was shown. Ctrl-C clears, then interrupts,
 * then ends the worker; Ctrl-D on an empty line leaves. Settles when the person leaves.
 */
export class TerminalPrompt {
  readonly #options: TerminalPromptOptions
  readonly #parser = new InputParser()
  readonly #left = Promise.withResolvers<ActResult>()
  #prompt: OpenPrompt | null = null
  #editor: EditorState = makeEditor('', [], true)
  #drawnRows = 0
  #cursorRow = 0
  #note = ''
  #isInterrupted = false
  #recall: { readonly found: readonly string[]; readonly at: number; readonly draft: string } | null = null
  #escTimer: NodeJS.Timeout | undefined
  /** Somebody else reads the keyboard: a question of a command. */
  #isPaused = false

  constructor(options: TerminalPromptOptions) {
    this.#options = options
  }

  async run(prompt: OpenPrompt): Promise<ActResult> {
    this.#prompt = prompt
    const { input, output } = this.#options
    const onData = (chunk: Buffer) => this.#take(chunk)
    input.setRawMode(true)
    output.write(pasteOn)
    input.on('data', onData)
    input.resume()
    this.print([
      [
        {
          text: 'JavaScript and TypeScript; "! cmd" on the host, "!! cmd" here, ":" a command of kx; Ctrl-D leaves',
          tone: 'muted',
        },
      ],
    ])
    try {
      return await this.#left.promise
    } finally {
      clearTimeout(this.#escTimer)
      input.off('data', onData)
      input.setRawMode(false)
      input.pause()
      this.#wipe()
      output.write(pasteOff)
    }
  }

  /** Lines above what is being written. */
  print(lines: readonly DisplayLine[]): void {
    this.#wipe()
    for (const line of lines) {
      const text = line.map((span) => span.text).join('')
      this.#options.output.write(`${this.#options.isAscii ? toAscii(text) : text}\r\n`)
    }
    this.#draw()
  }

  /** Lends the terminal to a question. */
  async pausedFor<T>(work: () => Promise<T>): Promise<T> {
    const { input, output } = this.#options
    this.#isPaused = true
    this.#wipe()
    output.write(pasteOff)
    input.setRawMode(false)
    try {
      return await work()
    } finally {
      this.#isPaused = false
      input.setRawMode(true)
      input.resume()
      output.write(pasteOn)
      this.#draw()
    }
  }

  #take(chunk: Buffer): void {
    if (this.#isPaused) return
    clearTimeout(this.#escTimer)
    for (const event of this.#parser.push(chunk)) this.#event(event)
    if (this.#parser.waitingFor() === 'escape')
      this.#escTimer = setTimeout(() => {
        for (const event of this.#parser.flush()) this.#event(event)
      }, escMs)
  }

  #event(event: InputEvent): void {
    if (event.type === 'paste') return this.#edit(reduceEditor(this.#editor, { type: 'insert', text: event.text }))
    if (event.type !== 'key') return
    const chord = chordOf(event)
    const editor = this.#editor
    switch (chord) {
      case 'ctrl+c':
        return this.#interrupt()
      case 'ctrl+d':
        if (editor.text === '') return this.#left.resolve({ summary: '', exitCode: 0, data: null })
        break
      case 'enter':
        return this.#submit()
      case 'alt+enter':
      case 'ctrl+j':
        return this.#edit(reduceEditor(editor, { type: 'insert', text: '\n' }))
      case 'tab':
        return void this.#complete()
      case 'up':
      case 'down': {
        const by = chord === 'up' ? -1 : 1
        if (otherRow(editor, by) === null) return this.#earlier(by)
        this.#editor = reduceEditor(editor, { type: 'row', by })
        return this.#redraw()
      }
      case 'ctrl+p':
        return this.#earlier(-1)
      case 'ctrl+n':
        return this.#earlier(1)
      case 'ctrl+r':
        return this.#searchBack()
      case 'right':
      case 'end':
        if (editor.cursor === editor.text.length && this.#ghost() !== '')
          return this.#edit(reduceEditor(editor, { type: 'insert', text: this.#ghost() }))
        break
    }
    const action = editorAction(chord, event.text)
    if (action !== null) this.#edit(reduceEditor(editor, action))
  }

  #submit(): void {
    const prompt = this.#prompt
    const { text } = this.#editor
    if (prompt === null || text.trim() === '') return
    if (prompt.isUnfinished(text))
      return this.#edit(reduceEditor(reduceEditor(this.#editor, { type: 'set', text }), { type: 'insert', text: '\n' }))
    this.#isInterrupted = false
    this.#editor = makeEditor('', [], true)
    this.#note = ''
    const echo = text
      .split('\n')
      .map((line, at): DisplayLine => [{ text: `${at === 0 ? '> ' : '  '}${line}`, tone: 'plain' }])
    void prompt.enter(text, { width: this.#columns }).then(
      ({ outcome, lines }) => {
        if (outcome !== 'incomplete') return this.print(lines)
        if (this.#editor.text === '') this.#edit(makeEditor(`${text}\n`, [], true))
      },
      (error: unknown) => this.print([[{ text: String(error), tone: 'error' }]]),
    )
    this.print(echo)
  }

  #interrupt(): void {
    const prompt = this.#prompt
    if (this.#editor.text !== '') return this.#edit(makeEditor('', [], true))
    if (prompt?.isBusy !== true) {
      this.#note = 'Ctrl-D leaves'
      return this.#redraw()
    }
    if (this.#isInterrupted) void prompt.kill()
    else void prompt.interrupt()
    this.#isInterrupted = true
  }

  #earlier(by: -1 | 1): void {
    const recall = this.#recall ?? { found: this.#prompt?.search('') ?? [], at: -1, draft: this.#editor.text }
    const at = recall.at - by
    if (at < -1 || at >= recall.found.length) return
    this.#edit(makeEditor(at === -1 ? recall.draft : (recall.found[at] ?? ''), [], true))
    this.#recall = { ...recall, at }
  }

  /** What is written are the words and filters of the search; each press goes one further back. */
  #searchBack(): void {
    const recall = this.#recall ?? {
      found: this.#prompt?.search(this.#editor.text) ?? [],
      at: -1,
      draft: this.#editor.text,
    }
    const at = recall.at + 1
    const found = recall.found[at]
    if (found === undefined) {
      this.#note = 'nothing older matches'
      return this.#redraw()
    }
    this.#edit(makeEditor(found, [], true))
    this.#recall = { ...recall, at }
    this.#note = `matches "${recall.draft}"; Ctrl-R goes on`
    this.#redraw()
  }

  async #complete(): Promise<void> {
    const { text, cursor } = this.#editor
    const found = await this.#prompt?.complete(text, cursor)
    if (found === undefined || this.#editor.text !== text || this.#editor.cursor !== cursor) return
    let common = found.names[0] ?? ''
    for (const name of found.names) while (!name.startsWith(common)) common = common.slice(0, -1)
    const added = common.slice(cursor - found.from)
    if (added !== '') this.#edit(reduceEditor(this.#editor, { type: 'insert', text: added }))
    this.#note =
      found.names.length > 1
        ? found.names.slice(0, 30).join('  ')
        : found.names.length === 0
          ? 'nothing to complete'
          : ''
    this.#redraw()
  }

  #ghost(): string {
    const { text, cursor } = this.#editor
    return cursor === text.length ? (this.#prompt?.ghost(text) ?? '') : ''
  }

  #edit(editor: EditorState): void {
    this.#editor = editor
    this.#recall = null
    this.#note = ''
    this.#redraw()
  }

  get #columns(): number {
    return Math.max(20, this.#options.output.columns ?? 80)
  }

  #redraw(): void {
    this.#wipe()
    this.#draw()
  }

  /** Takes what is being written off the screen, from its first row down. */
  #wipe(): void {
    if (this.#drawnRows === 0) return
    const up = this.#cursorRow > 0 ? `\u001b[${this.#cursorRow}A` : ''
    this.#options.output.write(`\r${up}\u001b[J`)
    this.#drawnRows = 0
    this.#cursorRow = 0
  }

  /** Every row fits, so that rows on screen are rows of ours. */
  #draw(): void {
    if (this.#isPaused) return
    const { output } = this.#options
    const width = this.#columns - 1
    const { rows, column } = editorRows(this.#editor, Math.max(1, (output.rows ?? 24) - 3))
    let cursorColumn = 0
    const texts = rows.map(({ text, isCursor, isFirst }, at) => {
      const sign = isFirst ? '> ' : '  '
      if (!isCursor) return sign + cut(text, width - sign.length)
      const view = editorView({ text, cursor: column }, width - sign.length)
      this.#cursorRow = at
      cursorColumn = sign.length + textWidth(view.before)
      return `${sign}${view.before}${view.at}${view.after}`
    })
    const ghost = this.#ghost()
    const note = this.#note !== '' ? this.#note : ghost === '' ? '' : `Right adds: ${ghost}`
    if (note !== '') texts.push(cut(`  ${note}`, width))
    output.write(texts.join('\r\n'))
    const up = texts.length - 1 - this.#cursorRow
    output.write(`${up > 0 ? `\u001b[${up}A` : ''}\r${cursorColumn > 0 ? `\u001b[${cursorColumn}C` : ''}`)
    this.#drawnRows = texts.length
  }
}
