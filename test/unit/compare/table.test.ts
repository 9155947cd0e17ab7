import { describe, expect, it } from 'vitest'
import { type Arrangement, arrange } from '../../../src/compare/arrange.ts'
import { columnsFor } from '../../../src/compare/columns.ts'
import { compareCsv } from '../../../src/compare/csv.ts'
import { digestOf } from '../../../src/compare/digest.ts'
import { compareMarkdown } from '../../../src/compare/markdown.ts'
import { rowsOf } from '../../../src/compare/rows.ts'
import type { LoadedRun } from '../../../src/compare/run.ts'
import { figureOf, figureWords, shortWords, tableColumns } from '../../../src/compare/table.ts'
import { Columns } from '../../../src/reader/columns.ts'
import { noiseFrom } from '../../harness/tracked-runs.ts'

interface Made {
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly metrics: Readonly<Record<string, number>>
  readonly startedAtMs?: number
}

function made({ name, settings, metrics, startedAtMs }: Made): LoadedRun {
  const columns = new Columns()
  for (const [key, value] of Object.entries(settings)) columns.config([key], value)
  for (const [metric, value] of Object.entries(metrics)) columns.point(columns.metric(metric), 1, value, 1)
  if (startedAtMs !== undefined) columns.facts({ startedAtMs })
  return { name, path: name, format: 'jsonl', digest: digestOf(columns), reports: [] }
}

const usual: Arrangement = {
  aggregator: 'last',
  directions: {},
  isShown: () => true,
  ignored: [],
  heeded: [],
  baseline: null,
  top: null,
  by: null,
  grouping: 'auto',
}
function arranged(runs: readonly LoadedRun[], asked: Partial<Arrangement> = {}) {
  const found = arrange(runs, { ...usual, ...asked })
  if ('why' in found) throw new Error(found.why)
  return found
}

/** Arms of so many seeds each; values around a level, with the noise of their seed. */
const arms = (levels: Readonly<Record<string, number>>, seeds: number, spread = 0.01) =>
  Object.entries(levels).flatMap(([arm, level], at) =>
    Array.from({ length: seeds }, (_, seed) =>
      made({
        name: `${arm}${seed}`,
        settings: { arm, seed },
        metrics: { acc: level + spread * noiseFrom(1 + seed + 100 * at)() },
      }),
    ),
  )

