import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localProcessIdentity } from '../../../src/host/local-process.ts'
import type { Host } from '../../../src/host/types.ts'
import type { WritableRun } from '../../../src/run/handle.ts'
import type { JournalKind } from '../../../src/run/types.ts'
import { removalText } from '../../../src/teardown/rules.ts'
import { finishRemoval, permit, remove, verify } from '../../../src/teardown/service.ts'
import type { StoppedPayload } from '../../../src/teardown/types.ts'
import type { CheckedItem } from '../../../src/walk/item.ts'
import type { Proof } from '../../../src/walk/proof.ts'
import { otherMachine, planWith, type Stage, stage } from './support.ts'

let on: Stage
beforeEach(async () => {
  on = await stage()
})
afterEach(() => on.close())

const resultOf = (proof: Proof | undefined, id: string): CheckedItem | undefined =>
  proof?.items.find((item) => item.id === `teardown.${id}`)
const removal = (ctx = on.ctx()) => remove(ctx, { gapMs: 1 })
const allowed = async () => {
  expect((await verify(on.ctx())).exitCode).toBe(0)
  const given = await permit(on.ctx(), { typedName: on.run.id })
  expect(given.summary).toContain('permit for')
  return given
}

describe('verify', () => {
  it('pulls, proves and binds the manifest to plan and machine', async () => {
    const result = await verify(on.ctx())
    expect(result.summary).toContain('verified 6 of 6')
    expect(result.exitCode).toBe(0)
    expect(result.proof?.boundTo).toMatchObject({ plan: 'a'.repeat(64) })
    expect(result.proof?.items.filter((i) => i.result === 'fail').map((i) => i.id)).toEqual(['teardown.facts'])
    expect(readFileSync(join(on.artifacts, 'units/u2/result.json'), 'utf8')).toContain('0.91')
    const text = removalText(on.run.state())
    expect(text?.name).toBe(on.run.id)
    expect(resultOf(result.proof, 'facts')?.evidence.summary).toContain('not declared')
    const untouched = text?.detail.filter((line) => line.startsWith('Untouched: ')) ?? []
    expect(untouched.length).toBeGreaterThan(0)
    expect(untouched.join('\n')).not.toContain('$')
    // The box lies in a folder below the root, which is the tier of the system itself.
    expect(untouched).toContain('Untouched: everything else in tier system (/).')
    expect(text?.detail.join('\n')).toMatch(/Removes .*6 files[\s\S]*Dies:[\s\S]*Survives: 6 pulled files/)
  })
  it('does not ask for a declaration that is there when the file was never written', async () => {
    const plan = planWith({
      artifacts: [
        { glob: 'units/*/result.json', minimumCount: 3, kind: 'json' },
        { glob: 'env_fingerprint.json', kind: 'json' },
      ],
    })
    const result = await verify(on.ctx({ loaded: { ...on.ctx().loaded, plan } }))
    expect(resultOf(result.proof, 'facts')).toMatchObject({
      result: 'fail',
      evidence: { summary: 'env_fingerprint.json is declared and was never written' },
      fix: expect.stringMatching(/^Look which step writes it/),
    })
  })
  it('names logs of a tracker that would go with the box, and how to keep them', async () => {
    const log = 'units/u1/wandb/offline-run-20260101_000000-a/run-a.wandb'
    on.put(log, 'x')
    on.put('units/u1/wandb/run-20260101_000000-b/run-b.wandb', 'sent away as it was written')
    const result = await verify(on.ctx())
    expect(resultOf(result.proof, 'tracker-survives')).toMatchObject({
      result: 'fail',
      evidence: { summary: expect.stringMatching(/^1 log of a tracker lies on the box alone/), detail: [log] },
      fix: "Add units/*/wandb/offline-run-*/*.wandb to the plan's artifacts, then verify again.",
    })
    expect(removalText(on.run.state())?.detail.join('\n')).toContain(
      `no artifact brought home, 1 file, the first ${log}`,
    )
    const artifacts = [
      { glob: 'units/*/result.json', minimumCount: 3, kind: 'json' as const },
      { glob: 'units/*/wandb/offline-run-*/*.wandb', kind: 'other' as const },
    ]
    const plan = planWith({ artifacts })
    const kept = await verify(on.ctx({ loaded: { ...on.ctx().loaded, plan } }))
    expect(resultOf(kept.proof, 'tracker-survives')?.evidence.summary ?? '').not.toContain('alone')
    expect(removalText(on.run.state())?.detail.join('\n')).not.toContain('Lost for good')
  })
  it('wants an outcome first', async () => {
    const fresh = await stage()
    try {
      await fresh.prove({ kind: 'Receipt', phase: 'launch', payload: { handle: { folder: fresh.box } } })
      const result = await verify(fresh.ctx())
      expect(result).toMatchObject({ exitCode: 1 })
      expect(result.summary).toContain('no outcome')
    } finally {
      await fresh.close()
    }
  })
  it('names what is missing, broken and open, and blocks the permit', async () => {
    rmSync(join(on.box, 'units/u3'), { recursive: true })
    on.put('units/u1/result.json', '{"accuracy": 0.9')
    const result = await verify(on.ctx())
    expect(result.exitCode).toBe(1)
    expect(resultOf(result.proof, 'count')).toMatchObject({ result: 'fail' })
    expect(resultOf(result.proof, 'count')?.evidence.detail?.join()).toContain('units/u3/result.json: not there')
    expect(resultOf(result.proof, 'structure')?.evidence.detail?.join()).toContain('units/u1/result.json: broken')
    expect(resultOf(result.proof, 'hash')).toMatchObject({ result: 'pass' })
    const refused = await permit(on.ctx(), { typedName: on.run.id })
    expect(refused.exitCode).toBe(1)
    expect(on.run.state().latest.Permit).toBeUndefined()
  })
  it('lets count and structure be waived in writing, never the hash', async () => {
    rmSync(join(on.box, 'units/u3'), { recursive: true })
    on.put('units/u1/result.json', '{"accuracy": 0.9')
    expect((await verify(on.ctx())).exitCode).toBe(1)
    for (const itemId of ['teardown.count', 'teardown.structure', 'teardown.hash', 'teardown.nothing-newer'])
      await on.run.append('override.given', { itemId, reason: 'unit 3 never ran', by: 'tester', atMs: on.now.ms })
    const waived = await verify(on.ctx())
    expect(waived.exitCode).toBe(0)
    expect(resultOf(waived.proof, 'count')).toMatchObject({ result: 'fail', severity: 'warn' })
    expect((waived.data as { payload: { waived: unknown[] } }).payload.waived).toHaveLength(2)
    // The same artifacts again: the waiver is about them. Other ones: it is not.
    expect((await verify(on.ctx())).exitCode).toBe(0)
    on.put('units/u1/result.json', '{"accuracy": 0.')
    const other = await verify(on.ctx())
    expect(other.exitCode).toBe(1)
    expect((other.data as { payload: { waived: unknown[] } }).payload.waived).toEqual([])
    for (const id of ['count', 'structure'])
      expect(resultOf(other.proof, id)).toMatchObject({
        severity: 'error',
        lapsed: { override: { reason: 'unit 3 never ran' }, why: 'what lies in the artifacts has changed since' },
      })
    on.put('units/u1/result.json', '{"accuracy": 0.9')
    expect((await verify(on.ctx())).exitCode).toBe(0)
    const lying: Host = { ...on.host, read: async (p, o, l) => (await on.host.read(p, o, l))?.map(() => 0x20) ?? null }
    rmSync(on.artifacts, { recursive: true })
    const damaged = await verify(on.ctx({ host: lying }))
    expect(damaged.exitCode).toBe(1)
    expect(resultOf(damaged.proof, 'hash')).toMatchObject({ result: 'fail', severity: 'error' })
    expect((await permit(on.ctx(), { typedName: on.run.id })).exitCode).toBe(1)
  })
  it('calls an empty list an error', async () => {
    rmSync(join(on.box, 'units'), { recursive: true })
    await verify(on.ctx())
    await on.run.append('override.given', { itemId: 'teardown.count', reason: 'nothing', by: 't', atMs: on.now.ms })
    const result = await verify(on.ctx())
    expect(resultOf(result.proof, 'all-ok')).toMatchObject({ result: 'fail' })
    expect(result.exitCode).toBe(1)
  })
  it('reads how the after steps ended', async () => {
    await on.close()
    on = await stage({ plan: { after: [{ name: 'evaluate', command: ['true'] }] } })
    expect(resultOf((await verify(on.ctx())).proof, 'aggregate')).toMatchObject({ result: 'fail' })
    on.put('after/evaluate/exit', '0\n')
    expect(resultOf((await verify(on.ctx())).proof, 'aggregate')).toMatchObject({ result: 'pass' })
  })
})

