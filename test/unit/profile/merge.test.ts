import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeDeep, mergeLayers, originKey } from '../../../src/profile/merge.ts'

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Layers of one shape, as profiles have it: maps, plain lists, and lists whose entries have a name. */
const leaf = fc.oneof(fc.string({ maxLength: 4 }), fc.integer(), fc.boolean(), fc.constant(null))
const entry = fc.record({ id: fc.constantFrom('a', 'b', 'c', 'd'), x: leaf, y: leaf }, { requiredKeys: ['id'] })
const named = fc.uniqueArray(entry, { selector: (e) => e.id, minLength: 1, maxLength: 4 })
const layer = fc.record(
  {
    title: leaf,
    detach: fc.array(leaf, { maxLength: 3 }),
    launch: fc.record({ path: leaf, steps: fc.array(leaf, { maxLength: 3 }) }, { requiredKeys: [] }),
    storage: fc.record({ tiers: named }),
    dangerClocks: named,
  },
  { requiredKeys: [] },
)

describe('mergeLayers', () => {
  it('leaves a profile as it is when nothing is laid on it, or itself', () => {
    fc.assert(
      fc.property(layer, (a) => {
        expect(plain(mergeDeep(a, {}))).toEqual(plain(a))
        expect(plain(mergeDeep({}, a))).toEqual(plain(a))
        expect(plain(mergeDeep(a, undefined))).toEqual(plain(a))
        expect(plain(mergeDeep(a, a))).toEqual(plain(a))
      }),
    )
  })
  it('gives the same in whichever steps three layers are laid on one another', () => {
    fc.assert(
      fc.property(layer, layer, layer, (a, b, c) => {
        const once = plain(mergeLayers([a, b, c]).value)
        expect(plain(mergeDeep(mergeDeep(a, b), c))).toEqual(once)
        expect(plain(mergeDeep(a, mergeDeep(b, c)))).toEqual(once)
      }),
    )
  })
  it('touches no layer', () => {
    fc.assert(
      fc.property(layer, layer, (a, b) => {
        const before = JSON.stringify([a, b])
        mergeDeep(a, b)
        expect(JSON.stringify([a, b])).toBe(before)
      }),
    )
  })
  it('knows of every value where it was written last', () => {
    fc.assert(
      fc.property(layer, layer, layer, (a, b, c) => {
        const layers: readonly unknown[] = [a, b, c]
        const { value, origins } = mergeLayers(layers)
        const visit = (here: unknown, path: readonly (string | number)[]): void => {
          const origin = origins.get(originKey(path))
          expect(origin).toBeDefined()
          if (origin === undefined) return
          const there = origin.path.reduce<unknown>(
            (v, k) => (v as Record<string | number, unknown>)[k],
            layers[origin.layer],
          )
          if (here === null || typeof here !== 'object') {
            expect(there).toEqual(here)
            // No higher layer says anything of it: in lists entries are found by name, which the shapes above cover.
            for (const higher of layers.slice(origin.layer + 1))
              if (path.length === 1) expect((higher as object)[path[0] as never]).toBeUndefined()
            return
          }
          for (const [key, inner] of Object.entries(here))
            visit(inner, [...path, Array.isArray(here) ? Number(key) : key])
        }
        visit(value, [])
      }),
    )
  })
  it('replaces plain lists whole, and merges entries that have a name', () => {
    const base = {
      detach: ['tmux', 'setsid'],
      gotchas: [
        { id: 'AB1', fix: 'old', cause: 'c' },
        { id: 'AB2', fix: 'two' },
      ],
    }
    const over = {
      detach: ['setsid'],
      gotchas: [
        { id: 'AB3', fix: 'new' },
        { id: 'AB1', fix: 'mine' },
      ],
    }
    expect(plain(mergeDeep(base, over))).toEqual({
      detach: ['setsid'],
      gotchas: [
        { id: 'AB1', fix: 'mine', cause: 'c' },
        { id: 'AB2', fix: 'two' },
        { id: 'AB3', fix: 'new' },
      ],
    })
  })
  it('takes an entry out, empties a list, and keeps a removal of nothing where the schema refuses it', () => {
    const base = { dangerClocks: [{ id: 'a' }, { id: 'b' }] }
    expect(plain(mergeDeep(base, { dangerClocks: [{ id: 'a', removed: true }] }))).toEqual({
      dangerClocks: [{ id: 'b' }],
    })
    expect(plain(mergeDeep(base, { dangerClocks: [] }))).toEqual({ dangerClocks: [] })
    expect(plain(mergeDeep(base, { dangerClocks: [{ id: 'z', removed: true }] }))).toEqual({
      dangerClocks: [{ id: 'a' }, { id: 'b' }, { id: 'z', removed: true }],
    })
  })
  it('goes by the verb where entries have no id, and keeps one that stands twice for the check', () => {
    const base = { billing: { verbs: [{ verb: '关机', how: 'a' }] } }
    expect(
      plain(
        mergeDeep(base, {
          billing: {
            verbs: [
              { verb: '关机', how: 'b' },
              { verb: '关机', how: 'c' },
            ],
          },
        }),
      ),
    ).toEqual({
      billing: {
        verbs: [
          { verb: '关机', how: 'b' },
          { verb: '关机', how: 'c' },
        ],
      },
    })
  })
})
