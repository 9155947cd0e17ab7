import { divergence, extreme, nonFinite, robustSpike, spike } from './curves.ts'
import { belowChance, gradient, learningRate, nonFiniteResults, ofWholeRun, throughput, utilisation } from './run.ts'
import { overfit, plateau, stillImproving } from './trends.ts'
import { type Finding, type RunFigures, type Severity, type Thresholds, usualThresholds } from './types.ts'

const order: readonly Severity[] = ['critical', 'warning', 'note']

/** What the rules find in one run, the worst first. Raw points alone: nothing here is smoothed. */
export function findingsOf(run: RunFigures, thresholds: Thresholds = usualThresholds): readonly Finding[] {
  const found: Finding[] = [
    ...ofWholeRun(run, thresholds),
    ...belowChance(run),
    ...nonFiniteResults(run),
    ...overfit(run.columns, thresholds),
  ]
  for (const column of run.columns) {
    const goal = run.goalOf(column.name)
    found.push(
      ...nonFinite(column),
      ...spike(column, thresholds),
      ...robustSpike(column, thresholds),
      ...extreme(column, thresholds),
      ...divergence(column, thresholds),
      ...plateau(column, thresholds, goal),
      ...stillImproving(column, thresholds, goal, run.state),
      ...gradient(column, run.gradientClip, thresholds),
      ...learningRate(column, thresholds, run.state),
      ...throughput(column, thresholds),
      ...utilisation(column, thresholds),
    )
  }
  return found.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
}
