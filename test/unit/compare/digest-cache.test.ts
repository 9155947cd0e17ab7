import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DigestCache } from '../../../src/compare/digest-cache.ts'
import { loadRuns } from '../../../src/compare/run.ts'
import { scan } from '../../../src/reader/scan.ts'
import { localFolder } from '../../../src/reader/source.ts'
import { writeTracked } from '../../harness/tracked-runs.ts'

let folder = ''
let cached = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-digest-'))
  cached = join(folder, 'cache')
  mkdirSync(join(folder, 'runs'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const anHourAgo = () => (Date.now() - 3_600_000) / 1000
/** Times of everything below go back: what was written just now is not kept. */
function settle(path = join(folder, 'runs')): void {
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    utimesSync(join(entry.parentPath, entry.name), anHourAgo(), anHourAgo())
  }
}
/** Reads the runs, and says how many of them were opened for it. */
async function load() {
  const { runs } = await scan(localFolder(join(folder, 'runs')))
  let opened = 0
  const watched = runs.map((run) => ({
    ...run,
    open: () => {
      opened++
      return run.open()
    },
  }))
  const loaded = await loadRuns(watched, () => {}, undefined, {}, undefined, new DigestCache(cached))
  return { opened, loaded }
}
const write = (name: string, loss: readonly number[]) =>
  writeTracked(join(folder, 'runs'), [{ name, config: { lr: Number.NaN, deep: { a: [1] } }, curves: { loss } }])

describe('digests of runs that were read before', () => {
  it('say what reading says, and no run is opened for them', async () => {
    write('a', [3, Number.NaN, 2])
    write('b', [1])
    settle()
    const first = await load()
    const second = await load()
    expect([first.opened, second.opened]).toEqual([2, 0])
    expect(second.loaded).toEqual(first.loaded)
    expect(second.loaded[0]?.digest.metrics.loss?.curves['']?.last).toMatchObject({ value: 2, nonFinite: 1 })
  })

  it('are given up when a file has grown, was replaced, or came', async () => {
    write('a', [3])
    settle()
    await load()
    const run = join(folder, 'runs/offline-run-20260101_000000-a')
    appendFileSync(join(run, 'run-a.wandb'), Buffer.alloc(40))
    settle()
    expect((await load()).opened).toBe(1)
    mkdirSync(join(run, 'files'))
    writeFileSync(join(run, 'files/config.yaml'), 'more:\n  value: 1\n')
    const { opened, loaded } = await load()
    expect(opened).toBe(1)
    expect(loaded[0]?.digest.settings.map(({ path }) => path.join('.'))).toContain('more')
  })

  it('are not made of a run that was written to a moment ago, or whose end is not whole', async () => {
    write('a', [3])
    await load()
    expect((await load()).opened).toBe(1)
    settle()
    const log = join(folder, 'runs/offline-run-20260101_000000-a/run-a.wandb')
    writeFileSync(log, readFileSync(log).subarray(0, -3))
    settle()
    await load()
    expect((await load()).opened).toBe(1)
  })

  it('that are damaged, of another run, or of another kx are as good as none', async () => {
    write('a', [3])
    settle()
    await load()
    const [name = ''] = readdirSync(cached)
    const file = join(cached, name)
    const whole = readFileSync(file)
    for (const damage of [
      whole.subarray(0, 20),
      Buffer.alloc(0),
      Buffer.from('no'),
      Buffer.concat([whole.subarray(0, 30), whole.subarray(60)]),
    ]) {
      writeFileSync(file, damage)
      const { loaded } = await load()
      expect(loaded[0]?.digest.metrics.loss?.curves['']?.last?.value).toBe(3)
    }
    expect((await load()).opened).toBe(0)
  })
})
