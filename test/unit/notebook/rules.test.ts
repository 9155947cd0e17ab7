import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { diffLines } from '../../../src/notebook/diff.ts'
import { cellFilter, executionsOf, findCell, parseAddress, staleWhy } from '../../../src/notebook/rules.ts'
import type { CellRecord } from '../../../src/run/types.ts'

const day = Date.UTC(2026, 10, 22)
const cell = (
  id: string,
  more: Partial<CellRecord['started']> = {},
  ended: Partial<NonNullable<CellRecord['ended']>> | null = {},
): CellRecord =>
  ({
    startedAtMs: day + 3_600_000,
    started: {
      cellId: id,
      name: 'audit.run',
      title: 'Audit',
      phase: 'audit',
      args: {},
      who: 'ada',
      via: 'key',
      ...more,
    },
    ended: ended === null ? null : { cellId: id, state: 'done', summary: 'ok', proofId: null, ...ended },
  }) as CellRecord

const host = (name: string) => ({ host: { host: name } as NonNullable<CellRecord['started']['host']> })
const cells = [
  cell('01AA', { ...host('gpu-1') }, { state: 'failed', summary: 'disk full' }),
  cell('01AB', { name: 'smoke.run', title: 'Smoke', phase: 'smoke', source: 'smoke.run {"units":2}' }),
  { ...cell('01BB', { ...host('gpu-1') }, { proofId: 'p1' }), startedAtMs: day - 3_600_000 },
  cell('02BB', { args: { hosts: 'x' } }, null),
]

describe('addresses', () => {
  it('name a cell by number, id or the end of one, of this run or another', () => {
    expect(parseAddress('run-1#3')).toEqual({ run: 'run-1', cell: '3' })
    expect(parseAddress('#3')).toEqual({ run: null, cell: '3' })
    expect(parseAddress('01AA')).toEqual({ run: null, cell: '01AA' })
    for (const bad of ['', 'a b', 'run#', '../x#1', 'run#a/b']) expect(parseAddress(bad)).toBeNull()
    expect(findCell(cells, '2')).toBe(1)
    expect(findCell(cells, '01BB')).toBe(2)
    expect(findCell(cells, 'AB')).toBe(1)
    expect(findCell(cells, 'BB')).toMatch(/2 cells end with BB/)
    expect(findCell(cells, '9')).toMatch(/the run has 4/)
    expect(findCell([], '1')).toMatch(/nothing was done/)
  })
})

describe('filters', () => {
  const filtered = (text: string) => {
    const test = cellFilter(text, day + 7_200_000, {
      cells,
      bookmarks: ['01AB'],
      cellNotes: [{ cellId: '02BB', text: 'x', by: 'ada', atMs: 1 }] as never,
    })
    return cells.flatMap((each) => (test(each) ? [each.started.cellId] : []))
  }
  it.each([
    ['', ['01AA', '01AB', '01BB', '02BB']],
    ['failed', ['01AA']],
    ['running', ['02BB']],
    ['today', ['01AA', '01AB', '02BB']],
    ['!today', ['01BB']],
    ['phase:smoke', ['01AB']],
    ['host:gpu-1 done', ['01BB']],
    ['marked', ['01AB']],
    ['noted', ['02BB']],
    ['DISK', ['01AA']],
    ['units', ['01AB']],
    ['nowhere', []],
  ])('%s', (text, ids) => {
    expect(filtered(text)).toEqual(ids)
  })
})

describe('staleness', () => {
  it('is said of what was run again later, and of a cell whose proof no longer holds', () => {
    expect(executionsOf(cells, 0)).toEqual([0, 2])
    expect(staleWhy(cells, 0, new Map())).toBe('run again later as #3')
    expect(staleWhy(cells, 2, new Map())).toBeNull()
    const stale = new Map([['p1', { proofId: 'p1', cause: 'digest' as const, text: 'the plan has changed' }]])
    expect(staleWhy(cells, 2, stale)).toBe('the plan has changed')
    // Other arguments are another cell.
    expect(staleWhy(cells, 3, stale)).toBeNull()
  })
})

describe('a comparison of two outputs', () => {
  it('shows what changed with lines around it', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const after = ['a', 'b', 'c', 'X', 'e', 'f', 'g', 'h']
    expect(diffLines(before, after, 1).map(({ sign, text }) => `${sign}${text}`)).toEqual([
      '@2 equal lines',
      ' c',
      '-d',
      '+X',
      ' e',
      '@3 equal lines',
    ])
    expect(diffLines(before, before)).toEqual([])
  })

  it('turns one into the other, and keeps all of what is equal in order (property)', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 30 })
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = diffLines(before, after, 1000)
        const side = (sign: string) =>
          diff.filter((line) => line.sign === ' ' || line.sign === sign).map(({ text }) => text)
        const isSame = before.length === after.length && before.every((line, i) => line === after[i])
        if (isSame) {
          expect(diff).toEqual([])
          return
        }
        expect(side('-')).toEqual(before)
        expect(side('+')).toEqual(after)
      }),
      { numRuns: 300 },
    )
  })

  it('stays bounded where two have nothing in common', () => {
    const a = Array.from({ length: 30_000 }, (_, i) => `a${i}`)
    const b = Array.from({ length: 30_000 }, (_, i) => `b${i}`)
    expect(diffLines(a, b)).toHaveLength(60_000)
  })
})
