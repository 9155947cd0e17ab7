import { Box } from 'ink'
import { type FieldSpec, type FormState, fieldText } from './form-model.ts'
import { Label } from './label.tsx'
import { visibleTop } from './list-model.ts'
import { cut, textWidth, toWidth } from './text-fit.ts'
import { TextInput } from './text-input.tsx'
import { useTheme } from './theme-context.tsx'

export interface FormProps {
  readonly state: FormState
  readonly width: number
  readonly height: number
}

function Choices(props: { readonly field: FieldSpec; readonly value: string; readonly width: number }) {
  const { glyphs } = useTheme()
  const { field, value } = props
  const text = field.choices.map((c) => (c === value ? `[${c}]` : ` ${c} `)).join(' ')
  // Where not all fit, the one that is chosen does.
  const shown = textWidth(text) <= props.width ? text : `[${value === '' ? '-' : value}]`
  return <Label text={cut(shown, props.width, glyphs.ellipsis)} token="accent" />
}

/** Fields below each other, the focused one with its description; what is wrong stands under its field. */
export function Form({ state, width, height }: FormProps) {
  const { glyphs } = useTheme()
  const names = Math.min(24, Math.max(6, ...state.fields.map((f) => textWidth(f.name) + 1)))
  const room = Math.max(4, width - names - 3)
  const rows = state.fields.flatMap((field, index) => [
    { key: field.name, kind: 'field' as const, field, index, text: '' },
    ...(index === state.index && field.description !== ''
      ? [{ key: `${field.name} about`, kind: 'about' as const, field, index, text: field.description }]
      : []),
    ...(state.errors[field.name] === undefined
      ? []
      : [{ key: `${field.name} error`, kind: 'error' as const, field, index, text: state.errors[field.name] ?? '' }]),
  ])
  const whole = state.errors['']
  const space = Math.max(1, height - (whole === undefined ? 0 : 1))
  // The rows after the focused field belong to it: what is wrong with it must be seen.
  const lastOfFocused = rows.findLastIndex((r) => r.index === state.index)
  const top = visibleTop(0, Math.max(0, lastOfFocused), space, rows.length)
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {rows.slice(top, top + space).map(({ key, kind, field, index, text }) => {
        const isFocused = index === state.index
        if (kind === 'about') return <Label key={key} text={`    ${text}`} width={width} token="text.muted" />
        if (kind === 'error') return <Label key={key} text={`  ! ${text}`} width={width} token="state.fail" />
        const line = state.lines[field.name]
        const name = toWidth(field.name + (field.isRequired ? '*' : ''), names, 'left', glyphs.ellipsis)
        return (
          <Box key={key} height={1} flexShrink={0}>
            <Label
              text={`${isFocused ? glyphs.cursor : ' '} ${name} `}
              token={isFocused ? 'text.strong' : 'text.normal'}
            />
            {line !== undefined ? (
              <TextInput
                state={line}
                width={room}
                isFocused={isFocused}
                placeholder={field.kind === 'list' ? 'a, b, c' : ''}
              />
            ) : field.kind === 'other' ? (
              <Label text={cut(fieldText(state, field), room, glyphs.ellipsis)} token="text.muted" />
            ) : (
              <Choices field={field} value={fieldText(state, field)} width={room} />
            )}
          </Box>
        )
      })}
      {whole === undefined ? null : <Label text={`! ${whole}`} width={width} token="state.fail" />}
    </Box>
  )
}
