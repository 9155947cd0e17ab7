import { plural } from '../../src/text/format.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

type Shown = NonNullable<NonNullable<ScreenInput['shelves']['recipes']>[number]>

/** Words of a risk; each has its own, so that colour is never alone. */
const risks = { read: 'looks', change: 'changes', spend: 'costs money', destroy: 'destroys' } as const

const highest = (cells: Shown['cells']) =>
  (['destroy', 'spend', 'change'] as const).find((risk) => cells.some((cell) => cell.risk === risk)) ?? 'read'

function rowOf(shown: Shown): Row {
  const risk = highest(shown.cells)
  return {
    id: shown.id,
    cells: [shown.id, shown.title, shown.problem === null ? risks[risk] : 'broken', shown.origin],
    ...(shown.problem === null ? {} : { token: 'state.fail' as const }),
  }
}

type Offer = NonNullable<ScreenInput['offer']>
const offeredIn = (offer: Offer | null, id: string) => offer?.recipes.find((each) => each.id === id)

/** What of the form is filled in from a finding, so that it can be seen before the form is opened. */
function offerLines(offer: Offer, id: string): readonly StyledLine[] {
  const offered = offeredIn(offer, id)
  if (offered === undefined) return []
  const { rule, host, text } = offer
  const filled = [...Object.entries(offered.parameters), ...(host === null ? [] : [['hosts', host]])]
  return [
    [{ text: 'For      ', token: 'severity.warn' }, { text: `${rule}: ${text}` }],
    ...(filled.length === 0
      ? []
      : [
          `Filled   ${filled.map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ')}`,
        ]),
  ]
}

function runbookLines(shown: Shown): readonly StyledLine[] {
  if (shown.problem !== null) return [[{ text: `broken: ${shown.problem}`, token: 'state.fail' }]]
  const { runbook, parameters, cells } = shown
  return [
    `When     ${runbook.when}`,
    `Touches  ${runbook.touches}`,
    `Back     ${runbook.back}`,
    '',
    ...parameters.map(
      ({ name, description, isRequired, initial }) =>
        `${name}: ${description}${isRequired ? ' (required)' : initial === null ? '' : ` (${JSON.stringify(initial)})`}`,
    ),
    ...(parameters.length > 0 ? [''] : []),
    ...cells.map(({ title, risk, timeoutSeconds, parts }) => {
      const can = [
        parts.includes('plan') ? 'can be tried dry' : 'a dry run cannot tell',
        ...(parts.includes('undo') ? ['can be taken back'] : []),
      ]
      return `${risk.padEnd(8)} ${title} (${timeoutSeconds} s; ${risk === 'read' ? 'only looks' : can.join(', ')})`
    }),
  ]
}

const liveActs = new Set(['recipe.run', 'recipe.resume', 'recipe.undo', 'recipe.for'])

/** Recipes of kx, the user and the project; the runbook of the chosen one; and its cells while it runs. */
export function recipesModel(input: ScreenInput): ScreenModel {
  const offer = input.offer ?? null
  const read = input.shelves.recipes ?? null
  // Those for the finding that was asked about come first, in the order in which it offers them.
  const placeOf = ({ id }: Shown) => {
    const at = offer?.recipes.findIndex((each) => each.id === id) ?? -1
    return at < 0 ? Number.MAX_SAFE_INTEGER : at
  }
  const recipes = read === null ? null : read.toSorted((a, b) => placeOf(a) - placeOf(b))
  const chosen = recipes?.find((each) => each.id === input.selected('list')) ?? recipes?.[0]
  const broken = recipes?.filter((each) => each.problem !== null).length ?? 0
  const live = liveActs.has(input.live?.commandId ?? '') ? input.live : null
  return {
    id: 'recipes',
    title: 'Recipes',
    summary:
      recipes === null
        ? 'reading the recipes …'
        : `${plural(recipes.length, 'recipe')}${broken > 0 ? `, ${broken} broken` : ''}`,
    panes: [
      {
        kind: 'table',
        id: 'list',
        title: 'Recipes',
        columns: [
          column(0, 'id', { flex: 1, min: 14 }),
          column(1, 'what it is for', { flex: 3, min: 18 }),
          column(2, 'risk', { flex: 1, min: 8, dropOrder: 2 }),
          column(3, 'from', { flex: 1, min: 7, dropOrder: 1 }),
        ],
        rows: (recipes ?? []).map(rowOf),
        empty: recipes === null ? 'reading …' : 'no recipe found',
      },
      live === null
        ? {
            kind: 'text',
            id: 'runbook',
            title: chosen?.title ?? 'Runbook',
            lines:
              chosen === undefined
                ? []
                : [...(offer === null ? [] : offerLines(offer, chosen.id)), ...runbookLines(chosen)],
          }
        : {
            kind: 'text',
            id: 'runbook',
            title: `${live.title}: ${live.progress?.text ?? 'begins'}`,
            // The newest of it: a pane of text does not follow its end.
            lines: live.output.slice(-10),
          },
    ],
    columns: [
      { weight: 2, panes: [{ id: 'list', weight: 1 }] },
      { weight: 3, panes: [{ id: 'runbook', weight: 1 }] },
    ],
  }
}
