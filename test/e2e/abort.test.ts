import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { waitUntil } from '../harness/wait.ts'
import {
  ACT_MS,
  boxEnded,
  boxFolders,
  clearPlaces,
  kx,
  kxJson,
  makePlace,
  passGates,
  payloads,
  readJournal,
  runFolderOf,
} from './support.ts'

afterAll(clearPlaces)

describe('kx abort while a launch waits for its first sign of life', () => {
  it('stops it from another kx, and both say so; the run may be launched again', { timeout: 3 * ACT_MS }, async () => {
    const place = makePlace({ groups: 4, epochs: 60 })
    const script = join(place.project, 'train.mjs')
    const hold = join(place.root, 'hold')
    // In the smoke it trains; in the run it is silent while the file is there, and leaves at TERM.
    const waits = `import { existsSync as held } from 'node:fs'
if (process.env.KX_SMOKE !== '1') while (held(${JSON.stringify(hold)})) await new Promise((go) => setTimeout(go, 200))
`
    writeFileSync(script, `${waits}${readFileSync(script, 'utf8')}`)
    writeFileSync(hold, '')
    await passGates(place)
    const launching = kxJson(place, ['launch'])
    await waitUntil(() => boxFolders(place).some((folder) => existsSync(join(folder, 'runner.pid'))), {
      timeoutMs: ACT_MS,
      what: 'a runner',
    })
    expect(await kxJson(place, ['abort', 'wrong data'])).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining('wrong data'),
    })
    expect(await launching).toMatchObject({ exitCode: 1, summary: expect.stringContaining('stopped') })
    expect(await boxEnded(place)).toMatchObject({ reason: 'stopped' })
    const journal = readJournal(runFolderOf(place))
    expect(payloads<{ kind: string }>(journal, 'proof.made').filter((proof) => proof.kind === 'Receipt')).toHaveLength(
      1,
    )
    expect((await kx(place, ['runs'])).stdout).toMatch(/: finished, aborted/)
    rmSync(hold)
    expect(await kxJson(place, ['launch'])).toMatchObject({ exitCode: 0 })
    await waitUntil(async () => (await kxJson(place, ['patrol'])).data.state === 'finished', { timeoutMs: ACT_MS })
  })
})
