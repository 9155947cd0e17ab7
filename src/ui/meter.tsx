import { memo } from 'react'
import { type MeterModel, meterParts, meterToken } from './meter-model.ts'
import { packRuns, Runs } from './runs.tsx'
import { useTheme } from './theme-context.tsx'

export interface MeterProps extends MeterModel {
  readonly width: number
  /** Cells for the label, so that bars below each other line up. */
  readonly labelWidth?: number
}

/** A bar with its value at the right edge, where a change costs the fewest bytes. */
export const Meter = memo(function Meter(props: MeterProps) {
  const { glyphs } = useTheme()
  const { label, full, empty, value } = meterParts(props, props.width, props.labelWidth ?? 12, glyphs)
  const token = meterToken(props)
  const runs = packRuns([
    { text: label },
    { text: full, token },
    { text: empty, token: 'text.muted' },
    { text: value, token },
  ])
  return <Runs runs={runs} />
})
