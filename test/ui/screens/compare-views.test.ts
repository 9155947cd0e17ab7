import { describe, expect, it } from 'vitest'
import { compareModel } from '../../../screens/compare/model.ts'
import type { ScreenInput } from '../../../screens/workbench/input.ts'
import { type PaneModel, textOf } from '../../../screens/workbench/model.ts'
import { filtered } from '../../../screens/workbench/pane-rows.ts'
import { paneLines } from '../../../screens/workbench/plain.ts'
import { reuseScreen } from '../../../screens/workbench/reuse.ts'
import type { CompareView } from '../../../src/compare/types.ts'
import type { CompareScene } from '../../../src/compare/views/types.ts'
import { asciiGlyphs } from '../../../src/ui/glyphs.ts'
import { textWidth } from '../../../src/ui/index.ts'
import { curve, viewWith } from './compared.ts'

const runs = ['base', 'other', 'third'].map((name) => ({ name, path: `runs/${name}`, format: 'jsonl' }))
const input = (scene: CompareScene, options: readonly string[] = [], isUnicode = true) =>
  ({
    shelves: { compare: viewWith([], { runs, scene, view: scene.kind as CompareView['view'] }) },
    options: [`view=${scene.kind}`, ...options],
    selected: () => null,
    isUnicode,
  }) as unknown as ScreenInput
function paneOf(...given: Parameters<typeof input>): PaneModel {
  const [pane] = compareModel(input(...given)).panes
  if (pane?.id !== 'view') throw new Error('the view comes first')
  return pane
}
const drawn = (pane: PaneModel, width: number, height: number) =>
  pane.kind === 'picture' ? pane.draw(width, height).map(textOf) : []

const scatter: CompareScene = {
  kind: 'scatter',
  metric: 'acc',
  goal: 'higher',
  parameters: ['lr', 'depth'],
  parameter: { key: 'lr', categories: null, isLog: true, places: [0.001, 0.1, 1, null] },
  points: [
    { run: 0, x: 0.001, y: 0.5 },
    { run: 1, x: 0.1, y: 0.6 },
    { run: 2, x: 0.1, y: 0.6 },
  ],
  missing: 1,
  rho: 0.8,
  words: ["Spearman's rho 0.80, n 3 (too few for a p)"],
}
const strips: CompareScene = {
  kind: 'strips',
  metric: 'acc',
  goal: 'higher',
  groups: [
    {
      name: 'base and 2 more seeds',
      values: [0.1, 0.2, 0.3],
      mean: 0.2,
      interval: { low: 0.1, high: 0.3 },
      isBaseline: true,
    },
    { name: 'other', values: [0.9], mean: 0.9, interval: null, isBaseline: false },
  ],
}
const parallel: CompareScene = {
  kind: 'parallel',
  metric: 'acc',
  goal: 'higher',
  axes: ['lr', 'depth', 'acc'].map((name) => ({ name, low: '0', high: '9', isLog: name === 'lr' })),
  runs: [
    { name: 'other', path: 'runs/other', shares: [0, 1, 1], texts: ['0', '9', '9'], rank: 1 },
    { name: 'base', path: 'runs/base', shares: [1, null, 0], texts: ['9', 'not recorded', '0'], rank: 2 },
  ],
  leftOut: ['seed'],
}
const row = (unit: string, a: number | null, b: number | null, word: 'better' | 'worse' | '') => ({
  unit,
  a,
  b,
  delta: a === null || b === null ? null : b - a,
  word,
})
const splits: CompareScene = {
  kind: 'splits',
  a: 'base',
  b: 'other',
  why: '',
  tables: [
    {
      metric: 'acc',
      goal: 'higher',
      rows: [row('fold-0', 1, 2, 'better'), row('fold-1', 3, 2, 'worse'), row('fold-2', 3, null, '')],
      pairs: 2,
      up: 1,
      down: 1,
      equal: 0,
      delta: 0,
      interval: { low: -1, high: 1.5 },
      how: 'by t',
    },
  ],
}

