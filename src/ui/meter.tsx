import { Text } from 'ink'
import { memo } from 'react'
import { type MeterModel, meterParts, meterToken } from './meter-model.ts'
import { useTheme } from './theme-context.tsx'

export interface MeterProps extends MeterModel {
  readonly width: number
  /** Cells for the label, so that bars below each other line up. */
  readonly labelWidth?: number
}

/** A bar with its value at the right edge, where a change costs the fewest bytes. */
export const Meter = memo(function Meter(props: MeterProps) {
  const { styles, glyphs } = useTheme()
  const { label, full, empty, value } = meterParts(props, props.width, props.labelWidth ?? 12, glyphs)
  const style = styles[meterToken(props)]
  return (
    <Text wrap="truncate">
      {label}
      <Text {...style}>{full}</Text>
      <Text {...styles['text.muted']}>{empty}</Text>
      <Text {...style}>{value}</Text>
    </Text>
  )
})
