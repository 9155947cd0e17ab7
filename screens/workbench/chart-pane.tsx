import { Label } from '../../src/ui/index.ts'
import type { PaneModel } from './model.ts'

type ChartModel = Extract<PaneModel, { kind: 'chart' }>

/** Placeholder rows until the chart module is there; replaced as soon as it has drawn. */
export function ChartPane({
  pane,
  width,
}: {
  readonly pane: ChartModel
  readonly width: number
  readonly height: number
}) {
  return <Label text={pane.empty} width={width} token="text.muted" />
}
