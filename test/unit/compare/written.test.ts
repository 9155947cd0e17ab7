import { describe, expect, it } from 'vitest'
import { analysisJson, analysisMarkdown } from '../../../src/compare/analysis-report.ts'
import { analyse, type WholeRun } from '../../../src/compare/analyze.ts'
import { digestOf } from '../../../src/compare/digest.ts'
import { compareHtml } from '../../../src/compare/html.ts'
import { compareJson } from '../../../src/compare/json.ts'
import { compareMarkdown } from '../../../src/compare/markdown.ts'
import { compareRuns, usualOptions } from '../../../src/compare/model.ts'
import { curvesSvg } from '../../../src/compare/svg.ts'
import { Columns } from '../../../src/reader/columns.ts'
import type { Facts, ReadReport } from '../../../src/reader/types.ts'

interface Made {
  readonly name: string
  readonly settings?: Readonly<Record<string, unknown>>
  readonly curves?: Readonly<Record<string, readonly number[]>>
  readonly facts?: Facts
  readonly report?: Partial<ReadReport>
  readonly units?: Readonly<Record<string, number>>
}

function made({ name, settings = {}, curves = {}, facts = {}, report = {}, units = {} }: Made): WholeRun {
  const columns = new Columns()
  for (const [key, value] of Object.entries(settings)) columns.config([key], value)
  for (const [metric, values] of Object.entries(curves)) {
    const index = columns.metric(metric)
    for (const [step, value] of values.entries()) columns.point(index, step, value, 1_700_000_000 + step)
  }
  for (const [unit, value] of Object.entries(units)) columns.summary(['test_acc'], value, unit)
  columns.facts(facts)
  const whole: ReadReport = {
    format: 'jsonl',
    path: `/runs/${name}.jsonl`,
    bytes: 1,
    mtimeMs: 0,
    records: 1,
    skippedBytes: 0,
    crcErrors: 0,
    isTruncated: false,
    notes: [],
    ...report,
  }
  return { name, path: `${name}.jsonl`, format: 'jsonl', columns, digest: digestOf(columns), reports: [whole] }
}

const pointsOf = (runs: readonly WholeRun[]) => runs.map(({ columns }) => columns)
const modelOf = (...runs: readonly WholeRun[]) => compareRuns(runs, usualOptions)
const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  ']]><svg onload=alert(1)>',
  '</title></style><b>',
  '&lt;b&gt;',
  'line\nbreak | pipe',
  '\u001b[31mred\u0007 \u202eevil',
]

describe('a comparison as JSON', () => {
  it('is whole: units, figures that are not finite, and settings that are not there', () => {
    const a = made({ name: 'a', settings: { lr: 0.1, none: null, big: Number.NaN }, units: { s0: 0.5, s1: 0.75 } })
    const b = made({ name: 'b', settings: { lr: 0.2, big: Number.POSITIVE_INFINITY }, units: { s0: 0.5, s1: 1 } })
    const json = JSON.parse(JSON.stringify(compareJson(modelOf(a, b))))
    const metric = json.metrics.find(({ name }: { name: string }) => name === 'test_acc')
    expect(metric.cells.map((cell: { units: object }) => cell.units)).toEqual([
      { s0: 0.5, s1: 0.75 },
      { s0: 0.5, s1: 1 },
    ])
    const rows = Object.fromEntries(json.config.changed.map((row: { key: string }) => [row.key, row]))
    expect(rows.big.values).toEqual(['NaN', 'Infinity'])
    expect(rows.none).toMatchObject({ values: [null, null], isThere: [true, false], difference: 'missing' })
    expect(rows.lr).toMatchObject({ values: [0.1, 0.2], isThere: [true, true] })
    expect(json.judgements[0]).toMatchObject({ metric: 'test_acc', verdict: 'cannot tell' })
    expect(json.findings).toHaveLength(2)
  })

  it('loses nothing of the model: every name of it is there', () => {
    const model = modelOf(made({ name: 'a', curves: { loss: [1, Number.NaN] } }))
    expect(Object.keys(compareJson(model) as object).sort()).toEqual(Object.keys(model).sort())
  })
})

