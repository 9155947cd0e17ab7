import { Box } from 'ink'
import { Children, type ReactNode } from 'react'
import type { Glyphs } from './glyphs.ts'
import { Label } from './label.tsx'
import { type Part, smallestScreen, split } from './split.ts'
import { cut, oneLine, textWidth } from './text-fit.ts'
import type { Style } from './theme.ts'
import { useTheme } from './theme-context.tsx'

/** Cells that content can be drawn in. */
export interface Inner {
  readonly columns: number
  readonly rows: number
}

export interface ScreenProps extends Inner {
  readonly children?: ReactNode
  /** Smaller than this, the screen says what it needs instead. */
  readonly minColumns?: number
  readonly minRows?: number
}

/**
 * The root: exactly as large as the terminal, so that a frame is never taller than the screen. Only rows are clipped:
 * all text is cut to its width before it comes here, and clipping columns as well would cost each frame 40 % (measured).
 */
export function Screen(props: ScreenProps) {
  const { columns, rows, minColumns = smallestScreen.columns, minRows = smallestScreen.rows } = props
  const isTooSmall = columns < minColumns || rows < minRows
  return (
    <Box width={columns} height={rows} overflowY="hidden" flexDirection="column">
      {isTooSmall ? (
        <TooSmall columns={columns} rows={rows} minColumns={minColumns} minRows={minRows} />
      ) : (
        props.children
      )}
    </Box>
  )
}

export interface TooSmallProps extends Inner {
  readonly minColumns: number
  readonly minRows: number
}

/** Rows of the message for a terminal that is too small: what is needed and what there is. */
export function tooSmallLines({ columns, rows, minColumns, minRows }: TooSmallProps): string[] {
  return ['Too small', `need ${minColumns}x${minRows}`, `have ${columns}x${rows}`].slice(0, Math.max(1, rows))
}

export function TooSmall(props: TooSmallProps) {
  return tooSmallLines(props).map((line) => <Label key={line} text={line} width={props.columns} />)
}

export interface PaneProps {
  readonly width: number
  readonly height: number
  readonly title?: string
  /** Shown at the right end of the title line: counts, ages. */
  readonly note?: string
  readonly isFocused?: boolean
  /** Without a border a pane is its title line and its content. */
  readonly hasBorder?: boolean
  readonly children?: ReactNode | ((inner: Inner) => ReactNode)
}

/** Cells that a pane leaves for its content. */
export function paneInner(pane: Pick<PaneProps, 'width' | 'height' | 'title' | 'hasBorder'>): Inner {
  if (pane.hasBorder === false) {
    return { columns: Math.max(0, pane.width), rows: Math.max(0, pane.height - (pane.title === undefined ? 0 : 1)) }
  }
  return { columns: Math.max(0, pane.width - 2), rows: Math.max(0, pane.height - 2) }
}

/** The top line of a pane: border, title and note. A focused pane has another border and a sign before its title. */
export function paneTop(
  pane: Pick<PaneProps, 'width' | 'title' | 'note' | 'isFocused' | 'hasBorder'>,
  glyphs: Glyphs,
): string {
  const border = pane.isFocused ? glyphs.focusedBorder : glyphs.border
  const isBare = pane.hasBorder === false
  const filler = isBare ? ' ' : border.top
  const room = Math.max(0, pane.width - (isBare ? 0 : 2))
  const sign = pane.isFocused ? `${glyphs.focus} ` : ''
  const title = pane.title === undefined ? '' : cut(` ${sign}${oneLine(pane.title)} `, room, glyphs.ellipsis)
  const noteRoom = room - textWidth(title) - 1
  const wanted = pane.note === undefined || pane.note === '' ? '' : ` ${oneLine(pane.note)} `
  // A note that does not fit is left out: half an age is worse than none.
  const note = textWidth(wanted) <= noteRoom ? wanted : ''
  const line = title + filler.repeat(Math.max(0, room - textWidth(title) - textWidth(note))) + note
  if (isBare) return line
  return pane.width < 2 ? filler.repeat(Math.max(0, pane.width)) : border.topLeft + line + border.topRight
}

function borderProps(style: Style) {
  return style.dimColor ? { borderDimColor: true } : style.color ? { borderColor: style.color } : {}
}

/** A titled, bordered part of the screen. Its content may be a function of the cells that are left for it. */
export function Pane(props: PaneProps) {
  const { width, height, title, isFocused = false, hasBorder = true, children } = props
  const { glyphs, styles } = useTheme()
  const inner = paneInner(props)
  const content = typeof children === 'function' ? children(inner) : children
  const hasTop = hasBorder || title !== undefined
  const token = isFocused ? 'border.focused' : 'border'
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {hasTop ? <Label text={paneTop(props, glyphs)} token={token} /> : null}
      {hasBorder ? (
        <Box
          width={width}
          height={Math.max(0, height - 1)}
          borderStyle={isFocused ? glyphs.focusedBorder : glyphs.border}
          borderTop={false}
          {...borderProps(styles[token])}
          flexDirection="column"
          overflowY="hidden"
        >
          {content}
        </Box>
      ) : (
        content
      )}
    </Box>
  )
}

export interface SplitProps {
  readonly width: number
  readonly height: number
  /** One part a child, in order. */
  readonly parts: readonly Part[]
  readonly gap?: number
  readonly children?: ReactNode
}

/** Children side by side; each gets the width of its part. A part that came out empty is not mounted. */
export function Columns({ width, height, parts, gap = 0, children }: SplitProps) {
  const sizes = split(width, parts, gap)
  return (
    <Box width={width} height={height} columnGap={gap} overflowY="hidden" flexShrink={0}>
      {Children.toArray(children).map((child, i) =>
        (sizes[i] ?? 0) > 0 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
          <Box key={i} width={sizes[i] ?? 0} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
            {child}
          </Box>
        ) : null,
      )}
    </Box>
  )
}

/** Children one below the other; each gets the height of its part. */
export function Rows({ width, height, parts, gap = 0, children }: SplitProps) {
  const sizes = split(height, parts, gap)
  return (
    <Box width={width} height={height} rowGap={gap} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {Children.toArray(children).map((child, i) =>
        (sizes[i] ?? 0) > 0 ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is known by its place
          <Box key={i} width={width} height={sizes[i] ?? 0} flexDirection="column" overflowY="hidden" flexShrink={0}>
            {child}
          </Box>
        ) : null,
      )}
    </Box>
  )
}
