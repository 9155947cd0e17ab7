import { Text } from 'ink'
import { memo } from 'react'
import { type Align, oneLine, toWidth } from './text-fit.ts'
import type { Token } from './theme.ts'
import { useTheme } from './theme-context.tsx'

export interface LabelProps {
  readonly text: string
  /** Cells to fill; left out, the text is as long as it is. */
  readonly width?: number
  readonly token?: Token
  readonly align?: Align
  /** Drawn as the row that the cursor is on. */
  readonly isSelected?: boolean
}

/** One run of text in one row: cut and padded to its width before it reaches the layout, styled by its token. */
export const Label = memo(function Label({
  text,
  width,
  token = 'text.normal',
  align = 'left',
  isSelected,
}: LabelProps) {
  const { styles, glyphs } = useTheme()
  const content = width === undefined ? oneLine(text) : toWidth(text, width, align, glyphs.ellipsis)
  if (content === '') return null
  return (
    <Text {...styles[token]} {...(isSelected ? styles.selection : undefined)} wrap="truncate">
      {content}
    </Text>
  )
})
