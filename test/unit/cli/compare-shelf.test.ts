import { appendFileSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareShelf } from '../../../src/cli/compare-shelf.ts'
import type { ShelfRequest } from '../../../src/cli/shelves.ts'
import { choiceOf } from '../../../src/compare/choice.ts'
import type { CompareView } from '../../../src/compare/types.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'

let folder = ''
let runs = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-compare-shelf-'))
  runs = join(folder, '.kx/runs')
  mkdirSync(runs, { recursive: true })
})
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const shelf of open.splice(0)) await shelf.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A screen that asks as the workbench does, and keeps what it was given. */
function screen(listAgeMs?: number) {
  const shelf = compareShelf(join(folder, 'cache'), listAgeMs)
  open.push(shelf)
  const seen: (CompareView | null)[] = []
  let again = 0
  let view: CompareView | null = null
  return {
    seen,
    looks: () => again,
    async look(options: readonly string[] = [], row: string | null = null) {
      const request = {
        screen: 'compare',
        projectFolder: folder,
        shelves: { compare: view },
        selected: () => row,
        opened: () => options,
        isShown: () => true,
        put: ({ compare }: { compare?: CompareView | null }) => seen.push(compare ?? null),
        again: () => {
          again++
        },
      } as unknown as ShelfRequest
      const change = await shelf.load(request)
      if (change !== null) view = change.compare
      return { change: change?.compare ?? null, view: view as CompareView }
    },
  }
}

const curve = (view: CompareView) => view.rows.find(({ id }) => id === 'metric loss')?.cells

