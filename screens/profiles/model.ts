import { plural } from '../../src/text/format.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

type Shown = NonNullable<ScreenInput['shelves']['profiles']>[number]

/** What a person should know before the facts: wrong, stale, not read, and whose words they are. */
function marks({ stale = 0, unread = 0, wrong = [], overriddenBy = [] }: Shown): readonly string[] {
  return [
    ...(wrong.length > 0 ? [`${wrong.length} wrong`] : []),
    ...(stale > 0 ? [`${stale} stale`] : []),
    ...(unread > 0 ? [`${unread} to read`] : []),
    ...(overriddenBy.length > 0 ? ['overridden'] : []),
  ]
}

function rowOf(shown: Shown): Row {
  const { wrong = [], stale = 0 } = shown
  const token = wrong.length > 0 ? 'state.fail' : stale > 0 ? 'state.stale' : null
  return {
    id: shown.id,
    cells: [shown.id, shown.title, [...marks(shown), shown.note].join(', ')],
    ...(token === null ? {} : { token }),
  }
}

function factLines(shown: Shown): readonly StyledLine[] {
  const { wrong = [], stale = 0, unread = 0, overriddenBy = [] } = shown
  const head: StyledLine[] = [
    ...wrong.map((text): StyledLine => [{ text: `wrong: ${text}`, token: 'state.fail' }]),
    ...(stale > 0
      ? [
          [
            {
              text: `${plural(stale, 'fact')} not verified for six months: no cost is promised on them`,
              token: 'state.stale',
            },
          ] as const,
        ]
      : []),
    ...(unread > 0 ? [`${plural(unread, 'danger clock')} to read and acknowledge (a)`] : []),
    ...overriddenBy.map((file) => `overridden by ${file}; each such line names its place`),
  ]
  return head.length === 0 ? shown.lines : [...head, '', ...shown.lines]
}

export function profilesModel(input: ScreenInput): ScreenModel {
  const profiles = input.shelves.profiles
  const chosen = profiles?.find((p) => p.id === input.selected('list')) ?? profiles?.[0]
  const count = (of: (shown: Shown) => number | undefined) => profiles?.filter((p) => (of(p) ?? 0) > 0).length ?? 0
  const said = [
    [count((p) => p.wrong?.length), 'wrong'],
    [count((p) => p.stale), 'stale'],
    [count((p) => p.unread), 'with clocks to read'],
    [count((p) => p.overriddenBy?.length), 'overridden by you'],
  ] as const
  return {
    id: 'profiles',
    title: 'Profiles',
    summary:
      profiles === null
        ? 'reading the profiles …'
        : [
            `${plural(profiles.length, 'platform')} known`,
            ...said.flatMap(([n, word]) => (n > 0 ? [`${n} ${word}`] : [])),
          ].join(', '),
    panes: [
      {
        kind: 'table',
        id: 'list',
        title: 'Platforms',
        columns: [
          column(0, 'id', { flex: 1, min: 10 }),
          column(1, 'platform', { flex: 2, min: 16 }),
          column(2, 'facts', { flex: 2, min: 26, dropOrder: 1 }),
        ],
        rows: (profiles ?? []).map(rowOf),
        empty: profiles === null ? 'reading …' : 'no profile found',
      },
      {
        kind: 'text',
        id: 'facts',
        title: chosen?.title ?? 'Facts',
        lines: chosen === undefined ? [] : factLines(chosen),
      },
    ],
    columns: [
      { weight: 2, panes: [{ id: 'list', weight: 1 }] },
      { weight: 3, panes: [{ id: 'facts', weight: 1 }] },
    ],
  }
}
