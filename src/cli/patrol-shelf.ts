import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ReceiptPayload } from '../launch/types.ts'
import type { Observation } from '../patrol/types.ts'
import { runFolder } from '../run/folder.ts'
import { hostFolder, viewOf } from '../run/host-view.ts'
import type { RunState } from '../run/types.ts'
import type { ShownLog } from '../session/log-follower.ts'
import type { Shelves, UnitLog } from '../session/view.ts'
import { ownersOf } from '../walk/shares.ts'
import { betweenLooksMs, type FarLogReader, farLogReader } from './far-log.ts'
import { isSameLog, type LogReader, secretsOf } from './log-reader.ts'
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

/** Which host the unit is on, and what was launched there. Of several hosts: the one whose result counts, else its owner. */
function placeOf(
  run: RunState,
  unit: string,
): { readonly host: string | null; readonly receipt: ReceiptPayload | null } {
  const { fleet } = run
  if (fleet === undefined || fleet.hosts.length < 2) {
    const { host, payload } = run.latest.Receipt ?? {}
    return { host: host?.host ?? 'local', receipt: (payload as ReceiptPayload | undefined) ?? null }
  }
  const seen = run.observation?.payload as Observation | undefined
  const host = seen?.units.find((u) => u.unit === unit)?.host ?? ownersOf(fleet.assignments).get(unit)?.host ?? null
  const receipt = host === null ? undefined : viewOf(run, host).latest.Receipt?.payload
  return { host, receipt: (receipt as ReceiptPayload | undefined) ?? null }
}

async function nearLog(
  receipt: ReceiptPayload,
  unit: string,
  reader: LogReader,
  plan: ShelfRequest['plan'],
): Promise<ShownLog> {
  const [{ boxEngine }, { createLocalHost }] = await Promise.all([
    import('../engine/box/engine.ts'),
    import('../host/local.ts'),
  ])
  const host = createLocalHost()
  try {
    const { folder } = receipt.handle
    return await reader.look(
      `${folder} ${unit}`,
      (offset, length) => boxEngine.log(host, receipt.handle, unit, offset, length),
      secretsOf(plan),
    )
  } finally {
    await host.close()
  }
}

/** Reads logs over the links that this process has open; opens none. */
export function openFarLog({ plan }: Pick<ShelfRequest, 'plan'>): FarLogReader {
  return farLogReader({
    open: async (host) => (await import('../session/hosts.ts')).leaseOpenHost(host),
    secrets: secretsOf(plan),
  })
}

async function farLog(
  request: ShelfRequest,
  place: { readonly host: string; readonly receipt: ReceiptPayload },
  unit: string,
  reader: () => FarLogReader,
): Promise<UnitLog | null> {
  const path = (await import('../engine/box/log.ts')).unitLogPath(place.receipt.handle, unit)
  if (path === null) return null
  // A pane that comes on screen later is read for within a second.
  if (!request.isShown('log')) {
    request.again(betweenLooksMs)
    return null
  }
  const { isBehind, ...seen } = await reader().look({ unit, host: place.host, path })
  const seenUnit = (request.run?.observation?.payload as Observation | undefined)?.units.find((u) => u.unit === unit)
  const isOver = seenUnit !== undefined && ['done', 'failed', 'aborted'].includes(seenUnit.state)
  // Of a unit that is over nothing more comes once its log was read to the end.
  if (!isOver || isBehind || !seen.far.isThere || seen.far.trouble !== null) request.again(betweenLooksMs)
  return seen
}

async function metricSeries(request: ShelfRequest, unit: string, folder: string): Promise<Shelves['series']> {
  const { borrowSamples } = await import('../patrol/lent-samples.ts')
  const names = request.plan.status === 'ok' ? request.plan.loaded.plan.metrics.map((m) => m.name) : []
  const samples = borrowSamples(join(folder, 'samples.db'))
  try {
    return [...new Set(['loss', ...names])].flatMap((name) => {
      const points = samples.metric(unit, name, chartPoints)
      return points.length < 2 ? [] : [{ name, x: points.map((p) => p.step), y: points.map((p) => p.value) }]
    })
  } finally {
    samples.close()
  }
}

/** Where patrol writes the samples of a unit: each of several hosts has its own. */
function samplesFolder(request: ShelfRequest, run: RunState, host: string | null): string | null {
  const folder = runFolder(request.projectFolder, run.runId)
  if (run.fleet === undefined || run.fleet.hosts.length < 2) return folder
  if (host === null) return null
  const own = hostFolder(folder, host)
  // Nobody has looked at that host from here: there is nothing to read, and no reason to make a folder.
  return existsSync(own) ? own : null
}

function isSameUnitLog(a: UnitLog | null, b: UnitLog): boolean {
  if (a === null || a.unit !== b.unit) return false
  const isSame = a.log === null || b.log === null ? a.log === b.log : isSameLog(a.log, b.log)
  return isSame && farText(a) === farText(b)
}

/** A quiet log is not drawn anew with each look: while nothing is wrong, when it was read counts in steps. */
function farText({ far }: UnitLog): string {
  if (far?.readAtMs == null || !far.isLinked || far.trouble !== null) return JSON.stringify(far ?? null)
  return JSON.stringify({ ...far, readAtMs: Math.floor(far.readAtMs / 10_000) })
}

/** What the patrol screen shows beside the observation: the log and the metrics of one unit. */
export async function loadPatrol(
  request: ShelfRequest,
  reader: LogReader,
  farReader: () => FarLogReader,
): Promise<Partial<Shelves> | null> {
  const { run, shelves: before } = request
  const unit = unitOf(request)
  if (run === null || run.latest.Receipt === undefined || unit === null) return null
  const { host, receipt } = placeOf(run, unit)
  const folder = samplesFolder(request, run, host)
  const readSeries = folder === null ? Promise.resolve([]) : metricSeries(request, unit, folder)
  const points = (list: Shelves['series']) => list.map((s) => `${s.name} ${s.y.length} ${s.x.at(-1) ?? ''}`).join()
  const isUnitSame = before.unitLog?.unit === unit
  // Nothing new: nothing is drawn again for it.
  const seriesPart = (series: Shelves['series']) =>
    isUnitSame && points(before.series) === points(series) ? null : { series, seriesVersion: before.seriesVersion + 1 }
  const logPart = (log: UnitLog | null) =>
    log === null || isSameUnitLog(before.unitLog, log) ? null : { unitLog: log }
  if (receipt === null || host === null) {
    const log = { unit, log: null, ...(host === null ? {} : { far: { ...unread, host } }) }
    return { ...logPart(log), ...seriesPart(await readSeries) }
  }
  if (host === 'local') {
    const [log, series] = await Promise.all([nearLog(receipt, unit, reader, request.plan), readSeries])
    const parts = [logPart({ unit, log }), seriesPart(series)]
    return parts.every((part) => part === null) ? null : { ...parts[0], ...parts[1] }
  }
  // The chart is read here and waits for no network.
  const early = seriesPart(await readSeries)
  if (early !== null)
    request.put({ ...early, ...(isUnitSame ? {} : { unitLog: { unit, log: null, far: { ...unread, host } } }) })
  return logPart(await farLog(request, { host, receipt }, unit, farReader))
}

const unread = { readAtMs: null, isThere: false, isLinked: false, trouble: null }
