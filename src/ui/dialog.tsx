import { Box } from 'ink'
import { type DialogState, lastTop, questionLines, questionRoom, shownAnswer } from './dialog-model.ts'
import { Label } from './label.tsx'
import { Pane } from './layout.tsx'
import { cut } from './text-fit.ts'
import { TextInput } from './text-input.tsx'
import { useTheme } from './theme-context.tsx'

export interface DialogProps {
  readonly state: DialogState
  readonly width: number
  /** Most rows that it may take; it takes as many as it needs. */
  readonly height: number
}

/** A question in a box. The answer row always shows; what does not fit above it is counted, and can be moved to. */
export function Dialog({ state, width, height }: DialogProps) {
  const { glyphs } = useTheme()
  const { question, message, choice } = state
  const columns = Math.max(0, width - 2)
  const text = questionLines(question, width)
  const answerRows = question.kind === 'notice' ? 1 : 2
  const room = questionRoom(question, height)
  const top = Math.min(state.top, lastTop(question, width, height))
  const below = text.length - top - Math.max(0, room - 1)
  const hidden = [top > 0 ? `${top} above` : '', below > 0 ? `${below} below` : ''].filter((words) => words !== '')
  const shown =
    text.length > room
      ? [
          ...text.slice(top, top + Math.max(0, room - 1)),
          `${glyphs.ellipsis} more lines: ${hidden.join(', ')} (PgUp, PgDn)`,
        ]
      : text
  const word = (which: 'yes' | 'no', name: string) => (
    <Label
      text={choice === which ? ` ${glyphs.cursor} ${name} ` : `   ${name} `}
      token={choice === which ? 'text.strong' : 'text.muted'}
      isSelected={choice === which}
    />
  )
  return (
    <Pane width={width} height={Math.min(height, shown.length + answerRows + 3)} title={question.title} isFocused>
      {shown.map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
        <Label key={i} text={` ${line}`} width={columns} />
      ))}
      <Label text={message === '' ? ' ' : ` ${message}`} width={columns} token="state.fail" />
      {question.kind === 'typed' ? (
        <Label text={` Type ${question.expected ?? ''} to go on, or cancel:`} width={columns} />
      ) : null}
      {question.kind === 'text' || question.kind === 'secret' ? <Label text=" " width={columns} /> : null}
      {['typed', 'text', 'secret'].includes(question.kind) ? (
        <TextInput state={shownAnswer(state)} width={columns} prompt={` ${glyphs.isUnicode ? '›' : '>'} `} />
      ) : null}
      {question.kind === 'confirm' ? <Label text=" Choose, then accept:" width={columns} token="text.muted" /> : null}
      {question.kind === 'confirm' ? (
        <Box width={columns} height={1} overflowY="hidden">
          {word('no', cut(question.no ?? 'no', 30))}
          {word('yes', cut(question.yes ?? 'yes', 30))}
        </Box>
      ) : null}
      {question.kind === 'notice' ? <Label text=" Accept to close" width={columns} token="text.muted" /> : null}
    </Pane>
  )
}
