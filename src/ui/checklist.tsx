import { Box, Text } from 'ink'
import { memo, useMemo } from 'react'
import { type ChecklistModel, checklistRows, checklistWidths, flagText, rowOfItem } from './checklist-model.ts'
import { type Mark, markText, type Weight } from './glyphs.ts'
import { Label } from './label.tsx'
import { visibleTop } from './list-model.ts'
import { pad, toWidth } from './text-fit.ts'
import { markToken, weightToken } from './theme.ts'
import { useTheme } from './theme-context.tsx'

export interface ChecklistProps extends ChecklistModel {
  readonly width: number
  readonly height: number
  /** Index of the item that the cursor is on. */
  readonly cursor?: number
  /** First row on screen; corrected so that the cursor is visible. */
  readonly top?: number
}

interface ItemRowProps {
  readonly title: string
  readonly mark: Mark
  readonly severity: Weight
  readonly evidence: string
  readonly flags: string
  readonly isOpen: boolean
  readonly isSelected: boolean
  readonly width: number
}

const ItemRow = memo(function ItemRow(props: ItemRowProps) {
  const { title, mark, severity, evidence, flags, isOpen, isSelected, width } = props
  const { styles, glyphs } = useTheme()
  const widths = checklistWidths(width, glyphs)
  const gutter = isSelected ? (isOpen ? glyphs.open : glyphs.cursor) : isOpen ? glyphs.open : ' '
  const name = flags === '' ? title : `${flags} ${title}`
  return (
    <Text wrap="truncate" {...(isSelected ? styles.selection : undefined)}>
      {`${gutter} `}
      <Text {...styles[markToken(mark)]}>{pad(markText(mark, glyphs), widths.mark)}</Text>
      <Text {...styles[weightToken(severity)]}> {pad(glyphs.weight[severity], 2)} </Text>
      {toWidth(name, widths.title, 'left', glyphs.ellipsis)}
      {widths.evidence > 0 ? (
        <Text {...styles['text.muted']}>{`  ${toWidth(evidence, widths.evidence, 'left', glyphs.ellipsis)}`}</Text>
      ) : null}
    </Text>
  )
})

/** A checklist of any length: only the rows on screen are mounted. Opened items show their evidence below them. */
export function Checklist(props: ChecklistProps) {
  const { items, openIds, empty = 'no items', width, height, cursor = -1, top = 0 } = props
  const rows = useMemo(
    () => checklistRows(openIds === undefined ? { items } : { items, openIds }, width),
    [items, openIds, width],
  )
  const first = visibleTop(top, cursor < 0 ? top : rowOfItem(rows, cursor), height, rows.length)
  const open = new Set(openIds)
  return (
    <Box width={width} height={height} flexDirection="column" overflow="hidden" flexShrink={0}>
      {items.length === 0 ? <Label text={empty} width={width} token="text.muted" /> : null}
      {rows.slice(first, first + Math.max(0, height)).map((row) => {
        if (row.kind === 'group') return <Label key={row.key} text={row.text} width={width} token="text.strong" />
        if (row.kind === 'detail') {
          return <Label key={row.key} text={`      ${row.text}`} width={width} token="text.muted" />
        }
        const { item } = row
        return (
          <ItemRow
            key={row.key}
            title={item.title}
            mark={item.mark}
            severity={item.severity}
            evidence={item.evidence}
            flags={flagText(item)}
            isOpen={open.has(item.id)}
            isSelected={row.index === cursor}
            width={width}
          />
        )
      })}
    </Box>
  )
}
