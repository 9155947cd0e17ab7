import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CompareArguments, compareCommand } from '../../../src/commands/compare.ts'
import { readView, savedViews, saveView, viewsFolder } from '../../../src/commands/compare-saved.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import type { CompareModel } from '../../../src/compare/model.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'

let project = ''
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'kx-views-'))
})
afterEach(() => rmSync(project, { recursive: true, force: true }))

const fileOf = (name: string) => join(viewsFolder(project), `${name}.json`)
const compare = async (args: Partial<CompareArguments>) => {
  const env = { projectFolder: project, signal: new AbortController().signal } as CommandEnvironment
  const result = await compareCommand(env, {
    runs: [],
    aggregator: 'last',
    ignore: [],
    lower: [],
    higher: [],
    md: false,
    csv: false,
    failOn: [],
    ...args,
  })
  return { ...result, model: result.data as CompareModel }
}

describe('a view that was kept', () => {
  it('is read as it was written, for its owner alone, without what is of the moment', async () => {
    const words = ['where=lr > 1 and name~"a b"', 'sort=-metric:val/acc', 'pin=run a', 'mark=x', 'picking=yes', 'x=4']
    const path = await saveView(project, 'best-of', { words, filter: 'acc' })
    expect(path).toBe(fileOf('best-of'))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    const kept = { name: 'best-of', words: words.slice(0, 3), filter: 'acc', problem: '' }
    expect(await readView(project, 'best-of')).toEqual(kept)
    expect(await savedViews(project)).toEqual([kept])
  })

  it('takes the place of one that was called so, and none is anywhere but in its folder', async () => {
    await saveView(project, 'a', { words: ['top=1'], filter: '' })
    await saveView(project, 'a', { words: ['top=2'], filter: '' })
    expect((await readView(project, 'a')).words).toEqual(['top=2'])
    await expect(saveView(project, '../a', { words: [], filter: '' })).rejects.toThrow('is no name for a view')
    expect((await readView(project, '../a')).problem).toBe('this is no name for a view')
  })

  it('is told where it is damaged, and never believed, wherever a byte of it changed', async () => {
    await saveView(project, 'a', { words: ['where=lr > 1', 'sort=name'], filter: '' })
    const whole = readFileSync(fileOf('a'))
    const isWhole = async () => (await readView(project, 'a')).problem === ''
    expect(await isWhole()).toBe(true)
    for (let at = 0; at < whole.length - 1; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ 1
      writeFileSync(fileOf('a'), flipped)
      expect(await isWhole(), `byte ${at}`).toBe(false)
      writeFileSync(fileOf('a'), whole.subarray(0, at))
      expect(await isWhole(), `cut at ${at}`).toBe(false)
    }
    expect((await savedViews(project)).map(({ problem, words }) => [words, problem])).toEqual([
      [[], 'it is damaged or was changed by hand: save it anew'],
    ])
  })

  it('says what a script compares, and what is said besides is stronger', async () => {
    const runs = join(project, '.kx/runs')
    mkdirSync(runs, { recursive: true })
    writeTracked(
      runs,
      [0.1, 0.2, 0.3].map((lr, i) => ({ name: `r${i}`, config: { lr }, curves: { acc: [lr] } })),
    )
    const names = async (args: Partial<CompareArguments>) => (await compare(args)).model.runs.map(({ name }) => name)
    expect(await names({ where: 'lr >= 0.2', keep: 'high' })).toEqual(['r1', 'r2'])
    expect(await names({ view: 'high' })).toEqual(['r1', 'r2'])
    expect(await names({ view: 'high', where: 'lr < 0.2' })).toEqual(['r0'])
    expect(await names({ view: 'high', top: 1, by: 'acc', keep: 'highest' })).toEqual(['r2'])
    expect(await names({ view: 'highest' })).toEqual(['r2'])
    expect(await compare({ view: 'none' })).toMatchObject({ exitCode: 2, summary: 'view none: there is no such view' })
    expect((await compare({ keep: 'no/name' })).summary).toContain('--keep no/name')
    mkdirSync(dirname(fileOf('high')), { recursive: true })
    writeFileSync(fileOf('high'), '{"v":1')
    expect((await compare({ view: 'high' })).summary).toContain('it is damaged')
  })
})
