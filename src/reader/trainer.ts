import { Replaced } from './growing.ts'
import { figureOf, looseJson } from './json-value.ts'
import { severalReader } from './several.ts'
import { readText } from './text-file.ts'
import type { Folder, ReadReport, RunReader, Sink } from './types.ts'

const stateName = 'trainer_state.json'
/** Settings of the trainer's state that say what was run. */
const settings = ['max_steps', 'num_train_epochs', 'eval_steps', 'logging_steps', 'save_steps', 'train_batch_size']

/** Files with the state of a trainer: that of the newest checkpoint holds what the earlier ones hold. */
async function newestState(folder: Folder, path: string): Promise<string | null> {
  const entries = (await folder.list(path)) ?? []
  const checkpoints = entries
    .filter(({ name, kind }) => kind === 'folder' && /^checkpoint-\d{1,12}$/.test(name))
    .sort((a, b) => Number(b.name.slice(11)) - Number(a.name.slice(11)))
  const candidates = [
    ...(entries.some(({ name }) => name === stateName) ? [`${path}/${stateName}`] : []),
    ...checkpoints.map(({ name }) => `${path}/${name}/${stateName}`),
  ]
  let newest: { readonly path: string; readonly step: number } | null = null
  for (const candidate of candidates.slice(0, 3)) {
    const text = await readText(folder, candidate, 'trainer')
    const state = text === null ? undefined : (looseJson(text.text) as Record<string, unknown> | undefined)
    const step = typeof state?.global_step === 'number' ? state.global_step : -1
    if (text !== null && (newest === null || step > newest.step)) newest = { path: candidate, step }
  }
  return newest?.path ?? null
}

/** Reads what Hugging Face's Trainer keeps of its log (handbook compare 4.4). Its pickled arguments are never opened. */
export function trainerReader(folder: Folder, path: string): RunReader {
  let seen = ''
  const part = async (sink: Sink): Promise<readonly ReadReport[]> => {
    const newest = await newestState(folder, path)
    if (newest === null) return []
    const file = await readText(folder, newest, 'trainer')
    if (file === null) return []
    const report = file.report(null)
    const state = looseJson(file.text)
    if (typeof state !== 'object' || state === null)
      return [file.report('is cut short or no JSON; nothing was taken from it')]
    // The whole log stands in each state: what was told of the one before is told anew.
    const mark = `${newest} ${report.bytes} ${report.mtimeMs}`
    if (mark === seen) return [report]
    if (seen !== '') throw new Replaced(newest)
    seen = mark
    tellState(state as Record<string, unknown>, sink)
    return [report]
  }
  return severalReader('trainer', [part], async () => {})
}

function tellState(state: Record<string, unknown>, sink: Sink): void {
  for (const name of settings) if (state[name] !== undefined) sink.config([name], state[name])
  const history = Array.isArray(state.log_history) ? (state.log_history as unknown[]) : []
  for (const row of history) {
    if (typeof row !== 'object' || row === null) continue
    const { step, ...values } = row as Record<string, unknown>
    const at = figureOf(step) ?? Number.NaN
    for (const [name, value] of Object.entries(values)) {
      const figure = figureOf(value)
      const metric = figure === null ? -1 : sink.metric(name)
      if (metric >= 0) sink.point(metric, at, figure as number, Number.NaN)
    }
  }
  const best = figureOf(state.best_metric)
  if (best !== null) sink.summary(['best_metric'], best)
  if (typeof state.best_model_checkpoint === 'string')
    sink.summary(['best_model_checkpoint'], state.best_model_checkpoint)
  tellDirection(best, history, sink)
}

/** The best figure is the least or the greatest of its metric: where it is one and not the other, that is the direction. */
function tellDirection(best: number | null, history: readonly unknown[], sink: Sink): void {
  if (best === null) return
  const byName = new Map<string, number[]>()
  for (const row of history) {
    for (const [name, value] of Object.entries((row ?? {}) as Record<string, unknown>)) {
      if (!name.startsWith('eval_') || typeof value !== 'number') continue
      byName.set(name, [...(byName.get(name) ?? []), value])
    }
  }
  const fitting = [...byName].filter(([, values]) => values.length > 1 && values.includes(best))
  const [only] = fitting
  if (only === undefined || fitting.length > 1) return
  const [name, values] = only
  const isLeast = values.every((value) => value >= best)
  const isMost = values.every((value) => value <= best)
  if (isLeast !== isMost) sink.direction(name, isLeast ? 'lower' : 'higher', 'trainer')
}
