import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLook } from '../../../src/engine/box/look.ts'
import { statusOf } from '../../../src/engine/box/status.ts'
import type { BoxHandle } from '../../../src/engine/types.ts'
import type { Unit } from '../../../src/spec/schema.ts'

const handle: BoxHandle = {
  token: 't1',
  folder: '/data/r',
  runner: 'runner-000000000000.sh',
  detach: 'setsid',
  label: '',
  process: { pid: 10, startTicks: 20, bootId: 'boot-a' },
}
const units: readonly Unit[] = ['a', 'b', 'c', 'd'].map((id, index) => ({ id, index, seed: index, parameters: {} }))

const live = `now 1000000
boot boot-a
runner 10 20 boot-a t1
alive 1
heartbeat 998000 10
attempt 1
checkpoint {"version":1,"runId":"r","atMs":999000,"completed":["a"]
entry queue 000003-d
entry claimed 000001-b
entry claimed 000002-c
entry done 000000-a
x unit=a
x code=0
x state=done
x attempt=1
x worker=1
x startedAtMs=990000
x endedAtMs=995500
x nan=0
x metric=0.9
x results={"acc":0.9,"nan_count":0}
s 120 995 units/a/log
s 80 999 units/b/log
pid b 1 33 44 boot-a 2 996000 1
nan b 2
metrics b {"step":7,"time":999.5,"loss":"NaN","acc":0.8}
pid c 0 34 45 boot-a 1 996000 1
end
`

describe('status of a box', () => {
  it('says what each unit does, from one look', () => {
    const status = statusOf(parseLook(live), handle, units)
    expect(status).toMatchObject({
      atMs: 1_000_000,
      state: 'running',
      runnerAlive: true,
      bootIdMatches: true,
      heartbeatAgeSeconds: 2,
      checkpoint: { completed: ['a'], atMs: 999_000 },
      newestArtifactMs: 999_000,
    })
    expect(status.units).toMatchObject([
      { unit: 'a', state: 'done', seconds: 5.5, exitCode: 0, metrics: { acc: 0.9 }, logBytes: 120, worker: 1 },
      { unit: 'b', state: 'running', step: 7, metrics: { loss: null, acc: 0.8 }, nanCount: 2, seconds: 4, worker: 2 },
      // Its process is gone and its exit file is being written: the runner lives, so it is not lost.
      { unit: 'c', state: 'running', step: null },
      { unit: 'd', state: 'queued', logBytes: null },
    ])
  })

  it('tells a dead runner from one that ended, was cancelled, or lives under another boot', () => {
    const dead = live.replace('alive 1', 'alive 0')
    expect(statusOf(parseLook(dead), handle, units)).toMatchObject({ state: 'failed', runnerAlive: false, exit: null })
    expect(statusOf(parseLook(dead), handle, units).units[2]?.state).toBe('unknown')
    // Claimed, and no process was ever noted: with the runner gone nobody can say that it runs.
    const noted = dead.replace('pid c 0 34 45 boot-a 1 996000 1\n', '')
    expect(statusOf(parseLook(noted), handle, units).units[2]?.state).toBe('unknown')
    const exit = (code: number, reason: string) =>
      dead.replace(
        'end\n',
        `exit {"code":${code},"reason":"${reason}","endedAtMs":5,"units":{"done":1,"failed":0,"aborted":3}}\nend\n`,
      )
    expect(statusOf(parseLook(exit(0, 'completed')), handle, units)).toMatchObject({
      state: 'done',
      exit: { done: 1, aborted: 3 },
    })
    expect(statusOf(parseLook(exit(14, 'stopped')), handle, units).state).toBe('cancelled')
    expect(statusOf(parseLook(exit(10, 'abort-nan')), handle, units).state).toBe('failed')
    const rebooted = dead.replace('boot boot-a', 'boot boot-b')
    expect(statusOf(parseLook(rebooted), handle, units)).toMatchObject({ bootIdMatches: false, runnerAlive: false })
    // The process is there, and it is not ours.
    expect(statusOf(parseLook(live.replace('boot-a t1', 'boot-a t2')), handle, units).state).toBe('unknown')
  })

  it('knows no duration where the clock was set back meanwhile', () => {
    const back = live.replace('endedAtMs=995500', 'endedAtMs=900000')
    expect(statusOf(parseLook(back), handle, units).units[0]).toMatchObject({ state: 'done', seconds: null })
  })

  it('is unknown, and never gone or done, when the answer is cut off or the folder is not there', () => {
    const lines = live.split('\n')
    for (let i = 0; i < lines.length - 2; i++) {
      const cut = statusOf(parseLook(lines.slice(0, i).join('\n')), handle, units)
      expect(['unknown', 'running', 'starting']).toContain(cut.state)
      if (!cut.raw.includes('alive 1')) expect(cut.state).toBe('unknown')
    }
    const missing = statusOf(parseLook('missing\n'), handle, units)
    expect(missing.state).toBe('unknown')
    expect(missing.units.every((unit) => unit.state === 'unknown')).toBe(true)
  })

  it('takes any bytes without an error, and claims nothing from them', () => {
    const words = fc.constantFrom(
      'now',
      'boot',
      'runner',
      'alive',
      'entry',
      'x',
      's',
      'pid',
      'metrics',
      'nan',
      'exit',
      'checkpoint',
      'end',
      'missing',
      'unit=a',
      'state=done',
      '{"a":1',
      '__proto__',
      '-1',
      '9e99',
      'units/a/log',
      'claimed',
      '000001-b',
      '\u0000',
      ' ',
    )
    const line = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 6 }).map((w) => w.join(' ')),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), (given) => {
        const status = statusOf(parseLook(given.join('\n')), handle, units)
        expect(status.units).toHaveLength(4)
        for (const unit of status.units) {
          expect(unit.nanCount).toBeGreaterThanOrEqual(0)
          expect(Object.getPrototypeOf(unit.metrics)).toBe(Object.prototype)
        }
      }),
      { numRuns: 300 },
    )
  })
})
