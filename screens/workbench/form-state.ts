import type { z } from 'zod'
import { baseType } from '../../src/commands/line.ts'
import type { CommandSpec } from '../../src/commands/types.ts'
import { type EditorAction, type EditorState, makeEditor, reduceEditor } from '../../src/ui/line-editor.ts'
import type { FormView } from './snapshot.ts'

type Shape = Readonly<Record<string, z.ZodType>>

/** A form made from a command's argument schema: one field an argument, validated by that schema. Immutable. */
export class FormState {
  readonly spec: CommandSpec
  readonly #names: readonly string[]
  readonly #values: Readonly<Record<string, string>>
  readonly #problems: Readonly<Record<string, string>>
  readonly #index: number
  readonly #editor: EditorState

  private constructor(
    spec: CommandSpec,
    values: Readonly<Record<string, string>>,
    index: number,
    problems: Readonly<Record<string, string>>,
    editor?: EditorState,
  ) {
    this.spec = spec
    this.#names = Object.keys(spec.args.shape)
    this.#values = values
    this.#problems = problems
    this.#index = Math.max(0, Math.min(this.#names.length - 1, index))
    this.#editor = editor ?? makeEditor(values[this.#names[this.#index] ?? ''] ?? '')
  }

  /** Fields begin with what was given, else with the schema's defaults. */
  static of(spec: CommandSpec, given: Readonly<Record<string, unknown>>): FormState {
    const values: Record<string, string> = {}
    for (const [name, schema] of Object.entries(spec.args.shape as Shape)) {
      const fallback = schema.safeParse(undefined)
      const value = given[name] ?? (fallback.success ? fallback.data : '')
      values[name] = value === undefined || value === null ? '' : String(value)
    }
    return new FormState(spec, values, 0, {})
  }

  get isLast(): boolean {
    return this.#index === this.#names.length - 1
  }

  get view(): FormView {
    const shape = this.spec.args.shape as Shape
    return {
      title: this.spec.title,
      index: this.#index,
      editor: this.#editor,
      fields: this.#names.map((name) => ({
        name,
        label: shape[name]?.description ?? name,
        value: this.#values[name] ?? '',
        problem: this.#problems[name] ?? null,
      })),
    }
  }

  edit(action: EditorAction): FormState {
    const editor = reduceEditor(this.#editor, action)
    const name = this.#names[this.#index] ?? ''
    const { [name]: _gone, ...problems } = this.#problems
    return new FormState(this.spec, { ...this.#values, [name]: editor.text }, this.#index, problems, editor)
  }

  go(by: number): FormState {
    return new FormState(this.spec, this.#values, this.#index + by, this.#problems)
  }

  submit():
    | { readonly ok: true; readonly args: Readonly<Record<string, unknown>> }
    | { readonly ok: false; readonly form: FormState } {
    const shape = this.spec.args.shape as Shape
    const raw: Record<string, unknown> = {}
    for (const name of this.#names) {
      const text = this.#values[name] ?? ''
      if (text.trim() === '') continue
      const type = baseType(shape[name] as z.ZodType)
      raw[name] =
        type === 'number' && Number.isFinite(Number(text))
          ? Number(text)
          : type === 'boolean'
            ? text === 'true' || text === 'yes'
            : type === 'array'
              ? text.split(',').map((t) => t.trim())
              : text
    }
    const parsed = this.spec.args.safeParse(raw)
    if (parsed.success) return { ok: true, args: raw }
    const problems: Record<string, string> = {}
    for (const issue of parsed.error.issues) problems[String(issue.path[0] ?? '')] ??= issue.message
    const first = this.#names.findIndex((n) => problems[n] !== undefined)
    return { ok: false, form: new FormState(this.spec, this.#values, first, problems) }
  }
}