describe('what the compare screen is given', () => {
  it('says first that it reads, then what there is, and nothing where nothing changed', async () => {
    writeTracked(runs, [{ name: 'one', config: { lr: 1 }, curves: { loss: [3, 2] } }])
    const at = screen()
    const { view } = await at.look()
    expect(at.seen.map((each) => each?.state)).toEqual(['reading'])
    expect(view).toMatchObject({ state: 'ready', baseline: 0, verdict: 'One run: nothing to hold it against' })
    expect((await at.look()).change).toBeNull()
    // It has ended: nobody looks at it again by itself.
    expect(at.looks()).toBe(0)
  })

  it('shows a run that came since, and what came to one that had ended', async () => {
    writeTracked(runs, [{ name: 'one', config: { lr: 1 }, curves: { acc: [3, 2] } }])
    const at = screen(-1)
    const { view } = await at.look()
    expect(curve(view)).toBeUndefined()
    expect((await at.look()).change).toBeNull()
    // Its figures come home after its end, as those of a run of kx do.
    writeTracked(runs, [{ name: 'one', config: { lr: 1 }, curves: { acc: [3, 2], loss: [5, 4, 3] } }])
    expect(curve((await at.look()).view)).toEqual(['3'])
    expect((await at.look()).change).toBeNull()
    writeTracked(runs, [{ name: 'two', config: { lr: 2 }, curves: { loss: [9] } }])
    const both = (await at.look()).view
    expect(both.runs).toHaveLength(2)
    expect(curve(both)?.join()).toContain('9')
  })

  it('follows a run that is still written, and reads only what is new of it', async () => {
    const file = join(runs, 'metrics.jsonl')
    writeFileSync(file, '{"step":1,"loss":3}\n{"step":2,"lo')
    const at = screen()
    expect(curve((await at.look()).view)).toEqual(['3'])
    expect(at.looks()).toBe(1)
    appendFileSync(file, 'ss":2}\n{"step":3,"loss":"NaN"}\n')
    expect(curve((await at.look()).view)).toEqual(['2, 1 NaN/inf'])
    // Replaced by a shorter one: what was read of the old one is void.
    writeFileSync(file, '{"step":1,"loss":9}\n')
    expect(curve((await at.look()).view)).toEqual(['9'])
    const old = (Date.now() - 3_600_000) / 1000
    utimesSync(file, old, old)
    await at.look()
    const looks = at.looks()
    await at.look()
    expect(at.looks()).toBe(looks)
  })

  it('holds the runs against the one that was chosen, and draws the metric under the cursor', async () => {
    writeTracked(runs, [
      { name: 'a', config: { lr: 1 }, curves: { loss: [4, 2], acc: [0.1, Number.NaN] } },
      { name: 'b', config: { lr: 2 }, curves: { loss: [4, 1] } },
    ])
    const at = screen()
    await at.look()
    const chosen = await at.look(['baseline=offline-run-20260101_000000-b', 'aggregator=max'], 'metric loss')
    expect(chosen.view).toMatchObject({ baseline: 1, aggregator: 'max', curvesOf: 'loss' })
    expect(chosen.view.curves.map(({ name, values }) => [name, [...values]])).toEqual([
      ['b', [4, 1]],
      ['a', [4, 2]],
    ])
    // A point that is no figure is a gap, not a value.
    expect((await at.look([], 'metric acc')).view.curves).toMatchObject([
      { name: 'a', values: Float64Array.of(0.1, Number.NaN) },
    ])
    const over = await at.look(['axis=tokens'], 'metric loss')
    expect(over.view.notes).toContain('a has no tokens on record for loss')
    expect(over.view.curves).toEqual([])
  })

  it('shows the runs that were asked for or picked, in the order and groups that were chosen', async () => {
    writeTracked(
      runs,
      ['a', 'b'].flatMap((arm, at) =>
        [0, 1, 2].map((seed) => ({
          name: `${arm}${seed}`,
          config: { arm, seed },
          curves: { acc: [0.5 + at / 10 + seed / 100] },
        })),
      ),
    )
    const at = screen()
    const seen = (view: CompareView) => view.shown.map((place) => view.columns[place]?.name)
    const all = (await at.look()).view
    expect(seen(all)).toEqual(['a0 +2 seeds', 'b0 +2 seeds'])
    expect(all.pool).toEqual([])
    const { pool } = (await at.look(['picking=yes'])).view
    expect(pool.map(({ brief }) => brief)[4]).toBe('arm=b seed=1')
    const [, b] = all.columns
    expect(seen((await at.look([`group=${b?.id}`])).view)).toEqual(['a0 +2 seeds', 'b0 +2 seeds', 'b0', 'b1', 'b2'])
    expect(seen((await at.look(['groups=no', 'sort=-metric:acc'])).view)).toEqual(['a0', 'a1', 'a2', 'b0', 'b1', 'b2'])
    expect(seen((await at.look(['groups=no', 'sort=metric:acc'])).view)).toEqual(['a0', 'b2', 'b1', 'b0', 'a2', 'a1'])
    expect(seen((await at.look(['groups=no', 'columns=2$'])).view)).toEqual(['a0', 'a2', 'b2'])
    expect(seen((await at.look(['where=seed > 0 and arm=b'])).view)).toEqual(['b1 +1 seed'])
    const wrong = (await at.look(['where=seed >'])).view
    expect(wrong.runs.length).toBe(6)
    expect(wrong.notes[0]).toBe('Every run is shown: character 7 of the query: a value is missing after >')
    const picked = (await at.look(pool.slice(3, 5).map(({ subject }) => `pick=${subject.path}`))).view
    expect(picked.runs.map(({ name }) => name)).toEqual(['b0', 'b1'])
    expect(picked.scope[0]).toBe('2 of 6 runs in 1 group (p: others)')
    const best = (await at.look(['groups=no', 'top=2 acc'])).view
    expect(seen(best)).toEqual(['b2', 'b1'])
    expect(best.scope[0]).toBe('2 of 6 runs (B: all)')
    // What a row says is made once for a comparison, whichever columns are shown.
    const { rows } = best
    expect((await at.look(['groups=no', 'top=2 acc', 'columns=2$'])).view.rows).toBe(rows)
  })

  it('names what cannot be read, and shows the rest', async () => {
    writeTracked(runs, [{ name: 'good', config: {}, curves: { loss: [1] } }])
    writeFileSync(join(runs, 'metrics.csv'), 'step,loss\n1,2\n"unfinished')
    const at = screen()
    const { view } = await at.look(['path=.kx/runs', 'path=nowhere'])
    expect(view.runs.map(({ name }) => name).sort()).toEqual(['good', 'runs'])
    expect(view.notes).toContain('no run at nowhere')
  })

  it('is empty where there is nothing, and says so', async () => {
    expect((await screen().look()).view).toMatchObject({ state: 'empty', runs: [] })
  })
})

describe('a choice', () => {
  it('is what was chosen last, and the usual where it makes no sense', () => {
    expect(choiceOf(['aggregator=max', 'aggregator=min', 'axis=sideways', 'path=a=b', 'top=x'])).toMatchObject({
      top: null,
      grouping: 'auto',
      baseline: '',
      aggregator: 'min',
      axis: 'step',
      view: 'table',
      smoothing: 'off',
      first: 0,
      parameter: '',
      document: '',
      paths: ['a=b'],
    })
  })
})
