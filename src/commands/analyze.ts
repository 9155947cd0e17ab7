import { namePattern } from '../compare/columns.ts'
import type { FoundRun } from '../reader/scan.ts'
import type { ActResult } from '../run/act.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { findRuns, type RunsFound } from './compare.ts'
import { compareBasis } from './compare-basis.ts'
import type { CommandEnvironment } from './types.ts'

export interface AnalyzeArguments {
  readonly run: string
  readonly baseline?: string | undefined
  readonly metrics?: string | undefined
  readonly lower: readonly string[]
  readonly higher: readonly string[]
  readonly md: boolean
}

/** Names of runs and files are others' words. */
const safe = (text: string) => sanitiseLine(text, 2000)

const usage = (summary: string): ActResult => ({ summary, exitCode: 2, data: null })

/** `kx analyze`: the report of one run, against a baseline where one was named. */
export async function analyzeCommand(env: CommandEnvironment, args: AnalyzeArguments): Promise<ActResult> {
  const places: RunsFound[] = []
  try {
    const found = await findEach(env, args, places)
    return 'exitCode' in found ? found : await analyseFound(env, args, found)
  } finally {
    for (const place of places) await place.close()
  }
}

interface Named {
  readonly run: FoundRun
  readonly baseline: FoundRun | null
  readonly notes: readonly string[]
}

/** The one run at each of the words, or what to say where it is none or several. */
async function findEach(
  env: CommandEnvironment,
  args: AnalyzeArguments,
  places: RunsFound[],
): Promise<Named | ActResult> {
  const found: FoundRun[] = []
  for (const word of [args.run, ...(args.baseline === undefined ? [] : [args.baseline])]) {
    const there = await findRuns(env.projectFolder, [word], env.signal, env.settings)
    places.push(there)
    if (there.unreached.length > 0) return { summary: safe(there.unreached.join('; ')), exitCode: 4, data: null }
    // A folder that is a run may hold others: it is meant before them.
    const exact = there.found.filter(({ path }) => path === '.')
    const [only, ...more] = exact.length === 1 ? exact : there.found
    if (only === undefined) return usage(`no run at ${word}: name a folder, a file, or the id of a run`)
    if (more.length > 0) {
      const paths = there.found.slice(0, 5).map(({ path }) => path)
      return usage(safe(`${there.found.length} runs at ${word}, of which one is wanted: ${paths.join(', ')}`))
    }
    found.push(only)
  }
  const [run, baseline = null] = found as [FoundRun, FoundRun?]
  return { run, baseline, notes: places.flatMap(({ notes }) => notes) }
}

async function analyseFound(env: CommandEnvironment, args: AnalyzeArguments, named: Named): Promise<ActResult> {
  const isShown = namePattern(args.metrics)
  if (isShown === null) return usage(`--metrics is no regular expression: ${args.metrics}`)
  const [{ loadRuns, readPoints }, { digestOf }, { usualOptions }, { analyse }, { analysisJson, analysisMarkdown }] =
    await Promise.all([
      import('../compare/run.ts'),
      import('../compare/digest.ts'),
      import('../compare/model.ts'),
      import('../compare/analyze.ts'),
      import('../compare/analysis-report.ts'),
    ])
  const directions = Object.fromEntries([
    ...args.lower.map((name) => [name, 'lower'] as const),
    ...args.higher.map((name) => [name, 'higher'] as const),
  ])
  const failures: string[] = []
  const whole = await readPoints(named.run, env.signal).catch((error: unknown) => {
    env.signal.throwIfAborted()
    failures.push(`${named.run.path}: ${error instanceof Error ? error.message : String(error)}`)
    return null
  })
  const onFailure = (run: FoundRun, why: string) => failures.push(`${run.path}: ${why}`)
  const { options, thresholds } = await compareBasis(env, directions)
  const others = named.baseline === null ? [] : [named.baseline]
  const [baseline = null] = await loadRuns(
    others,
    onFailure,
    () => true,
    options.directions,
    env.signal,
    null,
    thresholds,
  )
  if (whole === null || failures.length > 0)
    return { summary: safe(`could not be read: ${failures.join('; ')}`), exitCode: 1, data: null }
  const run = { ...named.run, ...whole, digest: digestOf(whole.columns, options.directions, thresholds) }
  const analysis = analyse(run, baseline, { ...usualOptions, ...options, isShown })
  return {
    summary: `${analysis.verdict.word}: ${analysis.verdict.why}`,
    exitCode: 0,
    data: analysisJson(analysis),
    lines: [...analysisMarkdown(analysis).trimEnd().split('\n'), ...named.notes.map((note) => safe(`note: ${note}`))],
  }
}
