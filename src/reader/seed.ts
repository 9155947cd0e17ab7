import { readFingerprint } from './fingerprint.ts'
import { figuresOf } from './flatten-row.ts'
import { looseJson } from './json-value.ts'
import { severalReader } from './several.ts'
import { readText } from './text-file.ts'
import type { Folder, RunReader, Sink } from './types.ts'
import { UnitFolders } from './units.ts'

/** Parts of `metrics.json` that describe the run and are no result. */
const notResults = new Set(['experiment', 'timestamp', 'notes', 'abort_triggered', 'abort_reason', 'per_seed'])

/**
 * Reads a folder with files of its own: `metrics.json`, files of splits, `env_fingerprint.json`, `checkpoint.json`
 * (handbook compare 4.9). A file that was cut short is said; what others hold is read.
 */
export function seedReader(folder: Folder, path: string): RunReader {
  const units = new UnitFolders(folder, `${path}/units`)
  const metrics = async (sink: Sink) => {
    const file = await readText(folder, `${path}/metrics.json`, 'seed')
    if (file === null) return []
    const whole = looseJson(file.text)
    const value = whole ?? recovered(file.text)
    if (typeof value !== 'object' || value === null)
      return [file.report('is cut short or no JSON; nothing was taken from it')]
    const object = value as Record<string, unknown>
    if (typeof object.experiment === 'string') sink.facts({ name: object.experiment })
    for (const [name, each] of Object.entries(object)) {
      if (!notResults.has(name)) figuresOf({ [name]: each }, (inner, figure) => sink.summary([inner], figure))
    }
    const seeds = object.per_seed
    for (const [seed, each] of Object.entries((typeof seeds === 'object' && seeds !== null ? seeds : {}) as object)) {
      figuresOf(typeof each === 'object' ? each : { value: each }, (name, figure) => sink.summary([name], figure, seed))
    }
    return [file.report(whole === undefined ? 'is cut short; what came before the cut was read' : null)]
  }
  const config = async (sink: Sink) => {
    const file = await readText(folder, `${path}/config.json`, 'seed')
    if (file === null) return []
    const value = looseJson(file.text)
    for (const [name, each] of Object.entries((value ?? {}) as object)) sink.config([name], each)
    return [file.report(value === undefined ? 'is no JSON; nothing was taken from it' : null)]
  }
  const checkpoint = async (sink: Sink) => {
    const file = await readText(folder, `${path}/checkpoint.json`, 'seed')
    if (file === null) return []
    const value = looseJson(file.text) as { results?: unknown } | undefined
    const results = value?.results
    for (const [unit, each] of Object.entries(
      (typeof results === 'object' && results !== null ? results : {}) as object,
    )) {
      figuresOf(each, (name, figure) => sink.summary([name], figure, unit))
    }
    return [file.report(value === undefined ? 'is cut short or no JSON; nothing was taken from it' : null)]
  }
  return severalReader(
    'seed',
    [
      config,
      metrics,
      checkpoint,
      (sink) => readFingerprint(folder, `${path}/env_fingerprint.json`, sink),
      (sink, signal) => units.advance(sink, signal),
    ],
    () => units.close(),
  )
}

/**
 * What a JSON object held before it was cut: the longest beginning that is whole once its brackets are closed. Nothing is
 * completed: a value that was cut is left out.
 */
export function recovered(text: string): unknown {
  const open: string[] = []
  const ends: { readonly at: number; readonly closing: string }[] = []
  let isString = false
  for (let at = 0; at < text.length; at++) {
    const mark = text[at] as string
    if (isString) {
      if (mark === '\\') at++
      else if (mark === '"') isString = false
      continue
    }
    if (mark === '"') isString = true
    else if (mark === '{' || mark === '[') open.push(mark === '{' ? '}' : ']')
    else if (mark === '}' || mark === ']') open.pop()
    // Behind a comma the value before it is whole.
    if (mark === ',' || mark === '}' || mark === ']') {
      ends.push({ at: mark === ',' ? at : at + 1, closing: [...open].reverse().join('') })
      if (ends.length > 64) ends.shift()
    }
  }
  for (const { at, closing } of ends.reverse()) {
    const value = looseJson(text.slice(0, at) + closing)
    if (value !== undefined) return value
  }
  return undefined
}
