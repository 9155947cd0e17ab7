import { sanitiseLine } from '../text/sanitise.ts'
import type { CompareModel } from './model.ts'

const safe = (text: string) => sanitiseLine(text, 400)

/** The one line over the table. */
export function verdictText({ oneChange, runs }: CompareModel): string {
  const { word, changes, unknown } = oneChange
  if (runs.length === 1) return 'One run: nothing to hold it against'
  const areSeveral = word === 'several things changed'
  // Where several are known already, what nobody recorded could not change the answer.
  const missing = unknown.length > 0 && !areSeveral ? `; no record of ${unknown.join(', ')}` : ''
  const answer = areSeveral ? 'no, several' : word
  const line = (count: number) => {
    const what = changes.slice(0, count).map((change) => safe(change.what))
    const more = changes.length > count ? ` and ${changes.length - count} more` : ''
    return `One change? ${answer}${what.length > 0 ? `: ${what.join(', ')}${more}` : ''}${missing}`
  }
  // As many as fit beside the name of the screen on a narrow terminal, and one at least.
  return [3, 2].map(line).find((each) => each.length <= fittingText) ?? line(1)
}

/** Cells of a line beside the name of the screen, 80 columns wide. */
const fittingText = 69
