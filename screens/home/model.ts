import { formatAge } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel, Span } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

const tokens: Readonly<Record<string, Row['token']>> = {
  running: 'state.running',
  finished: 'state.pass',
  'torn down': 'state.pass',
  'written off': 'severity.warn',
  unconfirmed: 'state.unknown',
  stalled: 'state.stale',
  dead: 'state.fail',
  failed: 'state.fail',
  aborted: 'state.fail',
  unknown: 'state.unknown',
}

const usd = (perHour: number | null) => (perHour === null ? 'unknown' : `$${perHour.toFixed(2)}/h`)

function summary(input: ScreenInput): Span[] {
  const home = input.shelves.home
  if (home === null) return [{ text: 'reading runs and meters …', token: 'text.muted' }]
  const costing = home.meters.filter((m) => m.usdPerHour !== 0)
  const unknown = home.meters.filter((m) => m.usdPerHour === null).length
  const sum = home.meters.reduce((total, m) => total + (m.usdPerHour ?? 0), 0)
  const runs = home.runs.filter((r) => !r.isArchived)
  const chosen = runs.find((r) => r.runId === (input.selected('runs') ?? runs[0]?.runId))
  // Unknown is an answer that needs its reason, before anything that may be cut.
  const spans: Span[] =
    chosen?.state === 'unknown'
      ? [
          {
            text: `${chosen.runId.slice(0, 13)} is unknown: ${chosen.reason ?? 'nothing is on record'}`,
            token: 'state.unknown',
          },
          { text: '  ' },
        ]
      : []
  spans.push({ text: `${runs.length} run${runs.length === 1 ? '' : 's'}` })
  if (home.meters.length === 0) spans.push({ text: ', no meter runs' })
  else {
    spans.push({
      text: `, ${home.meters.length} meter${home.meters.length === 1 ? '' : 's'} open: $${sum.toFixed(2)}/h${unknown > 0 ? ` and ${unknown} unknown` : ''}`,
      token: costing.length > 0 ? 'severity.warn' : 'text.normal',
    })
  }
  const hint =
    input.plan.status === 'none'
      ? '  no kx.yaml here: n writes one'
      : input.run === null
        ? '  1 opens the plan, N begins a run'
        : ''
  if (hint !== '') spans.push({ text: hint, token: 'text.muted' })
  return spans
}

/** Every run and every meter of this user, wherever it was started. */
export function homeModel(input: ScreenInput): ScreenModel {
  const home = input.shelves.home
  const shown = (home?.runs ?? []).filter((r) => !r.isArchived)
  const hasFindings = shown.some((r) => r.openFindings > 0)
  const runs = shown.map(
    (r): Row => ({
      id: r.runId,
      cells: [
        r.runId === input.run?.runId ? (input.isUnicode ? '●' : '*') : '',
        r.project,
        r.name,
        r.state,
        r.progress,
        r.seenAtMs === null ? 'never seen' : ageText(input.nowMs - r.seenAtMs),
        // A run without a meter costs nothing, which is another thing than a meter at zero.
        home?.meters.some((m) => m.runId === r.runId) ? usd(r.usdPerHour) : '',
        r.runId,
        r.openFindings === 0 ? '' : `${r.openFindings} !`,
      ],
      token: tokens[r.state] ?? 'text.normal',
    }),
  )
  const meters = (home?.meters ?? []).map(
    (m): Row => ({
      id: m.meterId,
      cells: [
        m.what,
        m.host,
        usd(m.usdPerHour),
        ageText(input.nowMs - m.openedAtMs),
        // Its machine was looked at, or its folder removed: what is known of that is worth more than the lease.
        m.note !== undefined
          ? `unconfirmed: ${m.note}`
          : m.leaseUntilMs === null
            ? 'no lease'
            : m.leaseUntilMs < input.nowMs
              ? 'lease over'
              : // Rounded down: a lease has never more left than it says.
                `lease ends in ${formatAge(m.leaseUntilMs - input.nowMs)}`,
        m.runId,
      ],
      token: m.usdPerHour === null ? 'state.unknown' : m.usdPerHour > 0 ? 'severity.warn' : 'text.normal',
    }),
  )
  const hasNotes = home?.meters.some((m) => m.note !== undefined) === true
  const warnings = home?.warnings ?? []
  return {
    id: 'home',
    title: 'Home',
    summary: summary(input),
    panes: [
      {
        kind: 'table',
        id: 'runs',
        title: 'Runs',
        note: `${runs.length}`,
        columns: [
          column(0, '', { width: 1 }),
          column(1, 'project', { flex: 1, min: 14 }),
          column(2, 'plan', { flex: 1, min: 8, dropOrder: 4 }),
          column(3, 'state', { width: 11 }),
          column(4, 'units', { width: 9, align: 'right' }),
          ...(hasFindings ? [column(8, 'findings', { width: 8, align: 'right', dropOrder: 1 })] : []),
          column(5, 'seen', { width: 10 }),
          column(6, 'costs', { width: 9, align: 'right', dropOrder: 2 }),
          column(7, 'run', { width: 32, dropOrder: 3 }),
        ],
        rows: runs,
        empty: home === null ? 'reading …' : 'no run yet; 1 opens the plan of this project, r there begins a run',
      },
      {
        kind: 'table',
        id: 'meters',
        title: 'Meters',
        note: `${meters.length} open`,
        columns: [
          column(0, 'what', { flex: 2, min: 10 }),
          column(1, 'host', { width: 12 }),
          column(2, 'costs', { width: 9, align: 'right' }),
          column(3, 'since', { width: 12 }),
          column(4, 'lease', hasNotes ? { flex: 2, min: 20 } : { width: 20, dropOrder: 1 }),
          column(5, 'run', { flex: 2, min: 10, dropOrder: 2 }),
        ],
        rows: meters,
        empty: 'no meter runs',
      },
      ...(warnings.length === 0
        ? []
        : [
            {
              kind: 'text' as const,
              id: 'warnings',
              title: 'Warnings',
              lines: warnings.map((w) => [{ text: w, token: 'severity.warn' as const }]),
            },
          ]),
    ],
    columns: [
      {
        weight: 1,
        panes: [
          { id: 'runs', weight: 3 },
          { id: 'meters', weight: 1 },
          ...(warnings.length === 0 ? [] : [{ id: 'warnings', weight: 1 }]),
        ],
      },
    ],
  }
}
