import { join } from 'node:path'
import type { ReceiptPayload } from '../launch/types.ts'
import type { Observation } from '../patrol/types.ts'
import { runFolder } from '../run/folder.ts'
import type { Shelves } from '../session/view.ts'
import { sanitise } from '../text/sanitise.ts'
import type { ShelfRequest } from './shelves.ts'

const logTailBytes = 64 * 1024
/** More points than cells cannot be told apart. */
const chartPoints = 400

/** The unit that the log and the chart are of: the one under the cursor, else the first that runs, else the newest done. */
function unitOf(request: ShelfRequest): string | null {
  const chosen = request.selected('units')
  if (chosen !== null) return chosen
  const units = (request.run?.observation?.payload as Observation | undefined)?.units ?? []
  return (
    units.find((u) => u.state === 'failed')?.unit ??
    units.find((u) => u.state === 'running')?.unit ??
    units.findLast((u) => u.state === 'done')?.unit ??
    null
  )
}

async function unitLog(receipt: ReceiptPayload, unit: string): Promise<Shelves['unitLog']> {
  const [{ boxEngine }, { createLocalHost }] = await Promise.all([
    import('../engine/box/engine.ts'),
    import('../host/local.ts'),
  ])
  const host = createLocalHost()
  try {
    const { size } = await boxEngine.log(host, receipt.handle, unit, 0, 0)
    if (size === null) return { unit, lines: [] }
    const offset = Math.max(0, size - logTailBytes)
    const { bytes } = await boxEngine.log(host, receipt.handle, unit, offset, logTailBytes)
    const lines = sanitise(bytes ?? new Uint8Array(), { allowSgr: false }).split('\n')
    // The first line is cut by the offset, and the last one is empty when the log ends in a line end.
    return {
      unit,
      lines: (offset > 0 ? lines.slice(1) : lines).filter((line, i, all) => line !== '' || i < all.length - 1),
    }
  } finally {
    await host.close()
  }
}

async function metricSeries(request: ShelfRequest, unit: string): Promise<Shelves['series']> {
  const { openSamples } = await import('../patrol/samples.ts')
  const names = request.plan.status === 'ok' ? request.plan.loaded.plan.metrics.map((m) => m.name) : []
  const samples = openSamples(join(runFolder(request.projectFolder, request.run?.runId ?? ''), 'samples.db'))
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
export async function loadPatrol(request: ShelfRequest): Promise<Partial<Shelves> | null> {
  const receipt = request.run?.latest.Receipt?.payload as ReceiptPayload | undefined
  const unit = unitOf(request)
  if (receipt === undefined || unit === null) return null
  const [log, series] = await Promise.all([unitLog(receipt, unit), metricSeries(request, unit)])
  const before = request.shelves
  const isSameLog =
    before.unitLog?.unit === unit &&
    before.unitLog.lines.length === log?.lines.length &&
    before.unitLog.lines.at(-1) === log.lines.at(-1)
  const points = (list: Shelves['series']) => list.map((s) => `${s.name} ${s.y.length} ${s.x.at(-1) ?? ''}`).join()
  const isSameSeries = points(before.series) === points(series)
  // Nothing new: nothing is drawn again for it.
  if (isSameLog && isSameSeries) return null
  return {
    unitLog: isSameLog ? before.unitLog : log,
    series: isSameSeries ? before.series : series,
    seriesVersion: before.seriesVersion + (isSameSeries ? 0 : 1),
  }
}
