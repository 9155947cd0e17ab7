import type { z } from 'zod'
import { type EditorAction, type EditorState, makeEditor, reduceEditor } from './line-editor.ts'
import { oneLine, wrap } from './text-fit.ts'

/** `other` is a shape that a form has no field for: it is shown and keeps its default. */
export type FieldKind = 'text' | 'number' | 'boolean' | 'choice' | 'list' | 'other'

/** One field of a form, read off the schema. */
export interface FieldSpec {
  readonly name: string
  readonly kind: FieldKind
  readonly description: string
  readonly choices: readonly string[]
  readonly isRequired: boolean
  /** Default of the schema, undefined when it has none. */
  readonly initial: unknown
}

/** What stands in the fields. Plain data: a half-filled form survives in the session. */
export interface FormState {
  readonly fields: readonly FieldSpec[]
  readonly index: number
  /** Lines of text, number and list fields, by name. */
  readonly lines: Readonly<Record<string, EditorState>>
  /** Choice of boolean (`yes`, `no`) and choice fields, by name; null is none. */
  readonly choices: Readonly<Record<string, string | null>>
  /** What is wrong, by field name; the empty name stands for the form as a whole. */
  readonly errors: Readonly<Record<string, string>>
}

export type FormAction =
  | { readonly type: 'field'; readonly by: number }
  | { readonly type: 'goto'; readonly name: string }
  | { readonly type: 'edit'; readonly edit: EditorAction }
  | { readonly type: 'choose'; readonly by: number }
  | { readonly type: 'errors'; readonly errors: Readonly<Record<string, string>> }

/** The parts of a zod 4 definition that a form looks at. */
interface Definition {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly element?: z.ZodType
  readonly in?: z.ZodType
  readonly entries?: Readonly<Record<string, string | number>>
  readonly values?: readonly unknown[]
  readonly defaultValue?: unknown
}

const definitionOf = (schema: z.ZodType) => schema.def as unknown as Definition
const wrappers = new Set(['optional', 'nullable', 'default', 'prefault', 'readonly', 'nonoptional', 'catch'])

function fieldOf(name: string, schema: z.ZodType): FieldSpec {
  let inner = schema
  let description = schema.description ?? ''
  let isRequired = true
  let initial: unknown
  for (let def = definitionOf(inner); wrappers.has(def.type) || def.type === 'pipe'; def = definitionOf(inner)) {
    if (def.type !== 'readonly' && def.type !== 'nonoptional' && def.type !== 'pipe') isRequired = false
    if (def.type === 'default' || def.type === 'prefault') initial ??= def.defaultValue
    const next = def.innerType ?? def.in
    if (next === undefined) break
    inner = next
    description ||= inner.description ?? ''
  }
  const spec = { name, description, choices: [] as string[], isRequired, initial }
  const def = definitionOf(inner)
  switch (def.type) {
    case 'string':
      return { ...spec, kind: 'text' }
    case 'number':
      return { ...spec, kind: 'number' }
    case 'boolean':
      return { ...spec, kind: 'boolean', choices: ['no', 'yes'] }
    case 'enum':
      return { ...spec, kind: 'choice', choices: Object.values(def.entries ?? {}).map(String) }
    case 'literal':
      return { ...spec, kind: 'choice', choices: (def.values ?? []).map(String) }
    case 'array':
      return {
        ...spec,
        kind: def.element !== undefined && definitionOf(def.element).type === 'string' ? 'list' : 'other',
      }
    default:
      return { ...spec, kind: 'other' }
  }
}

/** Fields of an object schema, in its order. */
export function formFields(schema: z.ZodObject): FieldSpec[] {
  return Object.entries(schema.shape).map(([name, field]) => fieldOf(name, field as z.ZodType))
}

const hasLine = (kind: FieldKind) => kind === 'text' || kind === 'number' || kind === 'list'

function lineOf(field: FieldSpec, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (field.kind === 'list') return Array.isArray(value) ? value.map(String).join(', ') : String(value)
  return String(value)
}

function choiceOf(field: FieldSpec, value: unknown): string | null {
  if (field.kind === 'boolean') return value === true ? 'yes' : value === false ? 'no' : null
  return value === undefined || value === null ? null : String(value)
}

/** A form filled with `initial`, and with the schema's defaults where that says nothing. */
export function makeForm(schema: z.ZodObject, initial: Readonly<Record<string, unknown>> = {}): FormState {
  const fields = formFields(schema)
  const valueIn = (field: FieldSpec) => (Object.hasOwn(initial, field.name) ? initial[field.name] : field.initial)
  return {
    fields,
    index: 0,
    lines: Object.fromEntries(
      fields.filter((f) => hasLine(f.kind)).map((f) => [f.name, makeEditor(lineOf(f, valueIn(f)))]),
    ),
    choices: Object.fromEntries(
      fields.filter((f) => f.kind === 'boolean' || f.kind === 'choice').map((f) => [f.name, choiceOf(f, valueIn(f))]),
    ),
    errors: {},
  }
}

