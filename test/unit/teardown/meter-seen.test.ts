import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadProfiles } from '../../../src/profile/load.ts'
import { confirmGapMs, judgeMeter, meaningOf } from '../../../src/teardown/rules.ts'
import type { MachineSight, MeterStatement, SightKind } from '../../../src/walk/meter.ts'
import type { HostIdentity } from '../../../src/walk/proof.ts'

const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
const of = (id: string) => {
  const found = profiles.get(id)
  if (found === undefined) throw new Error(id)
  return found.profile
}

const before: HostIdentity = {
  host: 'box',
  hostname: 'box',
  machineId: 'a'.repeat(32),
  bootId: 'boot-1',
  user: '0',
  hostKey: 'SHA256:one',
}
const sight = (kind: SightKind, atMs: number, identity: HostIdentity | null = null): MachineSight => ({
  atMs,
  kind,
  address: 'box:22',
  hostKey: null,
  identity,
  words: `seen ${kind}`,
})
const done = (atMs: number, verb: string): MeterStatement => ({ atMs, by: 'ada', what: 'done', verb, text: '' })
const judge = (platform: string, sights: readonly MachineSight[], statements: readonly MeterStatement[] = []) =>
  judgeMeter({ profile: of(platform), before, sights, statements })
const apart = confirmGapMs

describe('one look', () => {
  it('proves what it shows and nothing else', () => {
    const shows = (kind: SightKind, identity: HostIdentity | null = null) =>
      meaningOf(sight(kind, 0, identity), before).shows
    expect(shows('answers', before)).toBe('up')
    expect(shows('answers', { ...before, bootId: 'boot-2' })).toBe('up')
    expect(shows('answers', { ...before, machineId: 'b'.repeat(32) })).toBe('changed')
    expect(shows('answers', { ...before, instanceId: 'i-2' })).toBe('up')
    expect(shows('other-machine')).toBe('changed')
    expect(shows('other-key')).toBe('changed')
    expect(shows('no-name')).toBe('changed')
    // Refused is not dead, and no answer is unknown.
    for (const kind of ['refuses', 'unreachable', 'no-entry'] as const)
      expect([kind, shows(kind)]).toEqual([kind, 'silent'])
    expect(meaningOf(sight('answers', 0, before), null).shows).toBe('silent')
  })
})

describe('a meter that kx cannot turn off', () => {
  const verb = of('runpod').meterStopVerb

  it('is up while the machine of the run answers, whatever was said', () => {
    expect(judge('runpod', [sight('answers', 0, before)], [done(0, verb)])).toMatchObject({ standing: 'up' })
  })

  it('stays unconfirmed for everything that proves nothing', () => {
    const long = 10 * apart
    for (const kind of ['refuses', 'unreachable', 'no-entry'] as const)
      expect([kind, judge('runpod', [sight(kind, 1), sight(kind, long)], [done(0, verb)]).standing]).toEqual([
        kind,
        'unconfirmed',
      ])
    expect(judge('runpod', []).standing).toBe('unconfirmed')
    // Nobody said that the verb was carried out.
    expect(judge('runpod', [sight('no-name', 1), sight('no-name', long)]).standing).toBe('unconfirmed')
    // It was said after the looks, or there is but one since.
    expect(judge('runpod', [sight('no-name', 1), sight('no-name', long)], [done(long, verb)]).standing).toBe(
      'unconfirmed',
    )
    expect(judge('runpod', [sight('no-name', 1), sight('no-name', apart)], [done(0, verb)]).standing).toBe(
      'unconfirmed',
    )
    // Looks that do not agree.
    expect(
      judge('runpod', [sight('no-name', 1), sight('refuses', 2), sight('no-name', long)], [done(0, verb)]).standing,
    ).toBe('unconfirmed')
  })

  it('is confirmed by two looks that agree, half a minute apart, after the verb', () => {
    for (const kind of ['no-name', 'other-machine', 'other-key'] as const)
      expect(judge('runpod', [sight(kind, 1), sight(kind, 1 + apart)], [done(0, verb)])).toMatchObject({
        standing: 'confirmed',
        stillBills: expect.stringMatching(/./),
      })
  })

  it('takes a new key for nothing where the same machine may come back, and a verb of unknown effect for nothing at all', () => {
    const autodl = of('autodl')
    expect(autodl.billing.verbs.find((each) => each.verb === autodl.meterStopVerb)?.isReversible).toBe(true)
    const twice = (kind: SightKind) => [sight(kind, 1), sight(kind, 1 + apart)]
    expect(judge('autodl', twice('other-key'), [done(0, autodl.meterStopVerb)]).standing).toBe('unconfirmed')
    expect(judge('autodl', twice('no-name'), [done(0, autodl.meterStopVerb)]).standing).toBe('confirmed')
    expect(judge('generic-ssh', twice('no-name'), [done(0, 'manual')]).standing).toBe('unconfirmed')
  })

  it('can be stated to have ended: said, not seen', () => {
    const statement: MeterStatement = { atMs: 9, by: 'ada', what: 'ended', verb: 'manual', text: 'console shows none' }
    expect(judge('generic-ssh', [sight('refuses', 1)], [statement])).toMatchObject({
      standing: 'stated',
      summary: 'ended, as ada says, not seen: console shows none',
    })
    expect(judge('local', []).standing).toBe('none')
  })
})
