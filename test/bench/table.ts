// node test/bench/table.ts: writes the figures of test/bench/results/*.json into docs/benchmarks.md, between its marks.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { compareReaders } from './compare/rows.ts'
import type { firstFrame } from './first-frame.ts'
import { type FiguresBy, fileReaders, type HostsFigures, linkReaders } from './hosts/rows.ts'
import type { idle } from './idle.ts'
import type { keys } from './keys.ts'
import type { flood, live } from './live.ts'
import type { MachineFacts } from './machine.ts'
import type { memory } from './memory.ts'
import type { RecipeFigures } from './notebook/recipe.ts'
import type { repaint, resizes } from './resize.ts'
import type { Spread } from './stats.ts'

const results = resolve(import.meta.dirname, 'results')
const page = resolve(import.meta.dirname, '../../docs/benchmarks.md')

/** Figures of each part, as the bench of that name gives them. */
interface FiguresOf extends HostsFigures {
  readonly first: FiguresBy<typeof firstFrame>
  readonly keys: Readonly<Record<'120x40' | '200x60', FiguresBy<typeof keys>>>
  readonly repaint: FiguresBy<typeof repaint>
  readonly resize: FiguresBy<typeof resizes>
  readonly idle: FiguresBy<typeof idle>
  readonly live: FiguresBy<typeof live>
  readonly flood: FiguresBy<typeof flood>
  readonly memory: FiguresBy<typeof memory>
  readonly soak: FiguresBy<typeof memory>
  readonly prompt: { readonly startMs: number; readonly resultMs: Spread }
  readonly recipe: RecipeFigures
}
type PartName = keyof FiguresOf

interface Part<F> {
  readonly figures: F
  readonly machine: MachineFacts
  readonly isQuick: boolean
}

interface Row {
  readonly what: string
  readonly bar: string
  readonly figure: string
  readonly isMet: boolean
  readonly part: string
}

/** Parts that were taken; a result file may lack any of them. */
type Parts = { readonly [Name in PartName]?: Part<FiguresOf[Name]> }
type Readers = { readonly [Name in PartName]: (figures: FiguresOf[Name]) => readonly Row[] }

const row = (part: string, what: string, bar: string, figure: string, isMet: boolean): Row => ({
  part,
  what,
  bar,
  figure,
  isMet,
})

