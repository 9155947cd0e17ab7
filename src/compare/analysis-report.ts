import type { Analysis, CurveReport, MetricReport } from './analyze.ts'
import { unknown } from './analyze-run.ts'
import { type Block, foreign, heading, list, markdownOf, table, text } from './blocks.ts'
import { usdText } from './cost.ts'
import { jsonOf } from './json.ts'
import { basisBlocks, changedBlock, findingsBlock, judgements, metricsBlock, verdictLine } from './markdown.ts'
import { tableColumns } from './table.ts'
import { directionText, figureText } from './words.ts'

/** The report of one run as Markdown that pastes into a pull request. */
export const analysisMarkdown = (analysis: Analysis): string => markdownOf(analysisBlocks(analysis))

/** The same for a script: figures that are not finite are texts, what is not known is `unknown`. */
export const analysisJson = (analysis: Analysis) => jsonOf(analysis)

/** One section for each point that handbook compare 9 asks, in its order; a section without anything says so. */
export function analysisBlocks(analysis: Analysis): readonly Block[] {
  const { verdict, confidence, identity, spent, metrics, findings, curves, against, doubts, next } = analysis
  const name = foreign(identity.name ?? unknown)
  return [
    heading(`Run ${name}`, 1),
    text([{ strong: `${verdict.word}` }, `: ${foreign(verdict.why)}. Confidence: ${foreign(confidence)}.`]),
    ...basisBlocks({ primary: null, said: analysis.said }),
    heading('Identity'),
    table(['what', 'value'], pairs(identity)),
    heading('Plan and actual'),
    table(['what', 'value'], pairs(spent)),
    heading('Metrics'),
    metrics.length === 0
      ? text('No metric was recorded.')
      : table(['metric', 'direction', 'last', 'at step', 'best', 'at step', 'points', 'not finite'], metrics.map(row)),
    ...againstBlocks(against),
    heading('Findings'),
    findingsBlock([findings], [name]),
    heading('Curves'),
    ...(curves.length === 0 ? [text('No metric has a curve over steps.')] : curves.map(plot)),
    heading('Missing or not to be trusted'),
    doubts.length === 0 ? text('Everything was read whole.') : list(doubts.map(foreign)),
    heading('Artifacts'),
    text(`Pulled and loaded to check them: ${analysis.artifacts}.`),
    heading('Next'),
    next.length === 0
      ? text('No rule asks for anything.')
      : list(
          next.map(
            ({ what, usd, why }) =>
              `${foreign(what)} Cost: ${usd === unknown ? unknown : usdText(usd)} (${foreign(why)}).`,
          ),
        ),
    heading('Reproduce'),
    analysis.reproduce === unknown ? text(unknown) : { kind: 'plot', lines: [foreign(analysis.reproduce)] },
  ]
}

const pairs = (of: Readonly<Record<string, string>>) =>
  Object.entries(of).map(([what, value]) => [what, foreign(value)])

function row({ name, unit, goal, directionSource, isGuessed, ...figures }: MetricReport): readonly string[] {
  const { last, lastStep, best, bestStep, points, nonFinite } = figures
  const step = (at: number | null) => (at === null ? '-' : String(at))
  return [
    `${foreign([name, unit].filter(Boolean).join(' of '))}${figures.isResult ? ', as the result says' : ''}`,
    directionText({ goal, source: directionSource, isGuessed }),
    figures.units === undefined
      ? figureText(last)
      : `${figureText(last)} (mean of ${figures.units.n}, ${figureText(figures.units.least)} to ${figureText(figures.units.most)})`,
    step(lastStep),
    figureText(best),
    step(bestStep),
    String(points),
    String(nonFinite),
  ]
}

function againstBlocks(model: Analysis['against']): readonly Block[] {
  if (model === null) return [heading('Against a baseline'), text('No baseline was given (--baseline).')]
  const columns = tableColumns(model, 'no')
  return [
    heading(`Against ${foreign(model.runs[model.baseline]?.name ?? unknown)}`),
    text(verdictLine(model)),
    changedBlock(model, columns),
    metricsBlock(model, columns),
    ...judgements(model),
  ]
}

/** Rows of a plot in text; each column is filled over the extent of its points. */
const plotRows = 8

function plot({ name, unit, fromStep, toStep, least, most, nonFinite }: CurveReport): Block {
  const known = (of: readonly (number | null)[]) => of.filter((value) => value !== null)
  const [low, high] = [Math.min(...known(least)), Math.max(...known(most))]
  const title = foreign([name, unit].filter(Boolean).join(' of '))
  const rowOf = (value: number) =>
    high > low ? Math.round(((value / 2 - low / 2) / (high / 2 - low / 2)) * (plotRows - 1)) : 0
  const height = high > low ? plotRows : 1
  const rows = Array.from({ length: height }, (_, at) => {
    const level = height - 1 - at
    const cells = least.map((bottom, column) => {
      const top = most[column]
      if (bottom === null || top === null || top === undefined) return ' '
      return level >= rowOf(bottom) && level <= rowOf(top) ? '*' : ' '
    })
    const label = at === 0 ? figureText(high) : at === height - 1 ? figureText(low) : ''
    return `${label.padStart(10)} |${cells.join('').trimEnd()}`
  })
  const bad = nonFinite.some(Boolean)
    ? [
        `${'NaN/inf'.padStart(10)} |${nonFinite
          .map((is) => (is ? 'x' : ' '))
          .join('')
          .trimEnd()}`,
      ]
    : []
  const axis = `${' '.repeat(12)}step ${fromStep} to ${toStep}`
  return { kind: 'plot', lines: known(least).length === 0 ? [title, ...bad, axis] : [title, ...rows, ...bad, axis] }
}
