import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Proof } from '../../src/walk/proof.ts'
import { needsSshd, type Sshd, startSshd } from '../harness/sshd.ts'
import { waitUntil } from '../harness/wait.ts'
import { boxPlace } from './box-place.ts'
import {
  ACT_MS,
  answerYes,
  approve,
  clearPlaces,
  kx,
  mustPass,
  type Place,
  payloads,
  readJournal,
  runFolderOf,
  runIds,
} from './support.ts'

const boxes: Sshd[] = []
afterEach(async () => {
  clearPlaces()
  for (const box of boxes.splice(0)) await box.stop()
})

/** The sample project with a plan for `box`, a machine that the user's ssh configuration names. */
async function remotePlace(knows = true): Promise<{ place: Place; box: Sshd }> {
  const box = await startSshd()
  boxes.push(box)
  const { place } = boxPlace(box, { known: knows ? box.knownHostsFile : '/dev/null' })
  return { place, box }
}

describe.skipIf(needsSshd().skip)('a plan for a machine behind SSH', () => {
  it('is walked there from the audit to the teardown', async () => {
    const { place, box } = await remotePlace()
    await kx(place, ['plan'])
    await answerYes(place, ['profile', 'acknowledge', 'lab'])
    await mustPass(place, ['plan'], ['audit'])
    const smoke = await kx(place, ['smoke'])
    expect([smoke.code, smoke.stdout.match(/(✗ fail|\? unknown) \(error\) \S+/g)]).toEqual([0, null])
    // Here first, then there: two proofs, each with the class that it ran on.
    const proofs = payloads<Proof>(readJournal(runFolderOf(place)), 'proof.made')
    const smokes = proofs.filter(({ kind }) => kind === 'SmokeProof')
    expect(smokes.map(({ host, machineClass }) => [host?.host, typeof machineClass])).toEqual([
      ['local', 'string'],
      ['box', 'string'],
    ])
    expect(smokes[1]?.payload).toMatchObject({ localFirst: { proofId: smokes[0]?.id } })
    await mustPass(place, ['cost'])
    // What the smokes left lies here; on the box there is nothing of them.
    expect(readdirSync(join(runFolderOf(place), 'evidence'), { recursive: true }).join('\n')).toMatch(
      /smoke-[^/]+\/units\/split-00-01\/metrics\.jsonl/,
    )
    expect(readdirSync(join(box.home, 'proj')).filter((name) => name.includes('smoke'))).toEqual([])
    await approve(place)
    // Ahead of the launch, which finds it there.
    const pushed = await kx(place, ['push'])
    expect([pushed.code, pushed.stdout]).toEqual([0, expect.stringMatching(/pushed \d+ files? to .*proj/)])
    expect((await kx(place, ['push'])).stdout).toContain('pushed 0 files')
    await mustPass(place, ['launch'])
    await waitUntil(async () => (await kx(place, ['patrol'])).stdout.includes('completed: 6 of 6 units'), {
      timeoutMs: ACT_MS,
      what: 'the run on the box to end',
    })
    // The units ran in the home folder of the session, not in the one of this user.
    expect(readdirSync(join(box.home, 'proj'), { recursive: true }).join('\n')).toMatch(/units\/split-00-01\/result/)
    expect(readdirSync(join(place.state, 'data'))).not.toContain('kx')
    const pulled = await kx(place, ['pull', 'units/split-00-01', '--json'])
    expect([pulled.code, JSON.parse(pulled.stdout)]).toEqual([0, expect.anything()])
    const result = join(runFolderOf(place), 'artifacts', 'units/split-00-01/result.json')
    expect(JSON.parse(readFileSync(result, 'utf8'))).toBeTypeOf('object')
    const verified = await kx(place, ['verify', 'units/split-00-01'])
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/(\d+) of \1 files? as they should be/)])
    writeFileSync(result, readFileSync(result, 'utf8').replace(/\d/, 'x'))
    const damaged = await kx(place, ['verify', 'units/split-00-01'])
    expect([damaged.code, damaged.stdout]).toEqual([
      1,
      expect.stringContaining('result.json: it is not what was pulled'),
    ])
    const walk = await kx(place, ['walk', '--auto'])
    expect([walk.code, walk.stdout]).toEqual([3, expect.stringContaining('every artifact is verified')])
    const metrics = join(runFolderOf(place), 'artifacts', 'metrics.json')
    expect(JSON.parse(readFileSync(metrics, 'utf8'))).toHaveProperty('summary.test_acc.n', 6)
    const [id = ''] = runIds(place)
    const removed = await kx(place, ['teardown', 'remove', '--name', id])
    expect(removed.stdout).toContain('removed')
    expect(readdirSync(join(box.home, 'proj'), { recursive: true }).join('\n')).not.toContain('split-00-01')
  })

  it('is not touched when nobody knows its key: the audit says which key it shows', async () => {
    const { place, box } = await remotePlace(false)
    await kx(place, ['plan'])
    const { code, stdout, stderr } = await kx(place, ['audit'])
    expect(code).not.toBe(0)
    expect(stdout + stderr).toMatch(/SHA256:/)
    expect(readdirSync(box.home)).not.toContain('proj')
  })
})
