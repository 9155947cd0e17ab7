import { type FleetRow, fleetRows } from '../../src/run/fleet-rows.ts'
import { linkWords } from '../../src/session/link-words.ts'
import { formatBytes, formatDuration, formatMoment, formatPercent, formatUsd } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { Row, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'

const tokens: Readonly<Record<FleetRow['state'], Row['token']>> = {
  running: 'state.running',
  finished: 'state.pass',
  removed: 'state.pass',
  stalled: 'state.stale',
  dead: 'state.fail',
  unknown: 'state.unknown',
  planned: 'text.muted',
}

/** What rows can be ordered by, in the order in which the key goes through them. */
export const fleetSorts = ['plan', 'state', 'units', 'age', 'cost'] as const
export type FleetSort = (typeof fleetSorts)[number]

export const isFleetSort = (word: string): word is FleetSort => (fleetSorts as readonly string[]).includes(word)

/** What asks for a look first. */
const worstFirst: readonly FleetRow['state'][] = [
  'dead',
  'unknown',
  'stalled',
  'planned',
  'running',
  'finished',
  'removed',
]

const order: Readonly<Record<FleetSort, (row: FleetRow) => number>> = {
  plan: () => 0,
  state: (row) => worstFirst.indexOf(row.state),
  units: (row) => row.unitsDone - row.units,
  age: (row) => row.truthAtMs ?? Number.NEGATIVE_INFINITY,
  cost: (row) => -(row.usdPerHour ?? Number.POSITIVE_INFINITY),
}

const mean = (values: readonly (number | null)[]): number | null => {
  const known = values.flatMap((value) => value ?? [])
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}

function gpuText({ gpus }: FleetRow): string {
  if (gpus === null) return '?'
  if (gpus.length === 0) return 'none'
  const use = mean(gpus.map((gpu) => gpu.usePercent))
  return `${gpus.length} at ${use === null ? '?' : `${Math.round(use)} %`}`
}

function gpuMemory({ gpus }: FleetRow): string {
  if (gpus === null || gpus.length === 0) return ''
  const fractions = gpus.map(({ memoryUsedMiB: used, memoryTotalMiB: total }) =>
    used === null || total === null || total <= 0 ? null : used / total,
  )
  return formatPercent(mean(fractions))
}

function hottest({ gpus }: FleetRow): string {
  const known = (gpus ?? []).flatMap((gpu) => gpu.temperatureCelsius ?? [])
  return known.length === 0 ? '' : `${Math.max(...known)} C`
}

const perHour = (row: FleetRow): string =>
  !row.hasMeter ? '' : row.usdPerHour === null ? 'unknown' : `$${row.usdPerHour.toFixed(2)}/h`

function stateText(row: FleetRow): string {
  return row.isReleased && row.state !== 'removed' ? `${row.state}, given` : row.state
}

function tableRow(row: FleetRow, input: ScreenInput, marked: ReadonlySet<string>): Row {
  const left = row.units - row.unitsDone
  const link = input.links?.find((each) => each.host === row.host)
  return {
    id: row.host,
    cells: [
      marked.has(row.host) ? '*' : '',
      row.host,
      stateText(row),
      row.truthAtMs === null ? 'never' : ageText(input.nowMs - row.truthAtMs),
      `${row.unitsDone}/${row.unitsRunning ?? '?'}/${Math.max(0, left - (row.unitsRunning ?? 0))}`,
      gpuText(row),
      gpuMemory(row),
      hottest(row),
      row.diskUsedFraction === null ? '?' : formatPercent(row.diskUsedFraction),
      row.unitsPerHour === null ? '?' : `${row.unitsPerHour.toPrecision(3)}/h`,
      perHour(row),
      row.hasMeter || row.usdSpent !== 0 ? formatUsd(row.usdSpent) : '',
      row.leaseUntilMs === null ? '' : formatMoment(row.leaseUntilMs),
      link === undefined ? '' : linkWords(link, input.nowMs, '', true),
      row.openFindings === 0 ? '' : `${row.openFindings} !`,
    ],
    token: tokens[row.state] ?? 'text.normal',
  }
}

function detail(row: FleetRow, input: ScreenInput): readonly StyledLine[] {
  const known = (text: string | null) => text ?? 'unknown'
  const link = input.links?.find((each) => each.host === row.host)
  const given = (input.run?.fleet?.assignments ?? []).filter(
    (each) => each.from === row.host || each.shares.some((share) => share.host === row.host),
  )
  return [
    [{ text: `state    ${stateText(row)}`, token: tokens[row.state] ?? 'text.normal' }],
    `why      ${row.reason ?? 'nothing more is on record'}`,
    `seen     ${row.truthAtMs === null ? 'never' : ageText(input.nowMs - row.truthAtMs)}`,
    `link     ${link === undefined ? 'none is open' : linkWords(link, input.nowMs)}`,
    `class    ${known(row.machineClass)}`,
    `units    ${row.unitsDone} done of ${row.units}, ${row.unitsRunning ?? 'unknown'} running`,
    `left     ${row.etaSeconds === null ? 'unknown' : formatDuration(row.etaSeconds)}`,
    `disk     ${row.diskFreeBytes === null ? 'unknown' : `${formatBytes(row.diskFreeBytes)} free on the fullest tier`}`,
    `money    ${row.hasMeter ? perHour(row) : 'no meter'}, ${row.usdSpent === null ? 'unknown' : formatUsd(row.usdSpent)} spent`,
    `lease    ${row.leaseUntilMs === null ? 'none' : `until ${formatMoment(row.leaseUntilMs)}`}`,
    ...(row.gpus ?? []).map(
      (gpu, i) =>
        `gpu ${i}    ${gpu.name ?? 'unknown'}, ${gpu.usePercent ?? '?'} %, ${gpu.memoryUsedMiB ?? '?'} of ${gpu.memoryTotalMiB ?? '?'} MiB, ${gpu.temperatureCelsius ?? '?'} C`,
    ),
    ...given.map(({ generation, from, shares, why }) =>
      from === row.host
        ? `gave     ${shares.reduce((sum, share) => sum + share.units.length, 0)} units back (generation ${generation}): ${why}`
        : `got      ${shares.find((share) => share.host === row.host)?.units.length ?? 0} units (generation ${generation}): ${why}`,
    ),
  ]
}

function summary(rows: readonly FleetRow[], marked: number, sort: FleetSort): string {
  if (rows.length === 0) return 'no host of this run is known yet; audit first (2, then r)'
  const count = (state: FleetRow['state']) => rows.filter((row) => row.state === state).length
  const states = worstFirst.flatMap((state) => (count(state) > 0 ? [`${count(state)} ${state}`] : []))
  const metered = rows.filter((row) => row.hasMeter)
  const total = metered.reduce((sum, row) => sum + (row.usdPerHour ?? 0), 0)
  const unknown = metered.filter((row) => row.usdPerHour === null).length
  const done = rows.reduce((sum, row) => sum + row.unitsDone, 0)
  const all = rows.reduce((sum, row) => sum + row.units, 0)
  return [
    `${rows.length} hosts: ${states.join(', ')}`,
    `${done} of ${all} units`,
    metered.length === 0 ? 'no meter' : `$${total.toFixed(2)}/h${unknown > 0 ? ` and ${unknown} unknown` : ''}`,
    ...(marked > 0 ? [`${marked} marked`] : []),
    ...(sort === 'plan' ? [] : [`by ${sort}`]),
  ].join(', ')
}

/** Every host of the run, and what can be done with those that are marked, else with the one under the cursor. */
export function fleetModel(input: ScreenInput): ScreenModel {
  const found = input.run === null ? [] : fleetRows(input.run, input.nowMs)
  const sort = isFleetSort(input.sort ?? '') ? (input.sort as FleetSort) : 'plan'
  const rows = [...found].sort((a, b) => order[sort](a) - order[sort](b) || found.indexOf(a) - found.indexOf(b))
  const marked = new Set((input.marked ?? []).filter((host) => found.some((row) => row.host === host)))
  const chosen = rows.find((row) => row.host === input.selected('hosts')) ?? rows[0]
  const hasGpus = rows.some((row) => row.gpus === null || row.gpus.length > 0)
  return {
    id: 'fleet',
    title: 'Hosts',
    summary: summary(rows, marked.size, sort),
    panes: [
      {
        kind: 'table',
        id: 'hosts',
        title: 'Hosts',
        note: [`${rows.length} hosts, units are done/running/left`, `${rows.length}`],
        columns: [
          column(0, '', { width: 1 }),
          column(1, 'host', { flex: 2, min: 8 }),
          column(2, 'state', { width: 15 }),
          column(3, 'seen', { width: 10 }),
          column(4, 'units', { width: 10, align: 'right' }),
          ...(hasGpus
            ? [
                column(5, 'gpus', { width: 9, align: 'right', dropOrder: 2 }),
                column(6, 'memory', { width: 6, align: 'right', dropOrder: 7 }),
                column(7, 'hot', { width: 5, align: 'right', dropOrder: 8 }),
              ]
            : []),
          column(8, 'disk', { width: 6, align: 'right', dropOrder: 3 }),
          column(9, 'speed', { width: 8, align: 'right', dropOrder: 6 }),
          column(10, 'costs', { width: 9, align: 'right', dropOrder: 1 }),
          column(11, 'spent', { width: 9, align: 'right', dropOrder: 4 }),
          column(12, 'lease', { width: 17, dropOrder: 9 }),
          column(13, 'link', { width: 14, dropOrder: 5 }),
          column(14, '', { width: 4, align: 'right', dropOrder: 10 }),
        ],
        rows: rows.map((row) => tableRow(row, input, marked)),
        empty: 'no host is known yet; audit first (2, then r)',
      },
      {
        kind: 'text',
        id: 'host',
        title: chosen?.host ?? 'Host',
        lines: chosen === undefined ? [] : detail(chosen, input),
      },
    ],
    columns: [
      { weight: 3, panes: [{ id: 'hosts', weight: 1 }] },
      { weight: 2, panes: [{ id: 'host', weight: 1 }] },
    ],
  }
}