describe('columns of groups', () => {
  it('are one a group of seeds, with the runs behind one that is opened', () => {
    const { model } = arranged(arms({ a: 0.5, b: 0.6 }, 10))
    const columns = tableColumns(model)
    expect(columns.map(({ name, members, isBaseline }) => [name, members.length, isBaseline])).toEqual([
      ['a0 +9 seeds', 10, true],
      ['b0 +9 seeds', 10, false],
    ])
    const opened = tableColumns(model, 'auto', new Set([columns[1]?.id ?? '']))
    expect(opened.map(({ name }) => name)).toEqual([
      'a0 +9 seeds',
      'b0 +9 seeds',
      ...Array.from({ length: 10 }, (_, at) => `b${at}`),
    ])
    expect(tableColumns(model, 'no').length).toBe(20)
  })

  it('hold a run that stands beside them against the mean of the baseline, which is what is seen', () => {
    const runs = [0.4, 0.6].map((acc, seed) =>
      made({ name: `a${seed}`, settings: { arm: 'a', seed }, metrics: { acc } }),
    )
    runs.push(made({ name: 'b', settings: { arm: 'b', seed: 0 }, metrics: { acc: 0.75 } }))
    const { model } = arranged(runs)
    const delta = (columns: ReturnType<typeof tableColumns>) =>
      columns.map((column) => figureOf(model, 0, column)?.change?.delta?.toFixed(2))
    const [a] = tableColumns(model)
    expect(delta(tableColumns(model, 'auto', new Set([a?.id ?? ''])))).toEqual([undefined, '-0.10', '0.10', '0.25'])
    expect(delta(tableColumns(model, 'no'))).toEqual([undefined, '0.20', '0.35'])
  })

  it('say by how many there are what may be said: both values, the range, the interval of the mean', () => {
    const cell = (seeds: number) => {
      const { model } = arranged(arms({ a: 0.5, b: 0.9 }, seeds))
      return tableColumns(model).map((column) => figureWords(figureOf(model, 0, column)))
    }
    expect(cell(1)[1]).toMatch(/^0\.\d+ \+0\.\d+ \(\+\d+\.\d %\), cannot tell, best$/)
    expect(cell(2)[0]).toMatch(/^0\.\d+, 0\.\d+$/)
    expect(cell(3)[1]).toMatch(/^0\.\d+ \(0\.\d+\.\.0\.\d+\) n 3 \+.*, cannot tell, best$/)
    expect(cell(10)[0]).toMatch(/^0\.\d+ ± 0\.\d+ n 10$/)
    expect(cell(10)[1]).toMatch(/^0\.\d+ ± 0\.\d+ n 10 \+0\.\d+ \(\+\d+\.\d %\), better, best$/)
  })

  it('mark the best mean, and not the best draw', () => {
    const runs = [
      ...[0.1, 0.9].map((acc, seed) =>
        made({ name: `wide${seed}`, settings: { arm: 'wide', seed }, metrics: { acc } }),
      ),
      ...[0.7, 0.7].map((acc, seed) =>
        made({ name: `flat${seed}`, settings: { arm: 'flat', seed }, metrics: { acc } }),
      ),
    ]
    const { model } = arranged(runs)
    expect(tableColumns(model).map((column) => figureOf(model, 0, column)?.isBest)).toEqual([false, true])
  })

  it('of a narrow table put the verdict before what may be cut', () => {
    const { model } = arranged(arms({ a: 0.5, b: 0.9 }, 10))
    const [, b] = tableColumns(model)
    if (b === undefined) throw new Error('there are two groups')
    expect(shortWords(figureOf(model, 0, b))).toMatch(/^0\.\d+ ± 0\.\d+ better, best \+0\.\d+$/)
  })

  it('have the verdict and its reasons before any value', () => {
    const { model } = arranged(arms({ a: 0.5, b: 0.5 }, 10))
    const columns = tableColumns(model)
    const row = rowsOf(model, columns).find(({ band }) => band === 'metrics')
    expect(row?.cells.length).toBe(2)
    expect(row?.why?.(1)[0]).toBe('b0 +9 seeds: no clear difference')
    expect(row?.why?.(0)).toEqual([])
  })

  it('grow together where the setting that told them apart is ignored, and apart where noise is looked at', () => {
    const runs = Array.from({ length: 4 }, (_, at) =>
      made({ name: `r${at}`, settings: { trial: at % 2, host: `h${at}`, lr: 1 }, metrics: { acc: at } }),
    )
    const groups = (asked: Partial<Arrangement>) =>
      arranged(runs, asked).model.groups.map(({ members }) => members.length)
    expect(groups({})).toEqual([2, 2])
    expect(groups({ ignored: ['trial'] })).toEqual([4])
    expect(groups({ heeded: ['host'] })).toEqual([1, 1, 1, 1])
    const { model } = arranged(runs, { ignored: ['trial'], heeded: ['host'] })
    expect(model.config.ignored.map(({ key }) => key)).toEqual(['trial'])
    expect(model.config.changed.map(({ key }) => key)).toEqual(['host'])
  })

  it('are two columns in Markdown, and lines beside those of the runs in CSV', () => {
    const { model } = arranged(arms({ a: 0.5, b: 0.9 }, 10))
    expect(compareMarkdown(model)).toContain('| metric | direction | a0 +9 seeds (baseline) | b0 +9 seeds |')
    const lines = compareCsv(model)
      .split('\n')
      .slice(1)
      .map((line) => line.split(','))
    expect(lines.filter((line) => line[13] === 'run').length).toBe(20)
    const [a, b] = lines.filter((line) => line[13] === 'group')
    expect(a?.[17]).toBe('')
    expect(b?.slice(13, 15)).toEqual(['group', 'b0 +9 seeds'])
    expect(b?.[17]).toBe('better')
    expect(Number(b?.[15])).toBeLessThan(Number(b?.[3]))
  })
})

