import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clockKey, firstContactLines, unreadOf } from '../../../src/profile/first-contact.ts'
import { loadProfiles } from '../../../src/profile/load.ts'
import { acknowledgeClocks, unreadClocks } from '../../../src/run/read-clocks.ts'

const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
const of = (id: string) => {
  const found = profiles.get(id)
  if (found === undefined) throw new Error(id)
  return found.profile
}

let env: { HOME: string }
beforeEach(() => {
  env = { HOME: mkdtempSync(join(tmpdir(), 'kx-contact-')) }
})
afterEach(() => rmSync(env.HOME, { recursive: true, force: true }))

describe('first contact', () => {
  it('has every clock unread until a person has read it, then none', () => {
    const autodl = of('autodl')
    expect(unreadClocks(autodl, env).map((c) => c.id)).toEqual(['release', 'arrears'])
    acknowledgeClocks(autodl, autodl.dangerClocks.slice(0, 1), { who: 'ada', atMs: 5 }, env)
    expect(unreadClocks(autodl, env).map((c) => c.id)).toEqual(['arrears'])
    acknowledgeClocks(autodl, autodl.dangerClocks, { who: 'ada', atMs: 6 }, env)
    expect(unreadClocks(autodl, env)).toEqual([])
    // A clock of one platform says nothing of another's with the same name.
    expect(unreadClocks(of('gpushare'), env)).toHaveLength(of('gpushare').dangerClocks.length)
  })
  it('asks again when a clock says something else, and not when only its month was set', () => {
    const autodl = of('autodl')
    const read = autodl.dangerClocks.map((clock) => ({ platform: 'autodl', clockId: clockKey(clock) }))
    expect(unreadOf(autodl, read)).toEqual([])
    const [first, ...rest] = autodl.dangerClocks
    if (first === undefined) throw new Error('no clock')
    const later = { ...autodl, dangerClocks: [{ ...first, verified: '2027-01' }, ...rest] }
    expect(unreadOf(later, read)).toEqual([])
    const shorter = { ...autodl, dangerClocks: [{ ...first, afterHours: 240 }, ...rest] }
    expect(unreadOf(shorter, read).map((c) => c.id)).toEqual([first.id])
  })
  it('shows conveniences, clocks, what goes on billing, the way in and the start script', () => {
    const text = firstContactLines(of('autodl'), of('autodl').dangerClocks).join('\n')
    expect(text).toContain('订阅GPU通知')
    expect(text).toMatch(/! stopped instance after 15 d: it is released/)
    expect(text).toMatch(/关机: still bills a small charge/)
    expect(text).toContain('ssh: direct')
    expect(text).toContain('start script runs again at each start: no')
    expect(text).not.toContain('remove box folder')
    expect(firstContactLines(of('lambda'), []).join('\n')).toContain('OS shutdown: still bills the whole machine')
  })
})
