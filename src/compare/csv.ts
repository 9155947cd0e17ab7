import type { CompareModel } from './model.ts'

/** One line a run and metric, with a header; figures in full. Opens in any spreadsheet and starts no formula there. */
export function compareCsv(model: CompareModel): string {
  const rows = model.metrics.flatMap(({ name, direction, cells }) =>
    cells.flatMap((each, at) =>
      each === null
        ? []
        : [
            [
              model.runs[at]?.name ?? '',
              at === model.baseline ? 'yes' : 'no',
              name,
              String(each.value),
              each.step === null ? '' : String(each.step),
              String(each.n),
              each.change === null ? '' : String(each.change.delta),
              each.change?.share === null || each.change === null ? '' : String(each.change.share),
              each.change === null || each.change.points === null ? '' : String(each.change.points),
              direction.goal ?? '',
              direction.source,
              each.isBest ? 'yes' : 'no',
              String(each.nonFinite),
              known(model.costs.runs[at]?.usd),
              name === model.costs.metric ? known(model.costs.runs[at]?.usdPerUnit) : '',
            ],
          ],
    ),
  )
  const header =
    'run,baseline,metric,value,step,n,delta,share,points,direction,direction source,best,not finite,usd,usd per unit gained'
  return [header, ...rows.map((row) => row.map(quoted).join(','))].join('\n')
}

const known = (value: number | null | undefined) => (value === null || value === undefined ? '' : String(value))

/** A text that a spreadsheet would take for a formula is told to be none. */
function quoted(text: string): string {
  const safe = /^[=+@\t\r]|^-(?![\d.])/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
