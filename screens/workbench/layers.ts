import type { CommandEnvironment, CommandSpec } from '../../src/commands/types.ts'
import type { DialogQuestion } from '../../src/ui/dialog-model.ts'
import { makeEditor } from '../../src/ui/line-editor.ts'
import type { Desk } from './desk.ts'
import { ArgumentsLayer } from './layers/arguments.ts'
import { CommandRowLayer } from './layers/command-row.ts'
import { FinderLayer } from './layers/finder.ts'
import type { Layer } from './layers/layer.ts'
import { QuestionLayer } from './layers/question.ts'
import { type PromptOpener, ReplLayer } from './layers/repl.ts'
import { WholeMessageLayer } from './layers/whole-message.ts'
import type { Hint, Overlay, Snapshot } from './snapshot.ts'

type Run = (spec: CommandSpec, args: Readonly<Record<string, unknown>>, via: CommandEnvironment['via']) => void

/** What may lie over the screen and take its keys, the topmost first: question, form, message, list, text field. */
export class Layers {
  readonly #question: QuestionLayer
  readonly #arguments: ArgumentsLayer
  readonly wholeMessage: WholeMessageLayer
  readonly finder: FinderLayer
  readonly commandRow: CommandRowLayer
  readonly repl: ReplLayer
  readonly #order: readonly Layer[]

  constructor(desk: Desk, run: Run, openPrompt: PromptOpener | null) {
    this.#question = new QuestionLayer(desk)
    this.#arguments = new ArgumentsLayer(desk, (spec, args) => run(spec, args, 'key'))
    this.wholeMessage = new WholeMessageLayer(desk)
    this.finder = new FinderLayer(desk, (spec) => run(spec, {}, 'palette'))
    this.commandRow = new CommandRowLayer(desk, (spec, args) => run(spec, args, 'command-line'))
    this.repl = new ReplLayer(desk, openPrompt)
    this.#order = [this.#question, this.#arguments, this.wholeMessage, this.finder, this.commandRow, this.repl]
    const { prompt, history } = desk.ui
    if (prompt === null) return
    // A half-typed line, palette or help comes back as it was left.
    const editor = { ...makeEditor(prompt.text, history), cursor: Math.min(prompt.cursor, prompt.text.length) }
    this.finder.restore(prompt, editor)
    this.commandRow.restore(prompt, editor)
  }

  get hasQuestion(): boolean {
    return this.#question.isOpen || this.#arguments.isOpen
  }
  /** The panes are hidden: nothing on them can be clicked. */
  get hasOverlay(): boolean {
    return this.overlay() !== null
  }
  /** Nothing lies over the screen: the person looks at it and types nothing. */
  get isEmpty(): boolean {
    return this.#top === undefined
  }
  get #top(): Layer | undefined {
    return this.#order.find((layer) => layer.isOpen)
  }

  /** Gives a key to the topmost layer; false when there is none. */
  key(chord: string, text: string): boolean {
    const top = this.#top
    top?.key(chord, text)
    return top !== undefined
  }

  /** Pasted text goes into a field as it is: line ends in it run nothing. False when there is no field. */
  paste(text: string): boolean {
    const top = this.#top
    top?.paste(text)
    return top !== undefined
  }

  ask(question: DialogQuestion): Promise<string | null> {
    return this.#question.ask(question)
  }

  /** A question of a link: it waits for its turn, and goes when nobody waits for it. */
  askForLink(question: DialogQuestion, signal: AbortSignal): Promise<string | null> {
    return this.#question.askForLink(question, signal)
  }

  openForm(spec: CommandSpec, given: Readonly<Record<string, unknown>>): void {
    this.#arguments.open(spec, given)
  }

  /** The frame with the newest question has reached the terminal: from now on its keys count. */
  painted(): void {
    this.#question.painted()
  }

  close(): void {
    void this.repl.close()
    this.#question.close()
  }

  overlay(): Overlay | null {
    for (const layer of this.#order) if (layer.isOpen) return layer.overlay()
    return null
  }

  /** Keys of the topmost layer; null when there is none and the screen's own hold. */
  hints(): readonly Hint[] | null {
    return this.#top?.hints() ?? null
  }

  fieldView(): Snapshot['field'] {
    return this.commandRow.view()
  }
}