/** How each part is read and what it is held to (issue 2 section 7, handbook terminal 13.1). */
const readers: Readers = {
  first: (f) => [
    row(
      'first',
      'start to first frame, median',
      '<= 250 ms or 1.2 x the Ink hello, whichever is more',
      `${f.kxMs.p50} ms (hello ${f.helloMs.p50} ms, ${f.ratio} x; bar ${f.barMs} ms)`,
      f.kxMs.p50 <= f.barMs,
    ),
  ],
  keys: (f) =>
    (
      [
        ['120x40', 12, 35, 60],
        ['200x60', 20, 50, null],
      ] as const
    ).map(([size, p50, p95, p99]) => {
      const { allMs, unpainted } = f[size]
      return row(
        'keys',
        `key to paint at ${size}, ${allMs.count} keys`,
        `p50 <= ${p50}, p95 <= ${p95}${p99 === null ? '' : `, p99 <= ${p99}`} ms, none unpainted`,
        `p50 ${allMs.p50}, p95 ${allMs.p95}, p99 ${allMs.p99} ms, ${unpainted} unpainted`,
        allMs.p50 <= p50 && allMs.p95 <= p95 && (p99 === null || allMs.p99 <= p99) && unpainted === 0,
      )
    }),
  idle: (f) => [
    row(
      'idle',
      `idle ${Math.round(f.noRun.seconds)} s, no run`,
      '0 frames, 0 bytes, <= 0.1 % of a core, <= 1 wake-up/s',
      `${f.noRun.frames} frames, ${f.noRun.bytes} bytes, ${f.noRun.cpuPercent} %, ${f.noRun.wakeupsPerSecond}/s`,
      f.noRun.frames === 0 && f.noRun.bytes === 0 && f.noRun.cpuPercent <= 0.1 && f.noRun.wakeupsPerSecond <= 1,
    ),
    row(
      'idle',
      `idle ${Math.round(f.checkedRun.seconds)} s, a run that is not live`,
      '<= 1 frame (a minute has passed), <= 0.1 % of a core',
      `${f.checkedRun.frames} frames, ${f.checkedRun.bytes} bytes, ${f.checkedRun.cpuPercent} %`,
      f.checkedRun.frames <= 1 && f.checkedRun.cpuPercent <= 0.1,
    ),
    row('idle', 'RSS idle', '<= 130 MiB', `${f.noRun.rssMiB} MiB`, f.noRun.rssMiB <= 130),
  ],
  live: (f) =>
    (
      [
        ['120x40', 2],
        ['200x60', 4],
      ] as const
    ).map(([size, cpu]) => {
      const { cpuPercent, firstMinuteCpuPercent, bytesPerSecond, framesPerSecond } = f[size]
      return row(
        'live',
        `live run, 8 simulated GPUs at 1 Hz, ${size}`,
        `<= ${cpu} % of a core, <= 2 kB/s, <= 1 frame/s`,
        `${cpuPercent} %${firstMinuteCpuPercent === undefined ? '' : ` (${firstMinuteCpuPercent} % in the first minute)`}, ${bytesPerSecond} B/s, ${framesPerSecond} frames/s`,
        cpuPercent <= cpu && bytesPerSecond <= 2000 && framesPerSecond <= 1.05,
      )
    }),
  memory: (f) => [
    row(
      'memory',
      `RSS after ${f.frames.toLocaleString('en')} frames`,
      '<= 200 MiB, no slope (< 1 MiB per 10,000 frames)',
      `${f.rssAfterMiB} MiB, ${f.slopeMiBPer10kFrames} MiB per 10,000 frames`,
      f.rssAfterMiB <= 200 && f.slopeMiBPer10kFrames < 1,
    ),
  ],
  soak: (f) => [
    row(
      'soak',
      `RSS after ${f.frames.toLocaleString('en')} frames`,
      '<= 200 MiB, no slope (< 0.1 MiB per 10,000 frames)',
      `${f.rssAfterMiB} MiB, ${f.slopeMiBPer10kFrames} MiB per 10,000 frames`,
      f.rssAfterMiB <= 200 && f.slopeMiBPer10kFrames < 0.1,
    ),
  ],
  resize: (f) => [
    row(
      'resize',
      `wrong settled frames, ${f.emulator.resizes} resizes, emulator`,
      '0',
      `${f.emulator.wrong.length}`,
      f.emulator.wrong.length === 0,
    ),
    row(
      'resize',
      `wrong settled frames, ${f.tmux.resizes} resizes, tmux`,
      '0',
      `${f.tmux.wrong.length}`,
      f.tmux.wrong.length === 0,
    ),
    row(
      'resize',
      'resize to repaint, 40 ms of settling included',
      'p95 <= 100 ms',
      `p50 ${f.emulator.repaintMs.p50}, p95 ${f.emulator.repaintMs.p95} ms`,
      f.emulator.repaintMs.p95 <= 100,
    ),
  ],
  repaint: (f) => [
    row(
      'repaint',
      `right again after SIGSTOP, junk, SIGCONT, ${f.tries} tries`,
      'all within 200 ms',
      `${f.tries - f.wrong} right, slowest ${f.repaintMs.max} ms`,
      f.wrong === 0 && f.repaintMs.max <= 200,
    ),
  ],
  flood: (f) => [
    row(
      'flood',
      `log of ${f.megabytesPerSecond} MB/s for ${Math.round(f.seconds)} s`,
      'keys p95 <= 100 ms, RSS <= 300 MiB',
      `p95 ${f.keysMs.p95} ms, most ${f.rssMostMiB} MiB`,
      f.keysMs.p95 <= 100 && f.rssMostMiB <= 300,
    ),
  ],
  prompt: (f) => [
    row(
      'prompt',
      `Enter to the result of \`1+1\` at a prompt that runs, ${f.resultMs.count} times`,
      'median <= 20 ms',
      `p50 ${f.resultMs.p50}, p95 ${f.resultMs.p95}, worst ${f.resultMs.max} ms (the prompt itself starts in ${f.startMs} ms)`,
      f.resultMs.p50 <= 20,
    ),
  ],
  recipe: (f) =>
    (
      [
        ['Enter in a workbench that has the connection', f.byWorkbenchMs],
        ['start of `kx recipe run`, connection and all,', f.headlessMs],
      ] as const
    ).map(([from, ms]) =>
      row(
        'recipe',
        `${from} to the first line of the recipe on a loopback host, ${ms.count} times`,
        'median <= 700 ms',
        `median ${ms.p50}, worst ${ms.max} ms`,
        ms.p50 <= 700,
      ),
    ),
  ...fileReaders,
  ...linkReaders,
}

