import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { contradictions } from '../../../src/profile/contradictions/all.ts'
import { mergeDeep } from '../../../src/profile/merge.ts'
import { guardActText, parkOnBox } from '../../../src/profile/park-on-box.ts'
import { type Profile, profileSchema } from '../../../src/profile/schema.ts'

const folder = join(import.meta.dirname, '../../../profiles')
const raw = (name: string): unknown => parse(readFileSync(join(folder, `${name}.yaml`), 'utf8'))
const names = readdirSync(folder).map((file) => file.replace('.yaml', ''))
const profileOf = (name: string, over: unknown = {}): Profile => {
  const own = raw(name) as { extends?: string }
  const base = own.extends === undefined ? own : mergeDeep(raw(own.extends), own)
  return profileSchema.parse(mergeDeep(base, over))
}
const verbOver = (verb: string, more: object) => ({ billing: { verbs: [{ verb, ...more }] } })

describe('what a guard may do on the machine itself', () => {
  it('is said by every verb of every shipped profile', () => {
    expect(names).toHaveLength(18)
    for (const name of names) {
      const verbs = ((raw(name) as { billing?: { verbs?: Record<string, unknown>[] } }).billing?.verbs ?? []).filter(
        (verb) => verb.removed !== true,
      )
      for (const verb of verbs) expect(verb, `${name} ${verb.verb}`).toHaveProperty('onBox')
      expect(contradictions(profileOf(name)).filter((found) => found.rule === 'on-box')).toEqual([])
    }
  })

  it('is never anything that cannot be undone, that bills on, or that nobody has confirmed', () => {
    const armed = names.filter((name) => parkOnBox(profileOf(name)).kind === 'command')
    expect(armed).toEqual(['autodl'])
    for (const name of armed) {
      const profile = profileOf(name)
      const verb = profile.billing.verbs.find((each) => each.verb === profile.park.verb)
      expect(verb).toMatchObject({ isReversible: true, ends: 'compute' })
    }
    const ec2 = parkOnBox(profileOf('aws-ec2'))
    expect(ec2).toMatchObject({ kind: 'none', why: expect.stringContaining('InstanceInitiatedShutdownBehavior') })
  })

  it('is what a person confirms in a profile of their own', () => {
    const mine = profileOf('aws-ec2', verbOver('stop', { onBox: { isConfirmed: true } }))
    expect(parkOnBox(mine)).toMatchObject({
      kind: 'command',
      verb: 'stop',
      command: ['sudo', '-n', 'shutdown', '-h', 'now'],
    })
    expect(guardActText(mine)).toContain('EBS volumes')
  })

  it.each([
    ['irreversible', verbOver('关机', { isReversible: false })],
    ['no end of the meter', verbOver('关机', { ends: 'nothing' })],
    ['the data tier lost', verbOver('关机', { loses: ['autodl-tmp'] })],
    ['a tier of which nothing is known', { storage: { tiers: [{ id: 'autodl-tmp', survives: { stop: 'unknown' } }] } }],
    ['left to a person', { park: { isAutomatic: false } }],
    ['no verb to park by', { park: { verb: null } }],
    ['not from there', verbOver('关机', { onBox: 'never' })],
    ['not known from there', verbOver('关机', { onBox: 'unknown' })],
    ['not confirmed', verbOver('关机', { onBox: { isConfirmed: false } })],
  ])('is nothing with %s', (_what, over) => {
    expect(parkOnBox(profileOf('autodl')).kind).toBe('command')
    const found = parkOnBox(profileOf('autodl', over))
    expect(found).toMatchObject({ kind: 'none', why: expect.stringMatching(/.{10}/) })
  })

  it('a command of a verb that destroys, or that bills on, is a contradiction', () => {
    const onBox = { command: ['x'], isConfirmed: true, verified: '2026-11' }
    const rules = (name: string, verb: string) =>
      contradictions(profileOf(name, verbOver(verb, { onBox }))).filter((found) => found.rule === 'on-box').length
    expect(rules('aws-ec2', 'terminate')).toBe(1)
    expect(rules('lambda', 'OS shutdown')).toBe(1)
    expect(rules('aws-ec2', 'remove box folder')).toBe(2)
    expect(rules('aws-ec2', 'stop')).toBe(0)
  })
})
