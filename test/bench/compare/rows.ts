import type { Spread } from '../stats.ts'

interface Taken {
  readonly mib: number
  readonly tableMs: Spread
  readonly rssMiB: number
  /** Without the start of the program; of the parts whose digests are kept. */
  readonly insideMs?: Spread
}
interface Decoded extends Taken {
  readonly points: number
  readonly pointsPerSecond: number
  readonly decodeMs: Spread
  /** Of the package's own reader; null: no Python with it was named. */
  readonly peerSeconds: number | null
}

const views = ['table', 'curves', 'text', 'multiples', 'scatter', 'strips', 'parallel'] as const

/** Figures of each part of `bench:compare`. */
export interface CompareFigures {
  readonly wandb: Decoded
  readonly tfevents: Decoded
  readonly runs200: Taken
  readonly runs1000: Taken
  readonly many: Taken & { readonly points: number }
  readonly screen: Readonly<Record<(typeof views)[number], { readonly ms: Spread }>> & {
    readonly runs: number
    readonly keys: number
    readonly metrics: number
    readonly unpainted: number
  }
}

export interface CompareRow {
  readonly part: string
  readonly what: string
  readonly bar: string
  readonly figure: string
  readonly isMet: boolean
}

const count = (n: number) => n.toLocaleString('en')
const points = (n: number) => `${(n / 1e6).toFixed(n < 1e7 ? 2 : 0)} million points`

function decoded(part: string, what: string, f: Decoded, leastTimes: number | null): CompareRow[] {
  const times = f.peerSeconds === null ? null : (f.peerSeconds * 1000) / f.decodeMs.p50
  const peer =
    times === null ? 'no peer there' : `${times.toFixed(1)} x the package's own reader (${f.peerSeconds?.toFixed(1)} s)`
  return [
    {
      part,
      what: `${what} of ${f.mib} MiB, ${points(f.points)}: start of \`kx compare\` to its table, ${f.tableMs.count} times`,
      bar: 'median <= 1 s',
      figure: `median ${f.tableMs.p50}, worst ${f.tableMs.max} ms, ${f.rssMiB} MiB`,
      isMet: f.tableMs.p50 <= 1000,
    },
    {
      part,
      what: `decoding it`,
      bar: `>= 1,000,000 points/s${leastTimes === null ? '' : `, >= ${leastTimes} x the package's own reader`}`,
      figure: `${count(f.pointsPerSecond)} points/s, ${peer}`,
      isMet: f.pointsPerSecond >= 1e6 && (leastTimes === null || (times !== null && times >= leastTimes)),
    },
  ]
}

const table = (part: string, what: string, f: Taken, mostMs: number): CompareRow[] => [
  ...(f.insideMs === undefined
    ? []
    : [
        {
          part,
          what: `${what}, digests kept: from their folder to the table, ${f.insideMs.count} times`,
          bar: `median <= ${mostMs} ms`,
          figure: `median ${f.insideMs.p50}, worst ${f.insideMs.max} ms`,
          isMet: f.insideMs.p50 <= mostMs,
        },
      ]),
  {
    part,
    what: `${what}, digests kept: start of \`kx compare\` to its table, ${f.tableMs.count} times`,
    bar: `median <= ${mostMs} ms`,
    figure: `median ${f.tableMs.p50}, worst ${f.tableMs.max} ms, ${f.rssMiB} MiB`,
    isMet: f.tableMs.p50 <= mostMs,
  },
]

/** How the parts are read and what they are held to (issue 5, section 4). */
export const compareReaders: {
  readonly [Name in keyof CompareFigures]: (figures: CompareFigures[Name]) => readonly CompareRow[]
} = {
  wandb: (f) => decoded('wandb', 'a `.wandb` log', f, null),
  tfevents: (f) => decoded('tfevents', 'an event file', f, 5),
  runs200: (f) => table('runs200', '200 runs of 100 settings and 50 metrics', f, 300),
  runs1000: (f) => table('runs1000', '1,000 runs', f, 1500),
  screen: (f) =>
    views.map((view) => {
      const { ms } = f[view]
      // The table answers as every other screen; a picture is drawn anew by each key, and held to its redraw.
      const most = view === 'table' ? 20 : 50
      return {
        part: 'screen',
        what: `key to paint of the compare screen at 200x60, ${f.runs} runs of ${f.keys} settings and ${f.metrics} metrics: ${view}, ${ms.count} keys`,
        bar: `p50 <= ${most}, p95 <= 50 ms, none unpainted`,
        figure: `p50 ${ms.p50}, p95 ${ms.p95} ms, ${f.unpainted} unpainted`,
        isMet: ms.p50 <= most && ms.p95 <= 50 && f.unpainted === 0,
      }
    }),
  many: (f) => [
    {
      part: 'many',
      what: `${points(f.points)} in ${f.mib} MiB of logs, none read before: \`kx compare\` over all`,
      bar: 'RSS <= 300 MB',
      figure: `${f.rssMiB} MiB (${Math.round(f.rssMiB * 1.048576)} MB), ${(f.tableMs.p50 / 1000).toFixed(1)} s`,
      isMet: f.rssMiB * 1.048576 <= 300,
    },
  ],
}