describe('the order of columns', () => {
  const runs = [
    made({ name: 'base', settings: { lr: 9 }, metrics: { acc: 0.5, loss: 0.5 }, startedAtMs: 50 }),
    made({ name: 'c', settings: { lr: 10 }, metrics: { acc: 0.9, loss: 0.9 }, startedAtMs: 30 }),
    made({ name: 'a', settings: { lr: 2 }, metrics: { acc: 0.1, loss: 0.1 } }),
    made({ name: 'b', settings: {}, metrics: { other: 1 }, startedAtMs: 10 }),
  ]
  const names = (sort?: string, columns?: string) => {
    const found = columnsFor(arranged(runs).model, { group: 'auto', sort, columns })
    return 'why' in found ? found.why : found.shown.map(({ name }) => name).join(' ')
  }

  it('has the baseline first, the best of a metric next, and what has no value last either way', () => {
    expect(names()).toBe('base c a b')
    expect(names('acc')).toBe('base c a b')
    expect(names('-acc')).toBe('base a c b')
    expect(names('loss')).toBe('base a c b')
    expect(names('lr')).toBe('base a c b')
    expect(names('setting:lr')).toBe('base a c b')
    expect(names('-lr')).toBe('base c a b')
    expect(names('name')).toBe('base a b c')
    expect(names('-name')).toBe('base c b a')
    expect(names('start')).toBe('base b c a')
    expect(names('-start')).toBe('base c b a')
  })

  it('says what it cannot sort by, and what is not shown', () => {
    expect(names('nothing')).toContain('nothing to sort by is called nothing')
    expect(names(undefined, '(')).toBe('--columns is no regular expression: (')
    expect(columnsFor(arranged(runs).model, { group: 'auto', columns: '^[ab]' })).toMatchObject({
      notes: ['1 of 4 columns do not match ^[ab] and are not shown'],
    })
  })
})

describe('the best of many', () => {
  it('are groups where runs form groups, by their means', () => {
    const runs = arms({ a: 0.5, b: 0.9, c: 0.7 }, 5)
    const { model, notes, all } = arranged(runs, { top: 2 })
    expect(tableColumns(model).map(({ name, isBaseline }) => [name, isBaseline])).toEqual([
      ['b0 +4 seeds', true],
      ['c0 +4 seeds', false],
    ])
    expect(all).toBe(15)
    expect(notes[0]).toMatch(/^the best 2 of 3 groups: the best of many are so in part by luck/)
    const held = arranged(runs, { top: 1, baseline: 'a0' })
    expect(tableColumns(held.model).map(({ name, isBaseline }) => [name, isBaseline])).toEqual([
      ['a0 +4 seeds', true],
      ['b0 +4 seeds', false],
    ])
  })

  it('are tested as if all that was looked at had been asked', () => {
    const levels = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`arm${at}-`, 0.5]))
    const all = arranged(arms(levels, 5, 0.05)).model
    const { model } = arranged(arms(levels, 5, 0.05), { top: 2 })
    expect(all.tests).toBe(11)
    expect(model.tests).toBe(11)
    expect(model.judgements.map(({ verdict }) => verdict)).toEqual(['no clear difference'])
    const [judged] = model.judgements
    expect(judged?.p).toBeGreaterThanOrEqual(Math.min(1, 11 * (judged?.comparison.p ?? 0)) - 1e-9)
  })
})

describe('five seeds on each side', () => {
  it('can show a difference, also where they are the same seeds: five pairs alone never could', () => {
    const runs = ['a', 'b'].flatMap((arm, at) =>
      Array.from({ length: 5 }, (_, seed) =>
        made({ name: `${arm}${seed}`, settings: { arm, seed }, metrics: { acc: 0.5 + at / 4 + seed / 1000 } }),
      ),
    )
    const [judged] = arranged(runs).model.judgements
    expect(judged?.comparison.test).toBe('Welch')
    expect(judged?.verdict).toBe('better')
  })
})
