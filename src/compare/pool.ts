import { sanitiseLine } from '../text/sanitise.ts'
import type { RunDigest } from './digest.ts'
import { directionOf } from './direction.ts'
import { flatten, valueText } from './flatten.ts'
import { isNamed, noiseKeys } from './noise.ts'
import type { QuerySubject, Taken } from './query.ts'
import type { LoadedRun } from './run.ts'
import type { PoolRun } from './types.ts'
import { figureText } from './words.ts'

const safe = (text: string) => sanitiseLine(text, 200)

/** What a query may ask of a run. */
export function subjectOf({
  name,
  path,
  format,
  digest,
}: Pick<LoadedRun, 'name' | 'path' | 'format' | 'digest'>): QuerySubject {
  const { facts } = digest
  const moment = (atMs: number | undefined) => (atMs === undefined ? undefined : new Date(atMs).toISOString())
  const { project, group, notes, host, commit, program, python, gpu, usd } = facts
  const known = { project, group, notes, host, commit, program, python, gpu, usd }
  const moments = { started: moment(facts.startedAtMs), ended: moment(facts.endedAtMs) }
  return {
    name: facts.name ?? name,
    path,
    format,
    state: facts.state ?? 'unknown',
    tags: facts.tags ?? [],
    facts: Object.fromEntries(
      Object.entries({ ...known, ...moments }).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    ),
    settings: new Map(
      [...flatten(digest.settings, format === 'mlflow-files' || format === 'mlflow-sqlite')].map(([key, { value }]) => [
        key,
        value,
      ]),
    ),
    metrics: new Map(Object.keys(digest.metrics).map((metric) => [metric, takenOf(digest, metric)])),
  }
}

/** The run's own curve or result; of one with units the mean of theirs. */
function takenOf({ metrics, directions }: RunDigest, name: string): Readonly<Partial<Record<Taken, number>>> {
  const metric = metrics[name]
  if (metric === undefined) return {}
  const units = [...new Set([...Object.keys(metric.curves), ...Object.keys(metric.results)])]
  const own = units.includes('') ? [''] : units
  const goal = directions[name] === undefined ? goalByName(name) : directions[name].goal
  const mean = (how: 'last' | 'min' | 'max' | 'first'): number | undefined => {
    const known = own.flatMap((unit) => metric.curves[unit]?.[how]?.value ?? metric.results[unit] ?? [])
    return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length
  }
  const all = { last: mean('last'), min: mean('min'), max: mean('max'), first: mean('first') }
  const best = goal === null ? undefined : goal === 'lower' ? all.min : all.max
  return Object.fromEntries(
    Object.entries({ ...all, best }).flatMap(([how, value]) => (value === undefined ? [] : [[how, value]])),
  )
}

/** Every run asks for the same names. */
const goals = new Map<string, 'lower' | 'higher' | null>()
function goalByName(name: string): 'lower' | 'higher' | null {
  let goal = goals.get(name)
  if (goal === undefined) {
    if (goals.size > 10_000) goals.clear()
    goal = directionOf(name, {}, undefined).goal
    goals.set(name, goal)
  }
  return goal
}

/** More settings in one line are not read. */
const mostSettings = 6

function varies(subjects: readonly QuerySubject[], key: string): boolean {
  const first = subjects[0]?.settings.get(key)
  return subjects.some(({ settings }) => {
    const value = settings.get(key)
    return !Object.is(value, first) && valueText(value) !== valueText(first)
  })
}

/** Runs as a list to pick from shows them: with the settings in which they differ. */
export function poolOf(runs: readonly (LoadedRun & { readonly mtimeMs: number })[]): readonly PoolRun[] {
  const subjects = runs.map(subjectOf)
  const keys = [...new Set(subjects.flatMap(({ settings }) => [...settings.keys()]))]
  const varying = keys
    .filter((key) => !isNamed(key.split('.'), noiseKeys))
    .filter((key) => varies(subjects, key))
    .slice(0, mostSettings)
  return runs.map(({ digest, mtimeMs }, at): PoolRun => {
    const subject = subjects[at] as QuerySubject
    const brief = varying.flatMap((key) => {
      const value = subject.settings.get(key)
      return value === undefined ? [] : [`${key}=${typeof value === 'number' ? figureText(value) : valueText(value)}`]
    })
    return {
      subject,
      name: safe(subject.name),
      atMs: digest.facts.startedAtMs ?? mtimeMs,
      brief: safe(brief.join(' ')),
    }
  })
}
