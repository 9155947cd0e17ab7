import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { makeShelfLoader } from '../../../src/cli/shelves.ts'
import { openSamples } from '../../../src/patrol/samples.ts'
import type { RunState } from '../../../src/run/types.ts'
import type { Shelves } from '../../../src/session/view.ts'
import { sceneAt } from '../../ui/screens/fixture.ts'

const root = mkdtempSync(join(tmpdir(), 'kx-shelf-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let project = ''
let count = 0
beforeEach(() => {
  project = join(root, `project-${count++}`)
  mkdirSync(project)
})
const unit = 'split-01-05'

/** The run of the fixture, with its receipt of a folder below the project, as of the given hosts. */
async function runOf(hosts: readonly string[]): Promise<{ run: RunState; shelves: Shelves; folder: string }> {
  const { run, shelves } = await sceneAt('running')
  const receipt = run?.latest.Receipt
  if (run === null || receipt === undefined) throw new Error('no receipt')
  const folder = join(project, 'box-folder')
  mkdirSync(join(folder, 'units', unit), { recursive: true })
  // What lies under the same path on this machine is not what lies there.
  writeFileSync(join(folder, 'units', unit, 'log'), 'of this machine\n')
  const receipts = hosts.map((host) => ({
    ...receipt,
    id: `receipt-${host}`,
    host: { ...(receipt.host as NonNullable<typeof receipt.host>), host },
    payload: { ...(receipt.payload as object), handle: { folder } },
  }))
  const observation = run.observation?.payload as { units: readonly { unit: string }[] }
  const host = hosts.at(-1)
  const units = observation.units.map((row) => (row.unit === unit ? { ...row, host } : row))
  return {
    folder,
    shelves: { ...shelves, unitLog: null, series: [] },
    run: {
      ...run,
      proofs: [...run.proofs.filter((proof) => proof.kind !== 'Receipt'), ...receipts],
      latest: { ...run.latest, Receipt: receipts[0] as (typeof receipts)[number] },
      observation: { atMs: run.observation?.atMs ?? 0, payload: { ...observation, units } },
      ...(hosts.length < 2 ? {} : { fleet: { hosts, assignments: [], observations: {}, truths: {} } }),
    },
  }
}

async function load(run: RunState, shelves: Shelves, isLogShown = true) {
  const again: number[] = []
  let seen: Partial<Shelves> = {}
  const rest = await makeShelfLoader()({
    screen: 'patrol',
    selected: (pane) => (pane === 'units' ? unit : null),
    projectFolder: project,
    run,
    plan: { status: 'loading' },
    shelves,
    isShown: (pane) => pane !== 'log' || isLogShown,
    put: (part) => {
      seen = { ...seen, ...part }
    },
    again: (milliseconds) => again.push(milliseconds),
  })
  return { shown: { ...seen, ...rest }, again }
}

describe('the log of a unit on the patrol screen', () => {
  it('is that of this machine for a run of this machine', async () => {
    const { run, shelves } = await runOf(['local'])
    const { shown, again } = await load(run, shelves)
    expect(shown.unitLog?.log?.buffer.line(0)).toBe('of this machine')
    expect(shown.unitLog?.far).toBeUndefined()
    expect(again).toEqual([])
  })

  it('is never the file of this machine for a run of another one, and is asked for again within a second', async () => {
    const { run, shelves } = await runOf(['box'])
    const { shown, again } = await load(run, shelves)
    expect(shown.unitLog).toMatchObject({ unit, log: null, far: { host: 'box', isLinked: false, readAtMs: null } })
    expect(again).toEqual([1000])
    const hidden = await load(run, { ...shelves, unitLog: shown.unitLog ?? null }, false)
    expect([hidden.shown.unitLog, hidden.again]).toEqual([undefined, [1000]])
  })

  it('is of the host of several that the unit is on, and so are its metrics', async () => {
    const { run, shelves } = await runOf(['one', 'two'])
    for (const [host, value] of [
      ['one', 1],
      ['two', 2],
    ] as const) {
      const folder = join(project, '.kx', 'runs', run.runId, 'hosts', host)
      mkdirSync(folder, { recursive: true })
      const samples = openSamples(join(folder, 'samples.db'))
      samples.addMetrics(unit, 'loss', [
        { step: 1, value },
        { step: 2, value },
      ])
      samples.close()
    }
    const { shown } = await load(run, shelves)
    expect(shown.unitLog?.far?.host).toBe('two')
    expect(shown.series).toEqual([{ name: 'loss', x: [1, 2], y: [2, 2] }])
  })

  it('of several hosts of which this machine is one is read here', async () => {
    const { run, shelves } = await runOf(['box', 'local'])
    expect((await load(run, shelves)).shown.unitLog?.log?.buffer.line(0)).toBe('of this machine')
  })
})
