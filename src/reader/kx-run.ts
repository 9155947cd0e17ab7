import { readLooseYaml } from '../text/yaml-loose.ts'
import { readFingerprint } from './fingerprint.ts'
import { GrowingLines } from './lines.ts'
import { reportOn } from './report.ts'
import { severalReader } from './several.ts'
import { readText } from './text-file.ts'
import type { Folder, RunReader, RunState, Sink } from './types.ts'
import { UnitFolders } from './units.ts'

/** Parts of a plan that are no settings of the experiment but of how it is walked. */
const walking = ['metrics', 'artifacts', 'secrets', 'lease', 'budget', 'hosts', 'profile', 'patrol']

/** Reads a run of kx from its folder: the plan as it was, what the journal proves, and the units that were pulled. */
export function kxRunReader(folder: Folder, path: string): RunReader {
  const units = new UnitFolders(folder, `${path}/artifacts/units`)
  const journal = new GrowingLines(folder.open(`${path}/journal.jsonl`))
  const plan = async (sink: Sink) => {
    const file = await readText(folder, `${path}/plan.yaml`, 'kx')
    if (file === null) return []
    const { value, problem } = readLooseYaml(file.text)
    if (typeof value === 'object' && value !== null) tellPlan(value as Record<string, unknown>, sink)
    return [file.report(problem)]
  }
  const records = async (sink: Sink, signal?: AbortSignal) => {
    const growth = await journal.advance((line) => tellRecord(line, sink), signal)
    if (growth === null) return []
    return [
      reportOn('kx', { path: `${folder.root}/${path}/journal.jsonl` }, growth, {
        records: journal.lines,
        skippedBytes: journal.skippedBytes,
      }),
    ]
  }
  return severalReader(
    'kx',
    [
      plan,
      records,
      (sink) => readFingerprint(folder, `${path}/artifacts/env_fingerprint.json`, sink),
      (sink, signal) => units.advance(sink, signal),
    ],
    async () => {
      await journal.close()
      await units.close()
    },
  )
}

function tellPlan(plan: Record<string, unknown>, sink: Sink): void {
  for (const [name, value] of Object.entries(plan)) if (!walking.includes(name)) sink.config([name], value)
  for (const metric of Array.isArray(plan.metrics) ? (plan.metrics as unknown[]) : []) {
    const { name, direction, primary } = (metric ?? {}) as { name?: unknown; direction?: unknown; primary?: unknown }
    if (typeof name === 'string' && primary === true) sink.facts({ primaryMetric: name })
    if (typeof name === 'string' && (direction === 'higher' || direction === 'lower'))
      sink.direction(name, direction, 'plan')
  }
}

/** Kinds of records that are looked into; the others are passed without being parsed. */
const kinds = /"kind":"(run\.created|proof\.made|finding\.opened|outcome\.set|run\.ended)"/

function tellRecord(line: string, sink: Sink): void {
  const kind = kinds.exec(line)?.[1]
  if (kind === undefined) return
  let record: { atMs?: number; payload?: Record<string, unknown> }
  try {
    record = JSON.parse(line) as typeof record
  } catch {
    return
  }
  const payload = record.payload ?? {}
  if (kind === 'run.created') {
    sink.facts({
      ...(typeof payload.runId === 'string' ? { id: payload.runId, name: payload.runId } : {}),
      ...(typeof payload.planName === 'string' ? { group: payload.planName } : {}),
      ...(typeof payload.project === 'string' ? { project: payload.project } : {}),
      ...(typeof record.atMs === 'number' ? { startedAtMs: record.atMs } : {}),
    })
  }
  if (kind !== 'proof.made') return
  const bound = (payload.boundTo ?? {}) as Record<string, unknown>
  const state: RunState | null = payload.kind === 'Outcome' ? stateOf(payload.payload) : null
  sink.facts({
    ...(typeof bound.code === 'string' ? { codeSha256: bound.code } : {}),
    ...(typeof bound.data === 'string' ? { dataSha256: bound.data } : {}),
    ...(state === null ? {} : { state }),
    ...(state !== null && typeof record.atMs === 'number' ? { endedAtMs: record.atMs } : {}),
  })
}

function stateOf(outcome: unknown): RunState {
  const word = (outcome as { state?: unknown } | null)?.state
  return word === 'finished' ? 'finished' : word === 'dead' ? 'failed' : 'unknown'
}