describe('permit', () => {
  it('needs the name, letter by letter', async () => {
    await verify(on.ctx())
    expect((await permit(on.ctx(), {})).exitCode).toBe(3)
    expect((await permit(on.ctx(), { typedName: 'yes' })).exitCode).toBe(1)
    expect(on.run.state().latest.Permit).toBeUndefined()
    const given = await permit(on.ctx(), { typedName: on.run.id })
    expect(given.proof?.expiresAtMs).toBe(on.now.ms + 15 * 60_000)
    expect(given.proof?.payload).toMatchObject({ verified: 6, of: 6, folder: on.box, approver: 'tester' })
  })
  it('is refused when something is newer, or the manifest was edited', async () => {
    await verify(on.ctx())
    on.put('units/u9/result.json', '{}')
    expect((await permit(on.ctx(), { typedName: on.run.id })).summary).toContain('newer')
    await verify(on.ctx())
    writeFileSync(join(on.artifacts, 'manifest.json'), `${readFileSync(join(on.artifacts, 'manifest.json'), 'utf8')} `)
    expect((await permit(on.ctx(), { typedName: on.run.id })).exitCode).toBe(1)
  })
})

describe('remove', () => {
  it('removes the folder, sees it gone twice and writes the receipt', async () => {
    await on.run.append('meter.opened', {
      meterId: 'm1',
      what: 'box',
      host: 'local',
      usdPerHour: 0,
      leaseUntilMs: null,
    })
    await allowed()
    const result = await removal()
    expect(result.exitCode).toBe(0)
    expect(existsSync(on.box)).toBe(false)
    const stopped = result.proof?.payload as StoppedPayload
    expect(stopped).toMatchObject({ verified: 6, of: 6, hours: 1, usd: 0, verb: 'remove box folder' })
    expect(stopped.seenGoneAtMs).toHaveLength(2)
    const state = on.run.state()
    expect(state.intents.at(-1)).toMatchObject({ act: 'remove', closed: { outcome: 'done' } })
    expect(state.meters[0]?.closedAtMs).not.toBeNull()
    expect(existsSync(join(on.artifacts, 'units/u1/result.json'))).toBe(true)
    expect((await removal()).exitCode).toBe(1)
  })

  const cases: readonly (readonly [string, (s: Stage) => unknown, string])[] = [
    ['after 15 minutes', (s) => (s.now.ms += 15 * 60_000), 'expired'],
    ['when a file changed', (s) => s.put('units/u1/result.json', '{"accuracy": 0.99, "x": 1}'), 'newer'],
    ['when a file appeared', (s) => s.put('units/u4/result.json', '{}'), 'newer'],
    [
      'when a log was written',
      (s) => {
        s.put('units/u1/log', 'still going')
        utimesSync(join(s.box, 'units/u1/log'), s.now.ms, s.now.ms)
      },
      'newer',
    ],
    [
      'when a pulled copy was damaged',
      (s) => writeFileSync(join(s.artifacts, 'units/u1/result.json'), '{}'),
      'no longer',
    ],
    ['when a pulled copy is gone', (s) => rmSync(join(s.artifacts, 'units/u1/result.json')), 'no longer'],
    ['when the manifest is gone', (s) => rmSync(join(s.artifacts, 'manifest.json')), 'manifest'],
  ]
  it.each(cases)('refuses %s', async (_, damage, words) => {
    await allowed()
    damage(on)
    const result = await removal()
    expect(result.exitCode).toBe(1)
    expect(result.summary).toContain(words)
    expect(existsSync(join(on.box, 'units/u2/result.json'))).toBe(true)
    expect(on.run.state().intents).toEqual([])
  })

  it('refuses on another boot or machine, with another plan, and without a permit', async () => {
    expect((await removal()).exitCode).toBe(1)
    await allowed()
    const identity = await on.host.identity()
    const other: Host = { ...on.host, identity: async () => otherMachine(identity) }
    expect((await removal(on.ctx({ host: other }))).exitCode).toBe(1)
    const loaded = on.ctx().loaded
    const edited = { ...loaded, digests: { ...loaded.digests, plan: 'e'.repeat(64) } }
    expect((await removal(on.ctx({ loaded: edited }))).exitCode).toBe(1)
    expect(existsSync(on.box)).toBe(true)
  })

  it('refuses when the machine changes between the checks and the act', async () => {
    await allowed()
    const identity = await on.host.identity()
    let removed = false
    const swapped: Host = {
      ...on.host,
      identity: async () => (on.run.state().intents.length > 0 ? { ...identity, machineId: 'f'.repeat(32) } : identity),
      removeTree: async () => {
        removed = true
      },
    }
    expect((await removal(on.ctx({ host: swapped }))).summary).toContain('another machine')
    expect(removed).toBe(false)
    expect((await removal()).exitCode).toBe(1)
  })

  it('refuses a folder that is not this run’s under the data tier', async () => {
    await on.close()
    on = await stage()
    const elsewhere = join(on.base, 'elsewhere', on.run.id)
    mkdirSync(join(elsewhere, 'units'), { recursive: true })
    symlinkSync(join(on.box, 'units'), join(on.base, 'link'))
    for (const unit of ['u1', 'u2', 'u3'])
      for (const name of ['result.json', 'metrics.jsonl']) {
        mkdirSync(join(elsewhere, 'units', unit), { recursive: true })
        writeFileSync(join(elsewhere, 'units', unit, name), readFileSync(join(on.box, 'units', unit, name)))
      }
    await on.prove({ kind: 'Receipt', phase: 'launch', payload: { handle: { folder: elsewhere } } })
    on.now.ms += 10
    await on.prove({ kind: 'Outcome', phase: 'patrol', payload: { liveness: 'finished', exit: null } })
    await allowed()
    expect((await removal()).summary).toContain('not this run')
    expect(existsSync(elsewhere)).toBe(true)
  })

  it('uses the permit up, also when the removal fails', async () => {
    await allowed()
    const failing: Host = {
      ...on.host,
      removeTree: async () => {
        throw new Error('EBUSY')
      },
    }
    const failed = await removal(on.ctx({ host: failing }))
    expect(failed).toMatchObject({ exitCode: 1 })
    expect(failed.summary).toContain('still there: EBUSY')
    expect((await removal()).summary).toContain('used')
    expect(existsSync(on.box)).toBe(true)
    expect((await permit(on.ctx(), { typedName: on.run.id })).exitCode).toBe(0)
    expect((await removal()).exitCode).toBe(0)
  })

  it('says unknown when nobody can tell whether it is gone, and finds out later', async () => {
    await allowed()
    const blind: Host = {
      ...on.host,
      stat: async (path) => {
        if (path === on.box) throw new Error('link lost')
        return on.host.stat(path)
      },
    }
    expect((await removal(on.ctx({ host: blind }))).exitCode).toBe(4)
    expect(on.run.state().latest.MeterStopped).toBeUndefined()
    expect(on.run.state().intents.at(-1)?.closed).toBeNull()
    expect((await removal()).exitCode).toBe(0)
    expect(on.run.state().intents.at(-1)?.closed?.outcome).toBe('done')
  })

  it('refuses while anything of the run lives in the folder, whoever started it', async () => {
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      const who = await localProcessIdentity(sleeper.pid ?? 0)
      const line = `${who?.pid} ${who?.startTicks} ${who?.bootId}`
      on.put('claimed/000000-u1', '')
      on.put('units/u1/pid', `${line} 1 1000 1\n`)
      await allowed()
      expect(await removal()).toMatchObject({ exitCode: 1, summary: expect.stringContaining('unit u1') })
      rmSync(join(on.box, 'units/u1/pid'))
      // By hand, after the recovery note: no receipt knows this process.
      on.put('runner.pid', `${line} another-token\n`)
      expect(await removal()).toMatchObject({ exitCode: 1, summary: expect.stringContaining('alive') })
      expect(existsSync(on.box)).toBe(true)
    } finally {
      sleeper.kill('SIGKILL')
    }
    rmSync(join(on.box, 'runner.pid'))
    expect((await removal()).exitCode).toBe(0)
  })

  it('does not remove what it cannot look at', async () => {
    await allowed()
    const deaf: Host = {
      ...on.host,
      script: async (source, args, options) => {
        if (source.includes('alive 1')) throw new Error('link lost')
        return on.host.script(source, args, options)
      },
    }
    expect((await removal(on.ctx({ host: deaf }))).exitCode).toBe(4)
    expect(existsSync(on.box)).toBe(true)
  })

  it('leaves no meter open when kx dies at the last moment', async () => {
    const meter = { meterId: 'm1', what: 'box', host: 'local', usdPerHour: 0, leaseUntilMs: null }
    await on.run.append('meter.opened', meter)
    await allowed()
    const run: WritableRun = Object.create(on.run, {
      append: {
        value: (kind: JournalKind, payload: unknown) =>
          kind === 'meter.closed' ? Promise.reject(new Error('killed')) : on.run.append(kind, payload),
      },
      state: { value: () => on.run.state() },
      refresh: { value: () => on.run.refresh() },
      suspect: { value: () => on.run.suspect() },
      id: { value: on.run.id },
      folder: { value: on.run.folder },
    })
    await expect(removal(on.ctx({ run }))).rejects.toThrow('killed')
    expect(await removal()).toMatchObject({ exitCode: 0 })
    expect(on.run.state().meters[0]?.closedAtMs).not.toBeNull()
    expect(on.run.state().proofs.filter((proof) => proof.kind === 'MeterStopped')).toHaveLength(1)
  })

  it('goes on after kx was killed in the middle', async () => {
    await allowed()
    const killed: Host = {
      ...on.host,
      removeTree: async (path, under) => {
        await on.host.removeTree(path, under)
        throw Object.assign(new Error('killed'), { isKill: true })
      },
      stat: () => new Promise(() => {}),
    }
    const controller = new AbortController()
    const never = removal(on.ctx({ host: killed, signal: controller.signal }))
    never.catch(() => {})
    await expect.poll(() => existsSync(on.box)).toBe(false)
    const later = await removal()
    expect(later.exitCode).toBe(0)
    expect(on.run.state().intents.at(-1)?.closed?.outcome).toBe('done')
    controller.abort()
  })

  it('says that it was done, when asked once more', async () => {
    await allowed()
    expect(await finishRemoval(on.ctx(), { gapMs: 1 })).toBeNull()
    expect((await removal()).exitCode).toBe(0)
    const before = on.run.state().sequence
    expect(await finishRemoval(on.ctx(), { gapMs: 1 })).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining('removed before'),
    })
    expect(on.run.state().sequence).toBe(before)
  })

  it('lets exactly one of two go on with the same permit', async () => {
    await allowed()
    let calls = 0
    const counting: Host = {
      ...on.host,
      removeTree: async (path, under) => {
        calls += 1
        await on.host.removeTree(path, under)
      },
    }
    const both = await Promise.all([removal(on.ctx({ host: counting })), removal(on.ctx({ host: counting }))])
    expect(calls).toBe(1)
    expect(both.filter((r) => r.exitCode === 0).length).toBeGreaterThanOrEqual(1)
    expect(on.run.state().intents.filter((i) => i.act === 'remove')).toHaveLength(1)
  })
})
