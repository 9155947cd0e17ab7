import type { Facts } from '../reader/types.ts'
import type { Band } from './verdict.ts'

/** One fact of code, environment or data, side by side. */
export interface FactRow {
  readonly band: Exclude<Band, 'config'>
  readonly what: string
  /** `undefined`: this run says nothing of it. */
  readonly values: readonly (string | undefined)[]
  readonly isDifferent: boolean
}

export interface BandState {
  readonly band: Exclude<Band, 'config'>
  readonly rows: readonly FactRow[]
  readonly changes: readonly string[]
  /** Every run says something of it that can be compared. */
  readonly isKnown: boolean
}

type Pick = readonly [what: string, of: (facts: Facts) => string | undefined]

/** A digest is shown by its beginning: enough to tell two apart. */
const short = (digest: string | undefined) => digest?.slice(0, 12)

const code: readonly Pick[] = [
  ['commit', (facts) => short(facts.commit)],
  [
    'uncommitted changes',
    (facts) => (facts.isDirty === undefined ? undefined : facts.isDirty ? (short(facts.diffSha256) ?? 'yes') : 'none'),
  ],
  ['code', (facts) => short(facts.codeSha256)],
  ['script', (facts) => short(facts.scriptSha256)],
  ['program', (facts) => facts.program],
  ['arguments', (facts) => facts.args?.join(' ')],
]
const environment: readonly Pick[] = [
  ['python', (facts) => facts.python],
  ['os', (facts) => facts.os],
  ['gpu', (facts) => facts.gpu],
  ['gpus', (facts) => facts.gpuCount?.toString()],
  ['driver', (facts) => facts.driver],
  ['cuda', (facts) => facts.cuda],
  ['cudnn', (facts) => facts.cudnn],
]
const data: readonly Pick[] = [['data', (facts) => short(facts.dataSha256)]]

/** Facts that by themselves make a band known: without one of them, equal rows say little. */
const decisive: Readonly<Record<Exclude<Band, 'config'>, readonly string[]>> = {
  code: ['commit', 'code', 'script'],
  environment: ['python'],
  data: ['data'],
}

/** Code, environment and data of the runs side by side; what nobody recorded has no row. */
export function bandsOf(runs: readonly Facts[]): readonly BandState[] {
  return [
    bandOf('code', code, runs),
    bandOf('environment', [...environment, ...packagesOf(runs)], runs),
    bandOf('data', data, runs),
  ]
}

function bandOf(band: Exclude<Band, 'config'>, picks: readonly Pick[], runs: readonly Facts[]): BandState {
  const rows = picks
    .map(([what, of]) => ({ what, values: runs.map(of) }))
    .filter(({ values }) => values.some((value) => value !== undefined))
    .map(({ what, values }): FactRow => {
      const known = values.filter((value) => value !== undefined)
      return { band, what, values, isDifferent: new Set(known).size > 1 }
    })
  const isKnown = rows.some(({ what, values }) => decisive[band].includes(what) && !values.includes(undefined))
  return { band, rows, changes: rows.filter(({ isDifferent }) => isDifferent).map(({ what }) => what), isKnown }
}

/** Packages of which versions differ, or that some run lacks although it lists others. */
function packagesOf(runs: readonly Facts[]): readonly Pick[] {
  const names = new Set(runs.flatMap(({ packages }) => Object.keys(packages ?? {})))
  return [...names]
    .sort()
    .map(
      (name): Pick => [
        `package ${name}`,
        ({ packages }) => (packages === undefined ? undefined : (packages[name] ?? 'not there')),
      ],
    )
}
