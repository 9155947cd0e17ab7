import type { CommandSpec } from '../../../src/commands/types.ts'
import { editorAction } from '../../../src/ui/editor-keys.ts'
import { type FormAction, type FormState, makeForm, readForm, reduceForm } from '../../../src/ui/form-model.ts'
import type { Desk } from '../desk.ts'
import type { Overlay } from '../snapshot.ts'
import { hintsOf, type Layer } from './layer.ts'

interface Open {
  readonly spec: CommandSpec
  readonly state: FormState
}

/** A form that asks for the arguments that a command still lacks. */
export class ArgumentsLayer implements Layer {
  readonly #desk: Desk
  readonly #run: (spec: CommandSpec, args: Readonly<Record<string, unknown>>) => void
  #open: Open | null = null

  constructor(desk: Desk, run: (spec: CommandSpec, args: Readonly<Record<string, unknown>>) => void) {
    this.#desk = desk
    this.#run = run
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  open(spec: CommandSpec, given: Readonly<Record<string, unknown>>): void {
    this.#open = { spec, state: makeForm(spec.args, given) }
    this.#desk.changed()
  }

  key(chord: string, text: string): void {
    if (this.#open === null) return
    const { fields, index, lines } = this.#open.state
    const isLast = index >= fields.length - 1
    const hasLine = lines[fields[index]?.name ?? ''] !== undefined
    if (chord === 'esc' || chord === 'ctrl+c') this.#open = null
    else if (chord === 'tab' || chord === 'down' || (chord === 'enter' && !isLast)) this.#to({ type: 'field', by: 1 })
    else if (chord === 'shift+tab' || chord === 'up') this.#to({ type: 'field', by: -1 })
    else if (chord === 'enter') this.#submit(this.#open)
    else if (!hasLine && ['left', 'right', 'space'].includes(chord))
      this.#to({ type: 'choose', by: chord === 'left' ? -1 : 1 })
    else {
      const edit = editorAction(chord, text)
      if (edit !== null) this.#to({ type: 'edit', edit })
    }
  }

  paste(text: string): void {
    this.#to({ type: 'edit', edit: { type: 'insert', text } })
  }

  hints() {
    return hintsOf('Tab next, Shift-Tab back, Enter accept, Esc cancel')
  }

  overlay(): Overlay | null {
    return this.#open === null ? null : { kind: 'form', title: this.#open.spec.title, state: this.#open.state }
  }

  #submit({ spec, state }: Open): void {
    const read = readForm(spec.args, state)
    if (!read.isValid) return this.#to({ type: 'errors', errors: read.errors })
    this.#open = null
    this.#run(spec, read.values)
  }

  #to(action: FormAction): void {
    if (this.#open !== null) this.#open = { ...this.#open, state: reduceForm(this.#open.state, action) }
  }
}
