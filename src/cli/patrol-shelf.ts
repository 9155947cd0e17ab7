import { join } from 'node:path'
import type { ReceiptPayload } from '../launch/types.ts'
import type { Observation } from '../patrol/types.ts'
import { runFolder } from '../run/folder.ts'
import type { ShownLog } from '../session/log-follower.ts'
import type { Shelves } from '../session/view.ts'
import { isSameLog, type LogReader } from './log-reader.ts'
import type { ShelfRequest } from './shelves.ts'

/** More points than cells cannot be told apart. */
const chartPoints = 400

/** The unit that the log and the chart are of: the one under the cursor, else the first that runs, else the newest done. */
function unitOf(request: ShelfRequest): string | null {
  const chosen = request.selected('units')
  const units = (request.run?.observation?.payload as Observation | undefined)?.units ?? []
  // Remembered from another run it names nothing here; before the first look the cursor is believed.
  if (chosen !== null && (units.length === 0 || units.some((u) => u.unit === chosen))) return chosen
  return (
    units.find((u) => u.state === 'failed')?.unit ??
    units.find((u) => u.state === 'running')?.unit ??
    units.findLast((u) => u.state === 'done')?.unit ??
    null
  )
}

async function unitLog(receipt: ReceiptPayload, unit: string, reader: LogReader): Promise<ShownLog> {
  const [{ boxEngine }, { createLocalHost }] = await Promise.all([
    import('../engine/box/engine.ts'),
    import('../host/local.ts'),
  ])
  const host = createLocalHost()
  try {
    const { folder } = receipt.handle
    return await reader.look(`${folder} ${unit}`, (offset, length) =>
      boxEngine.log(host, receipt.handle, unit, offset, length),
    )
  } finally {
    await host.close()
  }
}

async function metricSeries(request: ShelfRequest, unit: string): Promise<Shelves['series']> {
  const { borrowSamples } = await import('../patrol/lent-samples.ts')
  const names = request.plan.status === 'ok' ? request.plan.loaded.plan.metrics.map((m) => m.name) : []
  const samples = borrowSamples(join(runFolder(request.projectFolder, request.run?.runId ?? ''), 'samples.db'))
  try {
    return [...new Set(['loss', ...names])].flatMap((name) => {
      const points = samples.metric(unit, name, chartPoints)
      return points.length < 2 ? [] : [{ name, x: points.map((p) => p.step), y: points.map((p) => p.value) }]
    })
  } finally {
    samples.close()
  }
}

/** What the patrol screen shows beside the observation: the log and the metrics of one unit. */
export async function loadPatrol(request: ShelfRequest, reader: LogReader): Promise<Partial<Shelves> | null> {
  const receipt = request.run?.latest.Receipt?.payload as ReceiptPayload | undefined
  const unit = unitOf(request)
  if (receipt === undefined || unit === null) return null
  const [log, series] = await Promise.all([unitLog(receipt, unit, reader), metricSeries(request, unit)])
  const before = request.shelves
  const isLogSame = before.unitLog?.unit === unit && isSameLog(before.unitLog.log, log)
  const points = (list: Shelves['series']) => list.map((s) => `${s.name} ${s.y.length} ${s.x.at(-1) ?? ''}`).join()
  const isSeriesSame = before.unitLog?.unit === unit && points(before.series) === points(series)
  // Nothing new: nothing is drawn again for it.
  if (isLogSame && isSeriesSame) return null
  return {
    unitLog: isLogSame ? before.unitLog : { unit, log },
    series: isSeriesSame ? before.series : series,
    seriesVersion: before.seriesVersion + (isSeriesSame ? 0 : 1),
  }
}
