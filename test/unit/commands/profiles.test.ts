import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { meetProfile } from '../../../src/commands/first-contact.ts'
import {
  acknowledgeProfile,
  checkProfiles,
  diffOfProfiles,
  listProfiles,
  profileShelf,
  showProfile,
} from '../../../src/commands/profiles.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { loadProfiles } from '../../../src/profile/load.ts'

const nowMs = Date.UTC(2026, 10, 22)
let root: string
let asked: { question: string; detail: readonly string[] }[]

function env(answer: boolean, via: CommandEnvironment['via'] = 'key'): CommandEnvironment {
  return {
    projectFolder: root,
    via,
    who: 'ada',
    runId: null,
    settings: {},
    signal: new AbortController().signal,
    ask: {
      confirm: async (question, detail) => {
        asked.push({ question, detail })
        return answer
      },
      typed: async () => null,
      text: async () => null,
    },
    progress: () => undefined,
    openRun: () => undefined,
  }
}
const put = (name: string, text: string) => {
  mkdirSync(join(root, '.config/kx/profiles'), { recursive: true })
  writeFileSync(join(root, `.config/kx/profiles/${name}.yaml`), text)
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'kx-profiles-'))
  asked = []
  vi.stubEnv('HOME', root)
  vi.stubEnv('XDG_STATE_HOME', join(root, 'state'))
  vi.stubEnv('XDG_CONFIG_HOME', join(root, '.config'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

describe('kx profile check', () => {
  it('says 0 for what ships, one or all of it', async () => {
    expect(await checkProfiles(env(true), {}, nowMs)).toMatchObject({ exitCode: 0, lines: [] })
    expect(await checkProfiles(env(true), { name: 'autodl' }, nowMs)).toMatchObject({
      exitCode: 0,
      data: { checked: ['autodl'], problems: [], findings: [] },
    })
  })
  it('says 1 for what is stale, wrong or unknown, with file and line, and 2 for a name that is not there', async () => {
    const stale = await checkProfiles(env(true), { name: 'autodl' }, Date.UTC(2027, 0, 1))
    expect(stale.exitCode).toBe(1)
    expect(stale.lines?.[0]).toMatch(/^warn {2}.*autodl\.yaml:\d+:\d+ verified: verified 2026-06, 7 months ago/)
    put('autodl', 'extends: autodl\npark:\n  verb: 释放\nmeterStopVreb: x\n')
    const unknown = await checkProfiles(env(true), { name: 'autodl' }, nowMs)
    expect(unknown.exitCode).toBe(1)
    expect(unknown.lines).toEqual([
      expect.stringMatching(/^error .*autodl\.yaml:4:1 meterStopVreb: unknown key.*`meterStopVerb`/),
    ])
    put('autodl', 'extends: autodl\npark:\n  verb: 释放\n')
    const wrong = await checkProfiles(env(true), {}, nowMs)
    expect(wrong.exitCode).toBe(1)
    expect(wrong.lines).toEqual([
      expect.stringMatching(/^error .*autodl\.yaml:\d+:\d+ park\.isAutomatic: 释放 cannot be undone/),
    ])
    expect(await checkProfiles(env(true), { name: 'autodll' }, nowMs)).toMatchObject({
      exitCode: 2,
      summary: expect.stringMatching(/did you mean autodl\?/),
    })
  })
})

describe('kx profile show, list, diff', () => {
  it('names the file and line of what was overridden', async () => {
    put('runpod', 'extends: runpod\nbilling:\n  usdPerHour: 0.4\n')
    const shown = await showProfile(env(true), { name: 'runpod' })
    expect(shown.summary).toMatch(/^from ~\/\.config\/kx\/profiles\/runpod\.yaml, over .*profiles\/runpod\.yaml$/)
    expect(shown.lines?.filter((l) => l.includes('runpod.yaml:'))).toEqual([
      expect.stringMatching(/\$0\.4\/h.*\[~\/\.config\/kx\/profiles\/runpod\.yaml:3\]$/),
    ])
    const listed = await listProfiles(env(true))
    expect(listed.lines?.find((l) => l.startsWith('runpod'))).toContain('yours, over another')
    expect(listed.lines?.[0]).toMatch(/^local/)
  })
  it('compares field by field, in lines and as data', async () => {
    const found = await diffOfProfiles(env(true), { a: 'aws-ec2', b: 'aws-ec2-spot' })
    expect(found.exitCode).toBe(0)
    const at = found.lines?.indexOf('spot.graceSeconds') ?? -1
    expect(found.lines?.slice(at, at + 3)).toEqual(['spot.graceSeconds', '  aws-ec2       -', '  aws-ec2-spot  120'])
    expect((found.data as { differences: unknown[] }).differences).toContainEqual({
      key: 'meterStopVerb',
      a: 'stop',
      b: 'terminate',
    })
    expect((await diffOfProfiles(env(true), { a: 'aws-ec2', b: 'nowhere' })).exitCode).toBe(2)
  })
})

describe('danger clocks', () => {
  const contact = async (answer: boolean, via: CommandEnvironment['via'] = 'key', name = 'autodl') => {
    const said: string[] = []
    const { profiles } = await loadProfiles({ builtIn: join(import.meta.dirname, '../../../profiles'), user: null })
    const profile = profiles.get(name)?.profile
    if (profile === undefined) throw new Error(name)
    const cell = { say: (line: string) => said.push(line) } as never
    await meetProfile(env(answer, via), { profile, cell, clock: { nowMs: () => nowMs, monotonicMs: () => 0 } })
    return said
  }
  it('are shown and asked about once, when a plan first names the platform', async () => {
    expect((await contact(false)).at(-1)).toBe('Not acknowledged yet: kx profile acknowledge autodl')
    expect(asked).toHaveLength(1)
    expect(asked[0]?.detail.join('\n')).toContain('stopped instance after 15 d')
    expect((await contact(true)).at(-1)).toBe('read by ada')
    expect(await contact(true)).toEqual([])
    expect(asked).toHaveLength(2)
  })
  it('are shown and not asked about in a walk by itself or a script, and never for this machine', async () => {
    for (const via of ['cli', 'auto'] as const) expect((await contact(true, via)).length).toBeGreaterThan(5)
    expect(asked).toEqual([])
    expect(await contact(true, 'key', 'local')).toEqual([])
  })
  it('are acknowledged by a command of their own', async () => {
    expect(await acknowledgeProfile(env(false), { name: 'vast' })).toMatchObject({ exitCode: 3 })
    expect(await acknowledgeProfile(env(true), { name: 'vast' })).toMatchObject({
      exitCode: 0,
      summary: expect.stringContaining('read by ada'),
    })
    expect(await acknowledgeProfile(env(false), { name: 'vast' })).toMatchObject({
      exitCode: 0,
      summary: 'vast.ai is read already',
    })
    expect(await acknowledgeProfile(env(false), { name: 'local' })).toMatchObject({ exitCode: 0 })
    expect((await acknowledgeProfile(env(true), { name: 'vas' })).exitCode).toBe(2)
  })
})

describe('profileShelf', () => {
  it('tells stale, unread, overridden and wrong, and gives the same rows until something changes', async () => {
    const first = await profileShelf(nowMs)
    expect(await profileShelf(nowMs)).toBe(first)
    expect(first.find((p) => p.id === 'vast')).toMatchObject({ stale: 0, unread: 3, overriddenBy: [], wrong: [] })
    await acknowledgeProfile(env(true), { name: 'vast' })
    put('runpod', 'extends: runpod\npark: { isAutomatic: true }\n')
    const next = await profileShelf(nowMs)
    expect(next.find((p) => p.id === 'vast')).toMatchObject({ unread: 0 })
    expect(next.find((p) => p.id === 'runpod')).toMatchObject({
      overriddenBy: ['~/.config/kx/profiles/runpod.yaml'],
      wrong: [expect.stringContaining('no verb to park with')],
    })
    expect((await profileShelf(Date.UTC(2027, 0, 1))).find((p) => p.id === 'vast')?.stale).toBeGreaterThan(5)
  })
})
