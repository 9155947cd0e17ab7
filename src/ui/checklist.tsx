import { Box } from 'ink'
import { useMemo } from 'react'
import {
  type ChecklistItem,
  type ChecklistModel,
  checklistRows,
  checklistWidths,
  flagText,
  leastEvidence,
  rowOfItem,
} from './checklist-model.ts'
import { type Glyphs, markText } from './glyphs.ts'
import { Label } from './label.tsx'
import { visibleTop } from './list-model.ts'
import { packRuns, Runs } from './runs.tsx'
import { cut, pad, textWidth } from './text-fit.ts'
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

/** The runs of one item: gutter, mark with its word, severity, title, evidence. */
function itemRuns(item: ChecklistItem, width: number, glyphs: Glyphs, isOpen: boolean, isSelected: boolean): string {
  const widths = checklistWidths(width, glyphs)
  const flags = flagText(item)
  const title = flags === '' ? item.title : `${flags} ${item.title}`
  const shown = cut(title, widths.title, glyphs.ellipsis)
  const beside = widths.title - textWidth(shown) - 2
  const room = widths.evidence > 0 ? widths.evidence : beside >= leastEvidence ? beside : 0
  const evidence = cut(item.evidence, room, glyphs.ellipsis)
  return packRuns([
    { text: `${isOpen ? glyphs.open : isSelected ? glyphs.cursor : ' '} ` },
    { text: `${pad(markText(item.mark, glyphs), widths.mark)} `, token: markToken(item.mark) },
    { text: `${pad(glyphs.weight[item.severity], 2)} `, token: weightToken(item.severity) },
    { text: widths.evidence > 0 ? pad(shown, widths.title) : shown },
    { text: evidence === '' ? '' : `  ${evidence}`, token: 'text.muted' },
  ])
}

/** A checklist of any length: only the rows on screen are mounted. Opened items show their evidence below them. */
export function Checklist(props: ChecklistProps) {
  const { items, openIds, empty = 'no items', width, height, cursor = -1, top = 0 } = props
  const rows = useMemo(
    () => checklistRows(openIds === undefined ? { items } : { items, openIds }, width),
    [items, openIds, width],
  )
  const first = visibleTop(top, cursor < 0 ? top : rowOfItem(rows, cursor), height, rows.length)
  const { glyphs } = useTheme()
  const open = new Set(openIds)
  return (
    <Box width={width} height={height} flexDirection="column" overflowY="hidden" flexShrink={0}>
      {items.length === 0 ? <Label text={empty} width={width} token="text.muted" /> : null}
      {rows.slice(first, first + Math.max(0, height)).map((row) => {
        if (row.kind === 'group') return <Label key={row.key} text={row.text} width={width} token="text.strong" />
        if (row.kind === 'detail') {
          return <Label key={row.key} text={`      ${row.text}`} width={width} token="text.muted" />
        }
        const isSelected = row.index === cursor
        return (
          <Runs
            key={row.key}
            runs={itemRuns(row.item, width, glyphs, open.has(row.item.id), isSelected)}
            isSelected={isSelected}
            width={width}
          />
        )
      })}
    </Box>
  )
}