function withoutError(errors: FormState['errors'], name: string): FormState['errors'] {
  return Object.fromEntries(Object.entries(errors).filter(([key]) => key !== name))
}

/** Next state. Editing a field takes its error away; a check brings it back. */
export function reduceForm(state: FormState, action: FormAction): FormState {
  const field = state.fields[state.index]
  switch (action.type) {
    case 'field': {
      const count = Math.max(1, state.fields.length)
      return { ...state, index: (((state.index + action.by) % count) + count) % count }
    }
    case 'goto': {
      const index = state.fields.findIndex((f) => f.name === action.name)
      return index < 0 ? state : { ...state, index }
    }
    case 'edit': {
      const line = field === undefined ? undefined : state.lines[field.name]
      if (field === undefined || line === undefined) return state
      return {
        ...state,
        lines: { ...state.lines, [field.name]: reduceEditor(line, action.edit) },
        errors: withoutError(state.errors, field.name),
      }
    }
    case 'choose': {
      if (field === undefined || field.choices.length === 0) return state
      const count = field.choices.length
      const at = field.choices.indexOf(state.choices[field.name] ?? '')
      const next = at < 0 ? (action.by < 0 ? count - 1 : 0) : (((at + action.by) % count) + count) % count
      return {
        ...state,
        choices: { ...state.choices, [field.name]: field.choices[next] ?? null },
        errors: withoutError(state.errors, field.name),
      }
    }
    case 'errors': {
      const index = state.fields.findIndex((f) => action.errors[f.name] !== undefined)
      return { ...state, errors: action.errors, index: index < 0 ? state.index : index }
    }
  }
}

/** The value of a field for the schema; undefined when nothing was entered. */
function rawValue(state: FormState, field: FieldSpec): unknown {
  if (field.kind === 'other') return undefined
  if (!hasLine(field.kind)) {
    const choice = state.choices[field.name] ?? null
    if (choice === null) return undefined
    if (field.kind === 'boolean') return choice === 'yes'
    return choice
  }
  const text = (state.lines[field.name]?.text ?? '').trim()
  if (text === '') return undefined
  if (field.kind === 'list') {
    return text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
  }
  // Text that is no number goes to the schema as it is, which says what it expected.
  if (field.kind === 'number') return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : text
  return text
}

export type FormValues<S extends z.ZodObject> =
  | { readonly isValid: true; readonly values: z.infer<S> }
  | { readonly isValid: false; readonly errors: Readonly<Record<string, string>> }

/** What a field wants, in words; a message that the schema was given is kept. */
function issueText(issue: z.core.$ZodIssue): string {
  if (!/^(?:Invalid|Too) /.test(issue.message)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected === 'number'
        ? 'write a number'
        : issue.expected === 'int'
          ? 'write a whole number'
          : issue.message
    case 'too_small':
      if (issue.origin !== 'number' && issue.origin !== 'int') break
      return `write a number ${issue.inclusive === true ? 'of at least' : 'above'} ${issue.minimum}`
    case 'too_big':
      if (issue.origin !== 'number' && issue.origin !== 'int') break
      return `write a number ${issue.inclusive === true ? 'of at most' : 'below'} ${issue.maximum}`
    case 'invalid_value':
      return `choose one of ${issue.values.map(String).join(', ')}`
  }
  return issue.message
}

/** Checks the form against its schema: the values, or one message a field. */
export function readForm<S extends z.ZodObject>(schema: S, state: FormState): FormValues<S> {
  const raw: Record<string, unknown> = {}
  const errors: Record<string, string> = {}
  for (const field of state.fields) {
    const value = rawValue(state, field)
    if (value !== undefined) raw[field.name] = value
    else if (field.isRequired && field.kind !== 'other') errors[field.name] = 'required'
  }
  const parsed = schema.safeParse(raw)
  if (parsed.success && Object.keys(errors).length === 0) return { isValid: true, values: parsed.data }
  for (const issue of parsed.error?.issues ?? []) errors[String(issue.path[0] ?? '')] ??= issueText(issue)
  return { isValid: false, errors }
}

/** What stands in a field, as text. */
export function fieldText(state: FormState, field: FieldSpec): string {
  if (hasLine(field.kind)) return state.lines[field.name]?.text ?? ''
  if (field.kind === 'other') return field.initial === undefined ? '' : JSON.stringify(field.initial)
  return state.choices[field.name] ?? ''
}

/** The form as lines: `name: value`, its choices, what is wrong. For `--plain`. */
export function formLines(state: FormState, width: number): string[] {
  return state.fields.flatMap((field) => {
    const value = fieldText(state, field)
    const error = state.errors[field.name]
    const choices = field.choices.length > 0 ? ` (${field.choices.join(', ')})` : ''
    const head = `${field.name}${field.isRequired ? '' : ' (optional)'}: ${value === '' ? '-' : value}${choices}`
    return [
      ...wrap(oneLine(head), width, '  '),
      ...(field.description === '' ? [] : wrap(`  ${oneLine(field.description)}`, width, '  ')),
      ...(error === undefined ? [] : wrap(`  ! ${oneLine(error)}`, width, '    ')),
    ]
  })
}