function textOf(name: string): string | null {
  const file = resolve(results, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

const read = (name: string): Parts => JSON.parse(textOf(name) ?? '{}') as Parts

/** Rows of one part, and the load that they were taken at. */
function rowsOf<Name extends PartName>(parts: Parts, name: Name): readonly (Row & { readonly load: number })[] {
  const part: Parts[Name] = parts[name]
  if (part === undefined) return []
  return readers[name](part.figures).map((each) => ({ ...each, load: part.machine.loadAtStart }))
}

function table(): string {
  const hosts = read('hosts.json')
  // Parts of the notebook have names that those of the screen have too; its table stands by itself.
  const { recipe, prompt } = read('notebook.json')
  const parts: Parts = {
    ...read('ui.json'),
    ...read('soak.json'),
    ...hosts,
    ...(recipe === undefined ? {} : { recipe }),
    ...(prompt === undefined ? {} : { prompt }),
  }
  const lines = ['| What | Bar | Figure | | Command | Load |', '|---|---|---|---|---|---|']
  for (const name of Object.keys(readers) as PartName[]) {
    const bench = name === 'recipe' || name === 'prompt' ? 'notebook' : name in hosts ? 'hosts' : 'ui'
    const command = name === 'soak' ? 'npm run bench:soak' : `npm run bench:${bench} -- --only ${name}`
    for (const { what, bar, figure, isMet, load } of rowsOf(parts, name)) {
      const verdict = isMet ? 'met' : '**missed**'
      lines.push(`| ${what} | ${bar} | ${figure} | ${verdict} | \`${command}\` | ${load} |`)
    }
  }
  const compared = JSON.parse(textOf('compare.json') ?? '{}') as Readonly<Record<string, Part<never> | undefined>>
  for (const [name, rows] of Object.entries(compareReaders)) {
    const part = compared[name]
    if (part === undefined) continue
    for (const { what, bar, figure, isMet } of rows(part.figures)) {
      const verdict = isMet ? 'met' : '**missed**'
      const command = `npm run bench:compare -- --only ${name}`
      lines.push(`| ${what} | ${bar} | ${figure} | ${verdict} | \`${command}\` | ${part.machine.loadAtStart} |`)
    }
  }
  const machine = Object.values(parts)[0]?.machine
  if (machine === undefined) throw new Error('no results yet: npm run bench:ui')
  const { cpu, cores, memoryGiB, node, tmux, kernel } = machine
  return [
    `Taken on ${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node.slice(1)}, ${tmux}. Load is the mean of`,
    'runnable tasks in the minute before each part: above the count of cores, times are those of a crowded machine.',
    '',
    ...lines,
  ].join('\n')
}

const text = readFileSync(page, 'utf8')
const marks = /(<!-- figures: begin -->\n)[\s\S]*?(\n<!-- figures: end -->)/
if (!marks.test(text))
  throw new Error(`${page} has no place for the figures: <!-- figures: begin --> … <!-- figures: end -->`)
writeFileSync(
  page,
  text.replace(marks, (_all, begin: string, end: string) => `${begin}\n${table()}\n${end}`),
)