describe('views of the compared runs', () => {
  it('fit every size, in braille and in letters', () => {
    for (const scene of [scatter, strips, parallel])
      for (const isUnicode of [true, false])
        for (const [width, height] of [
          [78, 17],
          [110, 53],
          [70, 10],
        ] as const) {
          const rows = drawn(paneOf(scene, [], isUnicode), width, height)
          expect(rows.length).toBeGreaterThan(4)
          for (const line of rows) expect(textWidth(line), `${scene.kind} ${width}: ${line}`).toBeLessThanOrEqual(width)
          if (!isUnicode) expect(rows.join('')).toMatch(/^[ -~…]*$/)
        }
  })

  it('put a point a run where it belongs, count those that meet, and mark the baseline', () => {
    const rows = drawn(paneOf(scatter), 60, 16)
    expect(rows[0]).toMatch(/^ +0\.6 +2/)
    expect(rows[0]?.indexOf('2')).toBe(rows[0]?.length === 0 ? -1 : Math.round(9 + (2 / 3) * 50))
    expect(rows.find((line) => line.includes('0.5 @'))).toBeDefined()
    expect(rows.join(' ')).toContain('1 run has not both on record.')
    expect(paneOf(scatter).title).toBe('acc against lr')
    expect(paneLines(paneOf(scatter), 100, asciiGlyphs)).toContain('base (baseline): lr 0.001, acc 0.5')
  })

  it('draw a strip a group with its mean and interval', () => {
    const rows = drawn(paneOf(strips), 60, 16)
    expect(rows[0]).toMatch(/^base and 2 more seeds \(baseline\) +n 3, mean 0\.2, 0\.1 to 0\.3$/)
    expect(rows[1]).toMatch(/^\[.*M.*\]/)
    expect(rows[3]?.trimEnd().length).toBe(60)
    expect(paneLines(paneOf(strips), 200, asciiGlyphs)[1]).toBe(
      'other: n 1, mean 0.9, too few for an interval; values 0.9',
    )
  })

  it('let the chosen run stand out by its shape, and leave a gap where nothing is recorded', () => {
    const letters = drawn(paneOf(parallel, ['run=runs/base'], false), 60, 16)
    expect(letters.join('\n')).toContain('#')
    expect(letters.join(' ')).toContain('base: rank 2 of 2, lr 9, depth not recorded, acc 0')
    // Of the base nothing is joined: its two points stand alone.
    expect(letters.slice(2, -4).join('').match(/#/g)?.length).toBe(2)
    expect(letters.join(' ')).toContain('1 runs have gaps; without room: seed')
    const other = drawn(paneOf(parallel, [], false), 60, 16)
    expect(other.slice(2, -4).join('').match(/#/g)?.length).toBeGreaterThan(50)
    expect(paneLines(paneOf(parallel), 200, asciiGlyphs)[0]).toBe('other: rank 1 of 2, lr 0, depth 9, acc 9')
  })

  it('show units in pairs, with arrows that have words, and who stands alone', () => {
    for (const isUnicode of [true, false]) {
      const lines = paneLines(paneOf(splits, [], isUnicode), 100, asciiGlyphs)
      const text = lines.join('\n')
      expect(text).toMatch(isUnicode ? /fold-0 +1 +2 +\+1 +↑ better/ : /fold-0 +1 +2 +\+1 +\^ better/)
      expect(text).toMatch(/fold-1 +3 +2 +-1 +. worse/)
      expect(text).toMatch(/fold-2 +3 +- +- +only A has it/)
      // In a narrow terminal no cell is cut that says something.
      expect(paneLines(paneOf(splits, [], isUnicode), 76, asciiGlyphs).join('\n')).toMatch(
        /2 pairs: 1 up, 1 down +0 +-1 to 1\.5/,
      )
      expect(text).toMatch(/2 pairs: 1 more, 1 less; mean difference 0, -1 to \+1\.5/)
    }
  })

  it('mark words of a text by more than colour, and the change that a person went to', () => {
    const text: CompareScene = {
      kind: 'text',
      a: 'base',
      b: 'other',
      documents: ['settings', 'output.log'],
      document: 'settings',
      lines: [
        { kind: 'cut', a: null, b: null, pieces: [{ kind: 'same', text: '12 equal lines' }] },
        {
          kind: 'changed',
          a: 13,
          b: 13,
          pieces: [
            { kind: 'same', text: 'lr = ' },
            { kind: 'removed', text: '1' },
            { kind: 'added', text: '2' },
          ],
        },
        { kind: 'added', a: null, b: 14, pieces: [{ kind: 'added', text: 'new' }] },
      ],
      changes: [1],
      added: 2,
      removed: 1,
      notes: ['base has no code or patch on record'],
    }
    expect(paneLines(paneOf(text, ['change=0'], false), 100, asciiGlyphs)).toEqual([
      'A base   B other   1 change: 1 line of A gone, 2 come',
      'text 1 of 2; also: output.log',
      'base has no code or patch on record',
      '          ... 12 equal lines ...',
      '  13   13 ~>lr = [-1-]{+2+}',
      '       14 + new',
    ])
  })

  it('draw small charts with one cursor, on pages, and only those that a filter lets through', () => {
    const chart = (metric: string, values: readonly number[]) => ({
      metric,
      curves: [curve('base', values), curve('other', [])],
    })
    const names = ['acc', 'loss', 'lr', 'norm', 'time']
    const scene: CompareScene = {
      kind: 'multiples',
      names: ['base', 'other'],
      charts: names.map((name, at) => chart(name, [at, Number.NaN, at + 1])),
    }
    const pane = paneOf(scene, ['x=0'], false)
    const rows = drawn(pane, 78, 15)
    for (const line of rows) expect(textWidth(line)).toBeLessThanOrEqual(78)
    expect(rows[0]).toMatch(/^acc A 0 @0 +loss A 1 @0 *$/)
    // What is not finite is marked below each, and the cursor stands in each.
    expect(rows.filter((line) => /A/.test(line) && /^ +A +A/.test(line)).length).toBe(2)
    expect(rows[1]?.match(/\|/g)?.length).toBe(2)
    expect(rows.at(-1)).toBe('page 1 of 2, up and down turn; A base  B other')
    expect(drawn(paneOf(scene, ['page=1'], false), 78, 15)[0]).toMatch(/^time A 5 @2/)
    const filteredTo = filtered(pane, 'l')
    expect(filteredTo.note).toBe('2 charts over step')
    expect(drawn(filteredTo, 78, 15)[0]).toMatch(/^loss A 1 @0 +lr A 2 @0/)
    expect(drawn(filtered(pane, 'nothing'), 78, 15)).toEqual(['nothing matches nothing'])
    expect(paneLines(pane, 100, asciiGlyphs).slice(0, 3)).toEqual([
      'acc:',
      '  A base: at the cursor 0 at 0',
      '  B other: not recorded',
    ])
  })

  it('are not drawn again while nothing that they show has changed', () => {
    const first = compareModel(input(parallel))
    expect(reuseScreen(first, compareModel(input(parallel))).panes[0]).toBe(first.panes[0])
    const chosen = compareModel(input(parallel, ['run=runs/base']))
    expect(reuseScreen(first, chosen).panes[0]).not.toBe(first.panes[0])
  })
})
