import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { priceText, profileLines } from '../../../src/profile/lines.ts'
import { loadProfiles } from '../../../src/profile/load.ts'
import { mergeDeep } from '../../../src/profile/merge.ts'
import type { Profile } from '../../../src/profile/schema.ts'
import { monthsSince, staleFacts, staleFromMs } from '../../../src/profile/staleness.ts'
import { hasNoMeter, isKeptAfter, resolveTierPath, tierFor } from '../../../src/profile/tiers.ts'
import { dottedKey } from '../../../src/text/problem.ts'

const builtIn = resolve(import.meta.dirname, '../../../profiles')
const nowMs = Date.UTC(2026, 10, 22)

async function local(): Promise<Profile> {
  const { profiles, problems } = await loadProfiles({ builtIn, user: null })
  expect(problems).toEqual([])
  const found = profiles.get('local')
  if (found === undefined) throw new Error('no local profile')
  return found.profile
}

describe('the local profile', () => {
  it('has no meter, no clocks and nothing to park', async () => {
    const profile = await local()
    expect(hasNoMeter(profile)).toBe(true)
    expect(profile.dangerClocks).toEqual([])
    expect(profile.park).toMatchObject({ verb: null, isAutomatic: false })
    expect(profile.detach).toEqual(['systemd', 'tmux', 'setsid'])
    expect(profile.gotchas.map((g) => g.id)).toEqual(['LOC1', 'LOC2', 'LOC3', 'LOC4', 'LOC5', 'LOC6'])
    expect(priceText(profile)).toBe('no charge by the hour')
  })
  it('keeps results where removing a box folder does not reach, and treats unknown as lost', async () => {
    const profile = await local()
    const boxes = tierFor(profile, 'data')
    const durable = tierFor(profile, 'durable')
    expect(boxes && isKeptAfter(boxes, 'destroy')).toBe(false)
    expect(durable && isKeptAfter(durable, 'destroy')).toBe(true)
  })
  it('is shown in the eight sections, in order', async () => {
    const lines = profileLines(await local(), nowMs)
    const heads = lines.filter((l) => /^\d /.test(l)).map((l) => Number(l[0]))
    expect(heads).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(lines.some((l) => l.includes('stops: nothing'))).toBe(true)
    expect(lines).not.toContain('Stale')
  })
  it('is stale after six months, and says which facts', async () => {
    const profile = await local()
    expect(staleFacts(profile, nowMs)).toEqual([])
    const stale = staleFacts(profile, Date.UTC(2027, 5, 1))
    expect(stale.map((s) => dottedKey(s.path))).toEqual(['', 'billing', 'billing.verbs[0]', 'billing.verbs[1]'])
    expect(profileLines(profile, Date.UTC(2027, 5, 1))).toContain('Stale')
    expect(monthsSince('2026-11', Date.UTC(2027, 4, 31))).toBe(6)
    expect(new Date(staleFromMs('2026-11')).toISOString()).toBe('2027-05-01T00:00:00.000Z')
    expect(staleFacts(profile, staleFromMs('2026-11') - 1)).toEqual([])
    expect(staleFacts(profile, staleFromMs('2026-11'))).toHaveLength(4)
  })
})

describe('resolveTierPath', () => {
  it.each([
    ['$XDG_DATA_HOME/kx/boxes', { HOME: '/home/a' }, '/home/a/.local/share/kx/boxes'],
    ['$XDG_DATA_HOME/kx/boxes', { HOME: '/home/a', XDG_DATA_HOME: '/d/' }, '/d/kx/boxes'],
    ['$XDG_DATA_HOME/kx', { HOME: '/home/a', XDG_DATA_HOME: 'relative' }, '/home/a/.local/share/kx'],
    ['$HOME', { HOME: '/root' }, '/root'],
    ['$HOME/x', { HOME: '/' }, '/x'],
    ['/workspace/', {}, '/workspace'],
    ['/', {}, '/'],
    ['$NOWHERE/x', { HOME: '/home/a' }, null],
    ['$HOME/x', {}, null],
    ['relative', {}, null],
    ['/a/$B', { B: '/b' }, null],
  ])('%s in %o is %s', (path, env, expected) => {
    expect(resolveTierPath({ path }, env)).toBe(expected)
  })
})

describe('loadProfiles', () => {
  let user: string
  beforeEach(async () => {
    user = await mkdtemp(join(tmpdir(), 'kx-profile-'))
  })
  const put = (name: string, text: string) => writeFile(join(user, name), text)

  it('extends another profile, map by map, and replaces lists whole', async () => {
    await put(
      'bench.yaml',
      'extends: local\nplatform: bench\ntitle: Bench\ndetach: [tmux]\nbilling: { usdPerHour: 0.5, currency: USD }\n',
    )
    const { profiles, problems } = await loadProfiles({ builtIn, user })
    expect(problems).toEqual([])
    const bench = profiles.get('bench')
    expect(bench?.origin).toBe('user')
    expect(bench?.files).toHaveLength(2)
    expect(bench?.profile.detach).toEqual(['tmux'])
    expect(bench?.profile.billing.usdPerHour).toBe(0.5)
    expect(bench?.profile.billing.absenceProof).toContain('box folder')
    expect(bench && hasNoMeter(bench.profile)).toBe(false)
  })
  it('lets a user file build on the built-in one of its own name', async () => {
    await put('local.yaml', 'extends: local\ntitle: My bench\n')
    const { profiles, problems } = await loadProfiles({ builtIn, user })
    expect(problems).toEqual([])
    expect(profiles.get('local')?.profile.title).toBe('My bench')
  })
  it('tells circles, missing parents and wrong names with file and line, and keeps the rest', async () => {
    await put('a.yaml', 'platform: a\nextends: b\n')
    await put('b.yaml', 'platform: b\nextends: a\n')
    await put('c.yaml', '# c\nplatform: c\nextends: nowhere\n')
    await put('d.yaml', 'extends: local\nplatform: other\n')
    await put('e.yaml', 'extends: local\nplatform: e\ntitel: E\n')
    const { profiles, problems } = await loadProfiles({ builtIn, user })
    expect([...profiles.keys()].filter((id) => id.length < 3)).toEqual([])
    expect(profiles.has('local')).toBe(true)
    expect(problems.map((p) => `${p.file.slice(user.length + 1)}:${p.line} ${p.message}`)).toEqual([
      expect.stringContaining('circle'),
      expect.stringContaining('circle'),
      expect.stringMatching(/^c\.yaml:3 there is no profile nowhere/),
      expect.stringMatching(/^d\.yaml:2 found "other"/),
      expect.stringMatching(/^e\.yaml:3 unknown key/),
    ])
    expect(problems.at(-1)?.hint).toContain('title')
  })
  it('merges without touching prototypes', () => {
    const merged = mergeDeep(JSON.parse('{"a":{"b":1}}'), JSON.parse('{"__proto__":{"polluted":1},"a":{"c":2}}'))
    expect((merged as { a: unknown }).a).toEqual({ b: 1, c: 2 })
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})
