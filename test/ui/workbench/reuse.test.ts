import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { column, type Row, type ScreenModel } from '../../../screens/workbench/model.ts'
import { reuseScreen, saysSame } from '../../../screens/workbench/reuse.ts'

describe('saying the same', () => {
  it('holds for copies, and for no two values that are written differently', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        // -0 and 0 are one number on a screen but not to Object.is; JSON writes both as 0.
        const plain = (v: unknown) => JSON.parse(JSON.stringify(v))
        expect(saysSame(plain(a), plain(a))).toBe(true)
        const sorted = (v: unknown): unknown =>
          Array.isArray(v)
            ? v.map(sorted)
            : typeof v === 'object' && v !== null
              ? Object.entries(v)
                  .sort(([x], [y]) => (x < y ? -1 : 1))
                  .map(([k, w]) => [k, sorted(w)])
              : v
        const tag = (v: unknown): string => JSON.stringify(sorted(v))
        if (tag(plain(a)) !== tag(plain(b))) expect(saysSame(plain(a), plain(b))).toBe(false)
      }),
    )
  })

  it('asks a row with a basis for none of its words', () => {
    const row = (id: string, basis: readonly unknown[]): Row => ({
      id,
      basis,
      get cells(): readonly string[] {
        throw new Error('put into words')
      },
    })
    expect(saysSame(row('a', [1, { state: 'done' }]), row('a', [1, { state: 'done' }]))).toBe(true)
    expect(saysSame(row('a', [1]), row('a', [2]))).toBe(false)
    expect(saysSame(row('a', [1]), row('b', [1]))).toBe(false)
  })

  it('takes two objects of a class for different things', () => {
    expect(saysSame({ log: new Map() }, { log: new Map() })).toBe(false)
  })
})

describe('a screen made again', () => {
  const screen = (a: string, b: string, summary = ''): ScreenModel => ({
    id: 'plan',
    title: 'Plan',
    summary,
    panes: [
      { kind: 'table', id: 'a', title: 'A', columns: [column(0, 'x')], rows: [{ id: '1', cells: [a] }], empty: '' },
      { kind: 'text', id: 'b', title: 'B', lines: [b] },
    ],
  })

  it('keeps the panes that say the same, and itself when all of it does', () => {
    const before = screen('1', '2')
    const next = reuseScreen(before, screen('1', '3'))
    expect(next.panes[0]).toBe(before.panes[0])
    expect(next.panes[1]).toMatchObject({ lines: ['3'] })
    expect(reuseScreen(before, screen('1', '2'))).toBe(before)
    expect(reuseScreen(before, screen('1', '2', 'else')).summary).toBe('else')
    expect(reuseScreen(null, before)).toBe(before)
  })
})
