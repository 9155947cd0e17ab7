import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  approve,
  boxEnded,
  boxFolderOf,
  clearPlaces,
  kx,
  kxJson,
  makePlace,
  mustPass,
  type Place,
  passGates,
  payloads,
  readJournal,
  runFolderOf,
} from './support.ts'

afterAll(clearPlaces)

interface Found {
  readonly rule: string
  readonly severity: string
  readonly class: string
  readonly text: string
  readonly evidence: string
  readonly remedy: string
  readonly recipe: string
  readonly unit?: string
}

/** A look whose findings all say what they are, what to do, and by which recipe; also without `--json`. */
async function patrol(
  place: Place,
  exitCode: number,
): Promise<{ state: string; reasons: string[]; findings: Found[] }> {
  const { data, exitCode: code } = await kxJson(place, ['patrol'])
  expect({ code, reasons: data.reasons }).toEqual({ code: exitCode, reasons: data.reasons })
  for (const finding of data.findings as Found[]) {
    expect(finding.class).toMatch(
      /^(probabilistic|capacity|bug|environment|hardware|infrastructure|billing|link|observation|clock|invalid)$/,
    )
    expect(finding.severity).toMatch(/^(info|warn|error)$/)
    for (const words of [finding.text, finding.remedy]) expect(words.length).toBeGreaterThan(10)
    expect(finding.recipe).toMatch(/^[a-z][a-z-]+$/)
  }
  const { stdout } = await kx(place, ['patrol'])
  for (const finding of data.findings as Found[]) expect(stdout).toContain(`${finding.remedy} [${finding.recipe}]`)
  return data
}

const of = (findings: readonly Found[], rule: string, unit?: string) =>
  findings.find((finding) => finding.rule === rule && (unit === undefined || finding.unit === unit))

/** No results of a run that was cut short are called whole. */
async function isNotVerified(place: Place): Promise<void> {
  const { exitCode, summary } = await kxJson(place, ['teardown', 'verify'])
  expect(exitCode).not.toBe(0)
  expect(summary).not.toMatch(/verified (\d+) of \1/)
  expect((await kxJson(place, ['teardown', 'remove', '--name', 'x'])).exitCode).not.toBe(0)
  expect(existsSync(boxFolderOf(place))).toBe(true)
}

// Most of it is waiting, so the four wait together.
describe.concurrent('a unit that goes wrong after its smoke', () => {
  it('NaN in one unit stops the run at the next look, and nothing of it is verified', async () => {
    const place = makePlace({ fault: 'nan:split-00-03', epochs: 200 })
    await passGates(place)
    await mustPass(place, ['launch'])
    expect((await boxEnded(place)).reason).toBe('abort-nan')
    const { state, findings } = await patrol(place, 1)
    expect(state).toBe('finished')
    expect(of(findings, 'unit-nan', 'split-00-03')).toMatchObject({
      severity: 'error',
      class: 'bug',
      recipe: 'inspect-batch',
      remedy: expect.stringMatching(/^Stop the run/),
    })
    expect(of(findings, 'dead')).toBeUndefined()
    expect(of(findings, 'cut-short')).toMatchObject({ class: 'bug', evidence: expect.stringContaining('abort-nan') })
    await isNotVerified(place)
    // Each finding stands in the record once, however often it was looked at.
    const opened = payloads<Found>(readJournal(runFolderOf(place)), 'finding.opened')
    expect(opened.filter((f) => f.rule === 'unit-nan')).toHaveLength(1)
    expect(await kxJson(place, ['walk'])).toMatchObject({
      exitCode: 1,
      data: { next: expect.stringContaining('kx launch goes on') },
    })
  })

  it('a crash keeps its exit code, the others go on, and a relaunch tries again only what failed', async () => {
    const place = makePlace({ fault: 'crash:split-00-03' })
    await passGates(place)
    await mustPass(place, ['launch'])
    await boxEnded(place)
    const { findings } = await patrol(place, 1)
    expect(of(findings, 'unit-failed', 'split-00-03')).toMatchObject({
      severity: 'error',
      text: 'split-00-03 failed with code 1',
    })
    const box = boxFolderOf(place)
    const exitOf = (unit: string) => readFileSync(join(box, 'units', unit, 'exit'), 'utf8')
    expect(exitOf('split-00-03')).toMatch(/^code=1$/m)
    expect(exitOf('split-02-03')).toMatch(/^state=done$/m)
    expect(existsSync(join(box, 'metrics.json'))).toBe(false)
    await isNotVerified(place)
    const before = exitOf('split-02-03')
    const again = await kxJson(place, ['launch'])
    // The unit may have crashed again before the launch has seen a sign of it.
    if (again.exitCode !== 0) expect(again.summary).toMatch(/^Went on, and not seen alive: unit split-00-03 ended/)
    await waitUntil(() => existsSync(join(box, 'exit.json')) && exitOf('split-00-03').includes('attempt=2'), {
      timeoutMs: ACT_MS,
      what: 'the second attempt to end',
    })
    expect(exitOf('split-02-03')).toBe(before)
  })

  it('a unit that hangs is stopped when nothing was written for too long', async () => {
    const place = makePlace({ fault: 'hang:split-00-03', plan: [['idleMinutes: 10', 'idleMinutes: 0.1']] })
    await passGates(place)
    await mustPass(place, ['launch'])
    expect((await boxEnded(place)).reason).toBe('abort-idle')
    const { findings } = await patrol(place, 1)
    expect(of(findings, 'cut-short')).toMatchObject({ class: 'clock', evidence: expect.stringContaining('abort-idle') })
    // The unit was asked to save and did: its checkpoint is there for a relaunch.
    expect(existsSync(join(boxFolderOf(place), 'units', 'split-00-03', 'checkpoints', 'latest.json'))).toBe(true)
  })

  it('below chance that begins after the smoke is met by the rule of the box, and a walk says how to go on', async () => {
    const place = makePlace({ fault: 'below-chance:1+', epochs: 60 })
    await passGates(place)
    await mustPass(place, ['launch'])
    expect(await kxJson(place, ['walk'])).toMatchObject({
      exitCode: 1,
      data: { next: expect.stringMatching(/kx \w+/) },
    })
    expect((await boxEnded(place)).reason).toBe('abort-chance')
    expect(await patrol(place, 1)).toMatchObject({ state: 'finished' })
  })

  it('below chance is stopped by the smoke, and on the box when a person let it through', async () => {
    const place = makePlace({ fault: 'below-chance', epochs: 60 })
    await mustPass(place, ['plan'], ['audit'])
    const smoke = await kxJson(place, ['smoke'])
    expect(smoke).toMatchObject({ exitCode: 1, data: { blocking: ['smoke.above-chance'] } })
    expect((await kxJson(place, ['cost'])).exitCode).toBe(1)
    await mustPass(place, ['override', 'smoke.above-chance', 'the abort rule of the box is to be tried'], ['cost'])
    await approve(place)
    await mustPass(place, ['launch'])
    expect((await boxEnded(place)).reason).toBe('abort-chance')
    const { findings } = await patrol(place, 1)
    expect(of(findings, 'below-chance')).toMatchObject({
      severity: 'error',
      class: 'bug',
      recipe: 'collect-evidence',
      remedy: expect.stringMatching(/^Stop the run/),
    })
    // The waiver stands in the report, with the reason and the name.
    await kx(place, ['report'])
    expect(readFileSync(join(runFolderOf(place), 'report.md'), 'utf8')).toContain(
      'the abort rule of the box is to be tried',
    )
  })
})
