import { sanitiseLine } from '../../text/sanitise.ts'
import type { CompareModel } from '../model.ts'
import { spearman } from '../statistics/ranks.ts'
import { mean } from '../statistics/samples.ts'
import { figureText, pText } from '../words.ts'
import { parametersOf } from './parameters.ts'
import type { Parameter, ScatterPoint, ScatterScene } from './types.ts'

/** Below this the p of a rank correlation is too rough to be printed. */
const fewestForP = 10

/** One parameter against one metric: as many points as there are runs that have both. */
export function scatterOf(model: CompareModel, metric: string, key: string): ScatterScene {
  const all = parametersOf(model)
  const parameter = all.find((each) => each.key === key) ?? all[0] ?? null
  const row = model.metrics.find(({ name }) => name === metric)
  const points = model.runs.flatMap((_, run): ScatterPoint[] => {
    const [x, y] = [parameter?.places[run] ?? null, row?.cells[run]?.value ?? null]
    return x === null || y === null || !Number.isFinite(y) ? [] : [{ run, x, y }]
  })
  const found =
    parameter === null || parameter.categories !== null
      ? null
      : spearman(
          points.map(({ x }) => x),
          points.map(({ y }) => y),
        )
  return {
    kind: 'scatter',
    metric: sanitiseLine(metric, 200),
    goal: row?.direction.goal ?? null,
    parameters: all.map((each) => each.key),
    parameter,
    points,
    missing: model.runs.length - points.length,
    rho: found?.rho ?? null,
    words: parameter === null ? [] : wordsOf(parameter, points, found, all.length - 1),
  }
}

function wordsOf(
  parameter: Parameter,
  points: readonly ScatterPoint[],
  found: ReturnType<typeof spearman>,
  others: number,
): string[] {
  const { categories, key } = parameter
  const rest =
    others > 0 ? [`${others} other settings vary as well: this shows how they go together, not what causes it.`] : []
  if (categories !== null) {
    const each = categories.map((category, at) => {
      const values = points.filter(({ x }) => x === at).map(({ y }) => y)
      return values.length === 0
        ? `${category}: none`
        : `${category}: ${values.length}, mean ${figureText(mean(values))}`
    })
    return [each.join('; '), ...rest]
  }
  if (found === null) return ['Too few different values for a rank correlation.', ...rest]
  const { rho, n, p } = found
  const strength = Math.abs(rho) < 0.3 ? 'hardly go together' : rho > 0 ? 'rise together' : 'go against each other'
  const sure = n < fewestForP ? 'too few for a p' : `p ${pText(p)}, not corrected`
  return [`Spearman's rho ${rho.toFixed(2)}, n ${n} (${sure}): ${key} and the metric ${strength}.`, ...rest]
}