/** Tags and attributes that the page may have; a `<` of a foreign text would make another one. */
const tags =
  /^<\/?(!doctype html|html|head|meta|title|style|body|h1|h2|h3|p|ul|li|table|tr|th|td|strong|pre|svg|g|path|text)( [a-z][A-Za-z-]*="[^"<>]*"| lang="en")*\/?>$/

/** A tag without what its attributes hold: a foreign text may stand in one as text. */
const bare = (tag: string) => tag.replaceAll(/="[^"]*"/g, '=""')

/** A strict parser of what these pages are made of: tags that open and close, one inside of the other. */
function parsed(html: string) {
  const alone = new Set(['!doctype', 'meta'])
  const open: string[] = []
  const problems: string[] = []
  const counts: Record<string, number> = {}
  let end = 0
  for (const tag of html.matchAll(/<(\/?)([a-z!][a-z0-9]*)((?: [^<>"]*(?:"[^"]*")?)*?)(\/?)>/gi)) {
    const between = html.slice(end, tag.index)
    if (/[<>]/.test(between)) problems.push(`a stray mark in ${between.slice(0, 40)}`)
    end = tag.index + tag[0].length
    const [, closing, name = '', , own] = tag
    if (closing !== '') {
      if (open.at(-1) !== name) problems.push(`</${name}> closes ${open.at(-1)}`)
      open.pop()
      continue
    }
    counts[name] = (counts[name] ?? 0) + 1
    if (own === '' && !alone.has(name)) open.push(name)
  }
  return { problems: [...problems, ...open.map((name) => `${name} is not closed`)], counts }
}

describe('a comparison as HTML', () => {
  const curve = hostile.map((_, at) => at / 10)
  const runs = hostile.map((name) =>
    made({
      name,
      settings: { [name]: name, lr: name.length },
      curves: { [name]: curve, loss: curve },
      facts: { name, commit: name, program: name },
      report: { notes: [name] },
    }),
  )
  const html = compareHtml(modelOf(...runs), pointsOf(runs))

  it('holds foreign text as text alone', () => {
    const found = html.replace(/<style>[^<]*<\/style>/, '').match(/<[^>]*>/g) ?? []
    expect(found.length).toBeGreaterThan(200)
    for (const tag of found) {
      expect(tag).toMatch(tags)
      expect(bare(tag)).not.toMatch(/\son[a-z]+=/)
    }
    expect(html).not.toContain('<script')
    expect(html).toContain('&#60;script&#62;alert(1)&#60;/script&#62;')
    expect(html).toContain('&#38;lt;b&#38;gt;')
    expect(html).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
  })

  it('is well formed: every tag is closed where it was opened, and every picture has its lines named', () => {
    const { problems, counts } = parsed(html)
    expect(problems).toEqual([])
    expect(counts).toMatchObject({ html: 1, head: 1, body: 1, style: 1, h1: 1 })
    expect(counts.svg).toBeGreaterThan(2)
    expect(counts.table).toBeGreaterThan(1)
    for (const svg of html.match(/<svg[\s\S]*?<\/svg>/g) ?? []) {
      // A line and its piece in the legend have one class of colour.
      const lines = svg.match(/<g class="c\d">/g) ?? []
      expect(lines.length).toBeGreaterThan(0)
      expect(lines.length % 2).toBe(0)
      expect(parsed(svg).problems).toEqual([])
    }
    expect(parsed('<p><b></p>').problems).toEqual(['</p> closes b', 'p is not closed'])
  })

  it('is dark where the system is, and every colour of a line has one for either paper', () => {
    const [, style = ''] = /<style>([^<]*)<\/style>/.exec(html) ?? []
    const [light = '', dark = ''] = style.split('@media (prefers-color-scheme: dark)')
    expect(style).toContain('color-scheme: light dark')
    const classes = (text: string) => text.match(/\.c\d \{ stroke: #[0-9a-f]{6}; \}/g) ?? []
    expect(classes(light)).toHaveLength(8)
    expect(classes(dark)).toHaveLength(8)
    expect((style.match(/\{/g) ?? []).length).toBe((style.match(/\}/g) ?? []).length)
  })

  it('asks nobody for anything', () => {
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(html).not.toMatch(/<(script|link|img|iframe|object|embed|base|form)\b|@import|url\(|https?:/i)
    const attributes = (html.match(/<[^>]*>/g) ?? []).map(bare).join(' ')
    expect(attributes).not.toMatch(/\s(src|href|srcset|action|data)=/)
  })

  it('says what the Markdown says', () => {
    const pair = [
      made({ name: 'a', settings: { lr: 0.1 }, curves: { acc: [0.1, 0.5] } }),
      made({ name: 'b', settings: { lr: 0.2 }, curves: { acc: [0.1, Number.NaN, 0.6] } }),
    ]
    const model = modelOf(...pair)
    const page = compareHtml(model, pointsOf(pair))
    expect(page).toContain('<strong>cannot tell</strong> (one run each: cannot separate from seed noise)')
    expect(page).toContain('<td>config</td><td>lr</td><td>0.1</td><td>0.2</td>')
    const words = (text: string) => text.match(/[A-Za-z]{4,}/g) ?? []
    const body = words(page.slice(page.indexOf('<body>')).replaceAll(/<[^>]*>/g, ' '))
    expect(body).toEqual(expect.arrayContaining(words(compareMarkdown(model))))
  })

  it('says how many runs are not drawn', () => {
    const many = Array.from({ length: 12 }, (_, at) => made({ name: `r${at}`, curves: { loss: [2, 1] } }))
    const page = compareHtml(modelOf(...many), pointsOf(many.slice(0, 10)))
    expect(page.match(/>r\d<\/text>/g)).toHaveLength(10)
    expect(page).toContain('Curves of 2 more runs are not drawn.')
  })

  it('takes secrets out before it escapes', () => {
    const secret = 'p"ss<w>rd&1'
    const run = made({ name: 'a', settings: { note: `x ${secret}` }, curves: { [`loss ${secret}`]: [1, 2] } })
    const other = made({ name: 'b', settings: { note: 'y' } })
    const masked = <T>(value: T): T =>
      JSON.parse(JSON.stringify(value).replaceAll(JSON.stringify(secret).slice(1, -1), '***')) as T
    const page = compareHtml(modelOf(run, other), pointsOf([run, other]), 'step', masked)
    expect(page).toContain('x ***')
    expect(page).not.toContain('rd&#38;1')
    expect(page).not.toContain('rd&1')
  })
})

describe('curves as SVG', () => {
  const xs = Float64Array.from({ length: 100_000 }, (_, at) => at)
  const flat = xs.map(() => 1)

  it('keep a spike of one point, and mark a NaN of one point', () => {
    const spiked = flat.slice()
    spiked[54_321] = 9
    spiked[77_777] = Number.NaN
    const svg = curvesSvg([{ name: 'run', xs, values: spiked }], 'loss', 'step')
    const d = /class="curve" d="([^"]*)"/.exec(svg)?.[1] ?? ''
    const heights = new Set(d.match(/ [\d.]+(?=L|$)/g)?.map(Number))
    expect(heights).toEqual(new Set([10, 226]))
    expect(svg.match(/class="cross" d="(M[^"]*)"/)?.[1]?.match(/M/g)).toHaveLength(1)
    expect(svg).toContain('>9</text>')
  })

  it('are told apart without colour: by dashes and by their names', () => {
    const curves = Array.from({ length: 10 }, (_, at) => ({ name: `run ${at}`, xs, values: flat.map(() => at) }))
    const svg = curvesSvg(curves, 'loss', 'step')
    expect(new Set(svg.match(/stroke-dasharray="[^"]*"/g)).size).toBe(10)
    const places = [...svg.matchAll(/y="([\d.]+)">run \d</g)].map(([, y]) => Number(y))
    expect(places).toHaveLength(10)
    const sorted = [...places].sort((a, b) => a - b)
    for (let at = 1; at < sorted.length; at++)
      expect((sorted[at] as number) - (sorted[at - 1] as number)).toBeGreaterThanOrEqual(14)
    expect(sorted.at(-1)).toBeLessThanOrEqual(260)
  })

  it('shorten a long name in its middle, and have it whole in its title', () => {
    const name = 'resnet50-imagenet-a-very-long-name-of-a-run-seed1'
    const svg = curvesSvg([{ name, xs: Float64Array.of(0, 1), values: Float64Array.of(0, 1) }], 'loss', 'step')
    expect(svg).toContain(`>${name.slice(0, 10)}…${name.slice(-10)}<title>${name}</title></text>`)
  })

  it('draw one place, nothing finite, and the greatest figures without an error', () => {
    const one = Float64Array.of(3)
    for (const values of [[1], [Number.NaN], [Number.MAX_VALUE]]) {
      const svg = curvesSvg([{ name: 'a', xs: one, values: Float64Array.from(values) }], 'm', 'step')
      expect(svg).not.toMatch(/d="[^"]*(NaN|Infinity)/)
    }
    const far = Float64Array.of(-Number.MAX_VALUE, Number.MAX_VALUE)
    expect(curvesSvg([{ name: 'a', xs: Float64Array.of(0, 1), values: far }], 'm', 'step')).not.toMatch(
      /d="[^"]*(NaN|Infinity)/,
    )
  })
})

describe('the report of one run', () => {
  const rising = Array.from({ length: 40 }, (_, at) => 0.5 + at / 100)
  const finished = made({
    name: 'a',
    settings: { lr: 0.1, seed: 7 },
    curves: { 'val/acc': rising, grad_norm: [1, 1] },
    facts: {
      id: 'run-7',
      state: 'finished',
      commit: 'abc',
      gpu: 'H100',
      gpuCount: 2,
      program: 'train it.py',
      args: ['--lr', '0.1'],
      startedAtMs: 0,
      endedAtMs: 90_000,
    },
  })

  it('holds a run of many units in one row and one picture a metric', () => {
    const columns = new Columns()
    for (const [at, unit] of ['split-0', 'split-1', 'split-2'].entries()) {
      const index = columns.metric('val/acc', unit)
      for (const [step, value] of [0.5, 0.9, 0.8].entries()) columns.point(index, step, value + at / 100, Number.NaN)
    }
    const whole = { ...finished, columns, digest: digestOf(columns) }
    const analysis = analyse(whole, null, usualOptions)
    expect(analysis.metrics).toMatchObject([
      { name: 'val/acc', unit: '', last: expect.closeTo(0.81), best: expect.closeTo(0.91), points: 9 },
    ])
    expect(analysis.metrics[0]?.units).toEqual({ n: 3, least: 0.8, most: expect.closeTo(0.82) })
    expect(analysis.curves).toHaveLength(1)
    expect(analysis.curves[0]?.least[0]).toBe(0.5)
    expect(analysis.curves[0]?.most[0]).toBeCloseTo(0.52)
  })

  it('says what it is and reached, and that the rest is unknown', () => {
    const analysis = analyse(finished, null, usualOptions)
    expect(analysis.identity).toMatchObject({
      run: 'run-7',
      commit: 'abc',
      gpu: 'H100 x2',
      seed: 'seed 7',
      data: 'unknown',
      image: 'unknown',
      'approved by': 'unknown',
    })
    expect(analysis.spent).toMatchObject({ seconds: '90', USD: 'unknown', 'peak memory': 'unknown', 'last step': '39' })
    const of = (name: string) => analysis.metrics.find((metric) => metric.name === name)
    expect(of('val/acc')).toMatchObject({ goal: 'higher', last: 0.89, lastStep: 39, best: 0.89, bestStep: 39 })
    expect(of('grad_norm')).toMatchObject({ goal: null, best: null, bestStep: null })
    expect(analysis.reproduce).toBe("'train it.py' --lr 0.1 (at commit abc)")
    const markdown = analysisMarkdown(analysis)
    expect(markdown).toContain('No baseline was given')
    expect(markdown).toContain('| data | unknown |')
    expect(markdown).toContain('Pulled and loaded to check them: unknown.')
    expect(markdown).toMatch(/ {6}0\.89 \| +\* \*\*\n/)
  })

  it('does not call broken data sound, and says where it is broken', () => {
    const broken = made({
      name: 'b',
      curves: { loss: [3, 2, Number.NaN, Number.NaN, Number.NaN] },
      facts: { state: 'finished' },
      report: { crcErrors: 1, skippedBytes: 40, isTruncated: true, notes: ['A checksum is wrong at byte 7.'] },
    })
    const analysis = analyse(broken, null, usualOptions)
    expect(analysis.verdict.word).toBe('broken')
    expect(analysis.doubts).toEqual([
      '/runs/b.jsonl: 1 wrong checksums',
      '/runs/b.jsonl: 40 bytes passed over',
      '/runs/b.jsonl: its last record is not whole (still being written, or cut)',
      '/runs/b.jsonl: A checksum is wrong at byte 7.',
      'loss: 3 figures are not finite',
    ])
    expect(analysis.next.length).toBeGreaterThan(0)
    // What the rules ask for here is a look; another training would cost what nobody wrote down.
    expect(new Set(analysis.next.map(({ usd }) => usd))).toEqual(new Set([0, 'unknown']))
    expect(analysisMarkdown(analysis)).toMatch(/NaN\/inf \| +x/)
  })

  it('of a run that says nothing of its end is unknown, of one that still writes not over', () => {
    const word = (facts: Facts, curves: Made['curves'] = { loss: [3, 2] }) =>
      analyse(made({ name: 'c', curves, facts }), null, usualOptions).verdict.word
    expect(word({})).toBe('unknown')
    expect(word({ state: 'finished' }, {})).toBe('unknown')
    expect(word({ state: 'running' })).toBe('not over')
    expect(word({ state: 'failed' })).toBe('broken')
  })

  it('holds it against a baseline, and is whole in JSON', () => {
    const base = made({ name: 'base', settings: { lr: 0.2, seed: 7 }, curves: { 'val/acc': [0.5] } })
    const analysis = analyse(finished, base, usualOptions)
    const json = JSON.parse(JSON.stringify(analysisJson(analysis)))
    expect(json.against.config.changed.map(({ key }: { key: string }) => key)).toEqual(['lr'])
    expect(json.against.judgements[0].verdict).toBe('cannot tell')
    expect(json.curves[0]).toMatchObject({ fromStep: 0, toStep: 39 })
    const markdown = analysisMarkdown(analysis)
    expect(markdown).toContain('## Against base')
    expect(markdown).toContain('| config | lr | 0.2 | 0.1 |')
  })

  it('escapes what others wrote', () => {
    const run = made({ name: hostile[0] as string, curves: { '| x |\n# y': [1, 2] }, facts: { notes: 'n' } })
    const markdown = analysisMarkdown(analyse(run, null, usualOptions))
    expect(markdown).toContain('\\<script\\>')
    expect(markdown).not.toMatch(/^# y/m)
    expect(markdown).toContain('\\| x \\| \\# y')
  })
})
