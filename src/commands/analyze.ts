import type { FoundRun } from '../reader/scan.ts'
import type { ActResult } from '../run/act.ts'
import { findRuns, patternOf } from './compare.ts'
import type { CommandEnvironment } from './types.ts'

export interface AnalyzeArguments {
  readonly run: string
  readonly baseline?: string | undefined
  readonly metrics?: string | undefined
  readonly lower: readonly string[]
  readonly higher: readonly string[]
  readonly md: boolean
}

/** `kx analyze`: the report of one run, against a baseline where one was named. */
export async function analyzeCommand(env: CommandEnvironment, args: AnalyzeArguments): Promise<ActResult> {
  const usage = (summary: string): ActResult => ({ summary, exitCode: 2, data: null })
  const isShown = patternOf(args.metrics)
  if (isShown === null) return usage(`--metrics is no regular expression: ${args.metrics}`)
  const words = [args.run, ...(args.baseline === undefined ? [] : [args.baseline])]
  const found: FoundRun[] = []
  const notes: string[] = []
  for (const word of words) {
    const there = await findRuns(env.projectFolder, [word], env.signal)
    const [only, ...more] = there.found
    if (only === undefined) return usage(`no run at ${word}: name a folder, a file, or the id of a run`)
    if (more.length > 0) {
      const paths = there.found.slice(0, 5).map(({ path }) => path)
      return usage(`${there.found.length} runs at ${word}, of which one is wanted: ${paths.join(', ')}`)
    }
    found.push(only)
    notes.push(...there.notes)
  }
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
  const [first, ...others] = found as [FoundRun, ...FoundRun[]]
  const whole = await readPoints(first, env.signal).catch((error: unknown) => {
    env.signal.throwIfAborted()
    failures.push(`${first.path}: ${error instanceof Error ? error.message : String(error)}`)
    return null
  })
  const onFailure = (run: FoundRun, why: string) => failures.push(`${run.path}: ${why}`)
  const [baseline = null] = await loadRuns(others, onFailure, () => true, directions, env.signal)
  if (whole === null || failures.length > 0)
    return { summary: `could not be read: ${failures.join('; ')}`, exitCode: 1, data: null }
  const run = { ...first, ...whole, digest: digestOf(whole.columns, directions) }
  const analysis = analyse(run, baseline, { ...usualOptions, directions, isShown })
  return {
    summary: `${analysis.verdict.word}: ${analysis.verdict.why}`,
    exitCode: 0,
    data: analysisJson(analysis),
    lines: [...analysisMarkdown(analysis).trimEnd().split('\n'), ...notes.map((note) => `note: ${note}`)],
  }
}
