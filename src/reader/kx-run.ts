import { readLooseYaml } from '../text/yaml-loose.ts'
import { readFingerprint } from './fingerprint.ts'
import { KxRecords } from './kx-records.ts'
import { readSamples } from './kx-samples.ts'
import { GrowingLines } from './lines.ts'
import { reportOn } from './report.ts'
import { severalReader } from './several.ts'
import { readText } from './text-file.ts'
import type { Folder, RunReader, Sink, WalkFacts } from './types.ts'
import { UnitFolders } from './units.ts'

/** Parts of a plan that are no settings of the experiment but of how it is walked. */
const walking = ['metrics', 'artifacts', 'secrets', 'lease', 'budget', 'hosts', 'profile', 'patrol']

/** Reads a run of kx from its folder: the plan as it was, what the journal proves, and the units that were pulled. */
export function kxRunReader(folder: Folder, path: string): RunReader {
  const units = new UnitFolders(folder, `${path}/artifacts/units`)
  const journal = new GrowingLines(folder.open(`${path}/journal.jsonl`))
  const known = new KxRecords()
  let planned: WalkFacts = {}
  let sampled: WalkFacts = {}
  const tell = (sink: Sink) => {
    const facts = known.known()
    sink.facts({ ...facts, walk: { ...planned, ...facts.walk, ...sampled } })
  }
  const plan = async (sink: Sink) => {
    const file = await readText(folder, `${path}/plan.yaml`, 'kx')
    if (file === null) return []
    const { value, problem } = readLooseYaml(file.text)
    if (typeof value === 'object' && value !== null) planned = tellPlan(value as Record<string, unknown>, sink)
    return [file.report(problem)]
  }
  const records = async (sink: Sink, signal?: AbortSignal) => {
    let isNew = false
    const growth = await journal.advance((line) => {
      if (known.take(line)) isNew = true
    }, signal)
    if (growth === null) return []
    if (isNew) tell(sink)
    for (const event of known.newEvents()) sink.event(event)
    return [
      reportOn('kx', { path: `${folder.root}/${path}/journal.jsonl` }, growth, {
        records: journal.lines,
        skippedBytes: journal.skippedBytes,
      }),
    ]
  }
  const samples = async (sink: Sink) => {
    const { walk, reports } = await readSamples(folder, `${path}/samples.db`, known.known())
    sampled = walk
    if (Object.keys(walk).length > 0) tell(sink)
    return reports
  }
  return severalReader(
    'kx',
    [
      plan,
      records,
      samples,
      (sink) => readFingerprint(folder, `${path}/artifacts/env_fingerprint.json`, sink),
      (sink, signal) => units.advance(sink, signal),
    ],
    async () => {
      await journal.close()
      await units.close()
    },
  )
}

/** Settings and directions of a plan; what the walk needs of it comes back. */
function tellPlan(plan: Record<string, unknown>, sink: Sink): WalkFacts {
  const chance: Record<string, number> = Object.create(null)
  for (const [name, value] of Object.entries(plan)) if (!walking.includes(name)) sink.config([name], value)
  for (const metric of Array.isArray(plan.metrics) ? (plan.metrics as unknown[]) : []) {
    const { name, direction, primary, chance: guessed } = (metric ?? {}) as Readonly<Record<string, unknown>>
    if (typeof name === 'string' && typeof guessed === 'number' && Number.isFinite(guessed)) chance[name] = guessed
    if (typeof name === 'string' && primary === true) sink.facts({ primaryMetric: name })
    if (typeof name === 'string' && (direction === 'higher' || direction === 'lower'))
      sink.direction(name, direction, 'plan')
  }
  const { kind, reference } = (plan.environment ?? {}) as Readonly<Record<string, unknown>>
  return { chance, ...(kind === 'image' && typeof reference === 'string' ? { image: reference } : {}) }
}
