import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareCommand } from '../../../src/commands/compare.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { digestOf } from '../../../src/compare/digest.ts'
import type { CompareModel } from '../../../src/compare/model.ts'
import { digestAt, reachOf } from '../../../src/compare/place.ts'
import { Columns } from '../../../src/reader/columns.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-place-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const compare = async (more: { axis?: 'step' | 'epoch' | 'tokens'; at?: string } = {}) => {
  const env = {
    projectFolder: folder,
    signal: new AbortController().signal,
    settings: {},
  } as unknown as CommandEnvironment
  const lists = { ignore: [], lower: [], higher: [], failOn: [] }
  const args = { ...lists, runs: [folder], aggregator: 'last' as const, md: false, csv: false, ...more }
  const result = await compareCommand(env, args)
  return { ...result, model: result.data as CompareModel, text: (result.lines ?? []).join('\n') }
}
const valuesOf = ({ metrics }: CompareModel, name: string) =>
  metrics.find((row) => row.name === name)?.cells.map((cell) => cell?.value ?? null)
const falling = (length: number, speed: number) => Array.from({ length }, (_, at) => 100 - at * speed)

describe('all metrics at the same place', () => {
  beforeEach(() =>
    writeTracked(folder, [
      {
        name: 'long',
        config: { lr: 1 },
        curves: { loss: falling(40, 1), epoch: falling(40, 0).map((_, at) => at / 10) },
      },
      { name: 'short', config: { lr: 2 }, curves: { loss: falling(20, 2) } },
    ]),
  )

  it('are those at the furthest step that all reach, or at the one that is named', async () => {
    expect(valuesOf((await compare()).model, 'loss')).toEqual([61, 62])
    const { model, text } = await compare({ axis: 'step' })
    expect(model.place).toMatchObject({ axis: 'step', at: 19, isNamed: false, short: [] })
    expect(valuesOf(model, 'loss')).toEqual([81, 62])
    expect(text).toContain('## Metrics (at step 19)')
    expect(valuesOf((await compare({ at: '7' })).model, 'loss')).toEqual([93, 86])
  })

  it('are not there for a run that ends before, and that is said', async () => {
    const { model, text } = await compare({ at: '30' })
    expect(valuesOf(model, 'loss')).toEqual([70, null])
    expect(text).toContain('short ends at step 19: it has no value there')
    expect(model.judgements.every(({ verdict }) => verdict === 'cannot tell')).toBe(true)
  })

  it('are not there for a run without such an axis', async () => {
    const { model, text } = await compare({ axis: 'epoch', at: '2' })
    expect(valuesOf(model, 'loss')).toEqual([80, null])
    expect(text).toContain('short logged nothing over epoch: it has no value there')
    expect((await compare({ axis: 'tokens' })).summary).toMatch(/none of the runs logged anything over tokens/)
    expect((await compare({ at: 'soon' })).exitCode).toBe(2)
  })
})

describe('the value at a place', () => {
  it('is the last point that was logged there or before, never a guess between two or beyond the last', () => {
    const columns = new Columns()
    const [loss, val] = [columns.metric('loss'), columns.metric('val/loss')]
    for (let step = 0; step <= 100; step += 10) columns.point(loss, step, step, Number.NaN)
    for (const step of [0, 50]) columns.point(val, step, 1000 + step, Number.NaN)
    const at = (place: number) => {
      const { metrics } = digestAt(digestOf(columns), columns, { axis: 'step', at: place })
      return ['loss', 'val/loss'].map((name) => metrics[name]?.curves['']?.last ?? null)
    }
    expect(reachOf(columns, 'step')).toBe(100)
    expect(at(55)).toMatchObject([
      { value: 50, step: 50 },
      { value: 1050, step: 50 },
    ])
    expect(at(100)).toMatchObject([{ value: 100 }, { value: 1050, step: 50 }])
    expect(at(101)).toEqual([null, null])
    expect(at(-1)).toEqual([null, null])
  })
})
