import { memo } from 'react'
import { packRuns, Runs } from './runs.tsx'
import { type Extent, type Sample, sparklineText } from './sparkline-model.ts'
import { toWidth } from './text-fit.ts'
import type { Token } from './theme.ts'
import { useTheme } from './theme-context.tsx'

export interface SparklineProps {
  readonly values: readonly Sample[]
  readonly width: number
  readonly label?: string
  readonly labelWidth?: number
  /** Right of the row: the newest value with its unit. */
  readonly text?: string
  readonly extent?: Extent | null
  readonly token?: Token
}

/** One row: label, curve, newest value at the right edge. */
export const Sparkline = memo(function Sparkline(props: SparklineProps) {
  const {
    values,
    width,
    label = '',
    labelWidth = label === '' ? 0 : 12,
    text = '',
    extent = null,
    token = 'accent',
  } = props
  const { glyphs } = useTheme()
  const head = labelWidth > 0 ? `${toWidth(label, Math.min(labelWidth, width - 1), 'left', glyphs.ellipsis)} ` : ''
  const room = Math.max(0, width - (labelWidth > 0 ? Math.min(labelWidth, width - 1) + 1 : 0))
  const tail =
    text === '' ? '' : ` ${toWidth(text, Math.min(room, Math.max(8, text.length)), 'right', glyphs.ellipsis)}`
  const cells = Math.max(0, room - tail.length)
  const curve = toWidth(sparklineText(values, cells, glyphs, extent), cells)
  return <Runs runs={packRuns([{ text: head }, { text: curve, token }, { text: tail }])} />
})
