import { choose, chooseDrawing } from './compare-views.ts'
import type { Desk } from './desk.ts'
import { showOffer } from './recipe-acts.ts'
import { comparePane, paneOf } from './ui-state.ts'

const aggregators = ['last', 'min', 'max', 'tail-mean', 'first'] as const
const axes = ['step', 'epoch', 'tokens', 'relative', 'time'] as const

/** Other runs than those of the project: what was chosen of the ones before means nothing for them. */
export function pickRuns(desk: Desk, runs: readonly string[]): void {
  desk.do({ type: 'go', screen: 'compare' })
  desk.do({ type: 'focus', pane: 'rows' })
  for (const word of paneOf(desk.ui, comparePane).open) {
    if (/^(path|baseline|where|pick|mark|picking|listing|first|beside|group|pin|top|sort|columns|x)=/.test(word))
      desk.do({ type: 'toggle-open', pane: comparePane, rowId: word })
  }
  for (const run of new Set(runs)) desk.do({ type: 'toggle-open', pane: comparePane, rowId: `path=${run}` })
  desk.loadSoon()
}

const after = <T>(list: readonly T[], now: T): T => list[(list.indexOf(now) + 1) % list.length] as T

/** Carries out a choice on the compare screen and says what it is now. */
export function chooseCompare(desk: Desk, id: string): void {
  const view = desk.workspace.shelves().compare ?? null
  if (view === null || view.state !== 'ready') return desk.say('the runs are still being read', 'warn')
  switch (id) {
    case 'compare.aggregator': {
      const next = after<string>(aggregators, view.aggregator)
      choose(desk, 'aggregator', next)
      desk.say(`${next} of each curve`)
      break
    }
    case 'compare.axis': {
      const next = after<string>(axes, view.axis)
      choose(desk, 'axis', next)
      // A place on one axis means nothing on another.
      choose(desk, 'x', '')
      desk.say(`curves over ${next}`)
      break
    }
    case 'compare.smooth':
    case 'compare.log':
      return chooseDrawing(desk, view, id)
  }
  desk.loadSoon()
}

/** Goes to the recipe that serves the finding under the cursor, filled in from it. Nothing is run yet. */
export function offerCompared(desk: Desk): void {
  const selected = desk.selected('rows')
  const row = desk.workspace.shelves().compare?.rows.find(({ id }) => id === selected)
  if (row?.offered === undefined)
    return desk.say(row?.band === 'findings' ? 'no recipe serves this' : 'put the cursor on a finding', 'warn')
  const { recipe: id, parameters } = row.offered
  const [text = ''] = row.detail
  showOffer(desk, {
    kind: 'recipe-offer',
    finding: '',
    rule: row.name,
    host: null,
    text,
    recipes: [{ id, parameters }],
  })
}
