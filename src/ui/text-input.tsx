import { type EditorState, editorView } from './line-editor.ts'
import { packRuns, Runs } from './runs.tsx'
import { cut, oneLine, textWidth } from './text-fit.ts'
import { useTheme } from './theme-context.tsx'

export interface TextInputProps {
  readonly state: Pick<EditorState, 'text' | 'cursor'>
  readonly width: number
  readonly prompt?: string
  /** Shown while the line is empty. */
  readonly placeholder?: string
  /** What completion would add, shown after the line. */
  readonly completion?: string
  readonly isFocused?: boolean
}

/** One line being edited, with a cursor that shows without colour. Draws only; the keys go to `reduceEditor`. */
export function TextInput(props: TextInputProps) {
  const { state, width, prompt = '', placeholder = '', completion = '', isFocused = true } = props
  const { glyphs } = useTheme()
  const head = cut(prompt, Math.max(0, width - 4), glyphs.ellipsis)
  const room = width - textWidth(head)
  const { before, at, after } = editorView(state, room)
  const used = textWidth(before) + textWidth(at) + textWidth(after)
  const hint = state.text === '' ? placeholder : state.cursor === state.text.length ? completion : ''
  const runs = packRuns([
    { text: head, token: 'accent' },
    { text: before },
    { text: at, isInverse: isFocused },
    { text: after },
    { text: cut(hint, Math.max(0, room - used), glyphs.ellipsis), token: 'text.muted' },
  ])
  return <Runs runs={runs} />
}

/** The line as text: `:audit.run`. For `--plain`. */
export function textInputLines(props: Pick<TextInputProps, 'state' | 'prompt'>): string[] {
  return [`${props.prompt ?? ''}${oneLine(props.state.text)}`]
}
