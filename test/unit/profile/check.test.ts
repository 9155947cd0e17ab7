import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scanForSecrets } from '../../../src/plan/rules/secret-scan.ts'
import { checkProfile, type ProfileFinding } from '../../../src/profile/check.ts'
import { diffLines, diffProfiles } from '../../../src/profile/diff.ts'
import { sourcedLines } from '../../../src/profile/lines.ts'
import { type LoadedProfile, loadProfiles } from '../../../src/profile/load.ts'

const shipped = resolve(import.meta.dirname, '../../../profiles')
const nowMs = Date.UTC(2026, 10, 22)

let builtIn: string
let user: string
beforeEach(() => {
  builtIn = mkdtempSync(join(tmpdir(), 'kx-profiles-'))
  user = mkdtempSync(join(tmpdir(), 'kx-profiles-'))
  for (const name of ['autodl', 'runpod', 'vast', 'slurm', 'colab', 'local', 'lambda'])
    copyFileSync(join(shipped, `${name}.yaml`), join(builtIn, `${name}.yaml`))
})
afterEach(() => {
  for (const folder of [builtIn, user]) rmSync(folder, { recursive: true, force: true })
})

const put = (name: string, text: string) => writeFileSync(join(user, `${name}.yaml`), text)
async function load(name: string): Promise<LoadedProfile> {
  const { profiles, problems } = await loadProfiles({ builtIn, user })
  expect(problems).toEqual([])
  return profiles.get(name) as LoadedProfile
}
/** What the check says of a profile that lays `yaml` on a shipped one. */
async function broken(base: string, yaml: string, atMs = nowMs): Promise<ProfileFinding[]> {
  put(base, `extends: ${base}\n${yaml}`)
  return checkProfile(await load(base), { nowMs: atMs, secretsIn: scanForSecrets })
}

describe('checkProfile', () => {
  /** One broken profile for each kind of contradiction: rule, base, what is laid on it, line of the finding, words. */
  const cases: readonly (readonly [rule: string, base: string, yaml: string, line: number, words: RegExp])[] = [
    [
      'verb-loses',
      'runpod',
      'storage:\n  tiers:\n    - id: volume\n      survives: { destroy: survives }\n',
      0,
      /volume dies with terminate.*survives a destroy/,
    ],
    [
      'verb-loses',
      'autodl',
      'billing:\n  verbs:\n    - verb: 释放\n      loses: [system]\n',
      5,
      /autodl-tmp is lost at a destroy/,
    ],
    [
      'verb-bills',
      'runpod',
      'billing:\n  verbs:\n    - verb: stop\n      bills: [network-volume]\n',
      5,
      /volume bills on after a stop/,
    ],
    [
      'verb-bills',
      'autodl',
      'billing:\n  verbs:\n    - verb: 关机\n      bills: [autodl-tmp, system]\n',
      5,
      /system bills on after 关机.*only that it survives/,
    ],
    [
      'verb-bills',
      'lambda',
      'billing:\n  verbs:\n    - verb: terminate\n      bills: [nfs, root]\n',
      5,
      /root cannot die and bill on/,
    ],
    [
      'no-such-tier',
      'vast',
      'billing:\n  verbs:\n    - verb: destroy\n      loses: [system, workspace, nvme]\n',
      5,
      /names the tier nvme/,
    ],
    ['no-such-act', 'lambda', 'billing:\n  verbs:\n    - verb: OS shutdown\n      event: stop\n', 4, /no stop here/],
    [
      'verb-ends',
      'vast',
      'billing:\n  verbs:\n    - verb: stop\n      ends: everything\n',
      5,
      /ends everything, and system/,
    ],
    [
      'still-bills',
      'vast',
      'billing:\n  verbs:\n    - verb: stop\n      stillBills: nothing\n',
      5,
      /says nothing, and system/,
    ],
    [
      'dies',
      'vast',
      'billing:\n  verbs:\n    - verb: destroy\n      dies: Nothing.\n',
      5,
      /system, workspace are lost/,
    ],
    [
      'no-warning',
      'local',
      'billing:\n  verbs:\n    - { verb: burn, stops: all, stillBills: none, dies: all, isReversible: false, by: person, how: fire, verified: 2026-11 }\n',
      4,
      /burn cannot be undone/,
    ],
    ['meter-stop-verb', 'autodl', 'meterStopVerb: halt\n', 2, /halt is not among/],
    [
      'meter-stop-verb',
      'slurm',
      'meterStopVerb: delete files\nmeterStopIrreversible: "true"\n',
      2,
      /ends storage, not the meter/,
    ],
    ['meter-stop-irreversible', 'autodl', 'meterStopIrreversible: "true"\n', 2, /关机 can be undone/],
    ['meter-stop-irreversible', 'runpod', 'meterStopIrreversible: not-applicable\n', 2, /platform with a meter/],
    ['park', 'lambda', 'park:\n  isAutomatic: true\n', 3, /no verb to park with/],
    ['park', 'runpod', 'park:\n  verb: terminate\n  isAutomatic: true\n', 4, /cannot be undone, so kx never/],
    ['park', 'runpod', 'park:\n  verb: rest\n', 3, /rest is not among/],
    [
      'park',
      'vast',
      'park:\n  isAutomatic: true\nbilling:\n  verbs:\n    - verb: stop\n      loses: [off-box]\n',
      3,
      /loses the durable tier off-box/,
    ],
    ['spot-grace', 'runpod', 'spot:\n  graceSeconds: null\n', 3, /no grace is given/],
    ['spot-grace', 'slurm', 'interruption:\n  notice: none\n', 3, /the grace is 30 s/],
    ['detach', 'slurm', 'detach: [tmux]\n', 2, /detaches by sbatch/],
    ['detach', 'vast', 'launch:\n  startScriptReruns: false\n', 0, /onstart rests on/],
    ['detach', 'autodl', 'daemon:\n  survivesReboot: true\n', 3, /tmux, setsid end with the machine/],
    ['detach', 'autodl', 'overrides:\n  DETACH: sbatch\n', 3, /sbatch is not in detach/],
    ['detach', 'colab', 'detach: [none, tmux]\n', 2, /none stands beside/],
    ['detach', 'colab', 'daemon:\n  survivesDisconnect: true\n', 3, /nothing outlives the link/],
    ['ssh', 'autodl', 'network:\n  ssh: [none]\n', 3, /kind ssh-rental is reached by SSH/],
    ['ssh', 'autodl', 'network:\n  user: null\n', 3, /no user/],
    ['ssh', 'colab', 'network:\n  environmentReachesSsh: "yes"\n', 3, /no SSH that it could reach/],
    [
      'no-tier',
      'autodl',
      'storage:\n  tiers:\n    - id: autodl-fs\n      purpose: scratch\n',
      3,
      /no tier is for durable/,
    ],
    [
      'not-durable',
      'autodl',
      'storage:\n  tiers:\n    - id: autodl-fs\n      survives: { destroy: lost }\n',
      5,
      /dies with the machine/,
    ],
    [
      'survival-order',
      'autodl',
      'storage:\n  tiers:\n    - id: autodl-fs\n      survives: { stop: lost }\n',
      5,
      /lost at a stop and outlives/,
    ],
    ['shared', 'autodl', 'sharedFileSystem:\n  path: /nowhere\n', 3, /no path of a tier/],
    ['shared', 'autodl', 'sharedFileSystem:\n  regionLocked: false\n', 3, /tier autodl-fs says true/],
    ['inode-cap', 'autodl', 'inodeCap: 1000\n', 2, /no tier has the cap/],
    [
      'nvme',
      'local',
      'localNvme: ephemeral\nstorage:\n  tiers:\n    - { id: boxes, survives: { destroy: survives } }\n    - { id: temporary, survives: { destroy: survives } }\n',
      2,
      /no tier is lost/,
    ],
    ['override-path', 'autodl', 'overrides:\n  DATA_DIR: /data\n', 3, /no data or durable tier/],
    ['price', 'local', 'billing:\n  usdPerHour: 1\n', 3, /price is not 0/],
    ['price', 'runpod', 'billing:\n  usdPerHour: 0\n', 3, /billed in USD/],
    ['no-clock', 'runpod', 'dangerClocks: []\n', 2, /no danger clock/],
    ['clock', 'runpod', 'dangerClocks:\n  - id: stopped\n    afterSeconds: 5\n', 4, /two durations/],
    ['mirrors', 'autodl', 'chinaMirrorNeeded: "no"\n', 0, /some are named/],
    ['mirrors', 'runpod', 'chinaMirrorNeeded: "yes"\n', 2, /none is named/],
    [
      'twice',
      'local',
      'gotchas:\n  - { id: AB1, symptom: aaaa, cause: bbbb, fix: cccc }\n  - { id: AB1, symptom: dddd, cause: eeee, fix: ffff }\n',
      4,
      /AB1 stands twice/,
    ],
    ['empty', 'autodl', 'title: "  "\n', 2, /holds nothing/],
    ['secret', 'autodl', `overrides:\n  CRED_FILE: hf_${'aB3'.repeat(12)}\n`, 3, /looks like a Hugging Face token/],
    ['future-stamp', 'autodl', 'verified: 2027-01\n', 2, /ahead of the clock/],
  ]
  it.each(cases)('finds %s in %s', async (rule, base, yaml, line, words) => {
    const found = (await broken(base, yaml)).filter((f) => f.rule === rule)
    expect(found.map((f) => f.message).join('\n')).toMatch(words)
    const named = found.find((f) => words.test(f.message))
    expect(named?.hint).toMatch(/^[A-Z]/)
    expect(named?.key).not.toBe('')
    // Line 0: the finding stands at the other of the two facts, in the file below.
    expect([named?.file, named?.line]).toEqual(
      line === 0 ? [join(builtIn, `${base}.yaml`), expect.any(Number)] : [join(user, `${base}.yaml`), line],
    )
    expect(named?.line).toBeGreaterThan(0)
  })

  it('finds every stale stamp at its own line, from the first day of the seventh month', async () => {
    const found = await broken(
      'autodl',
      'dangerClocks:\n  - id: release\n    verified: 2026-11\n',
      Date.UTC(2026, 11, 1),
    )
    expect(found.every((f) => f.rule === 'stale' && f.severity === 'warn' && f.file.startsWith(builtIn))).toBe(true)
    expect(found.map((f) => f.key)).toEqual([
      'verified',
      'billing.verified',
      'billing.verbs[0].onBox.verified',
      'billing.verbs[0].verified',
      'billing.verbs[1].verified',
      'billing.verbs[2].verified',
      'billing.verbs[3].verified',
      'dangerClocks[1].verified',
    ])
    expect(new Set(found.map((f) => f.line)).size).toBe(found.length)
    expect(checkProfile(await load('autodl'), { nowMs: Date.UTC(2026, 11, 1) - 1 })).toEqual([])
  })

  it('is told of unknown keys, missing facts and unknown primitives when the file is read, in the file where they stand', async () => {
    writeFileSync(join(builtIn, 'bad.yaml'), 'extends: autodl\nplatform: bad\ndetach: [tmux, screen]\nbiling: 3\n')
    put(
      'mine',
      'extends: bad\nplatform: mine\nbilling:\n  verbs:\n    - verb: nap\n      stops: it\n      dies: no\n      isReversible: true\n      by: kx\n      how: by itself\n      verified: 2026-06\n',
    )
    const { problems } = await loadProfiles({ builtIn, user })
    const of = (folder: string) =>
      problems
        .filter((p) => p.file.startsWith(folder))
        .map((p) => `${p.line} ${p.key} ${p.message} ${p.expected} ${p.hint}`)
    expect(of(builtIn)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^3 detach\[1\] found "screen".*tmux/),
        expect.stringMatching(/^4 biling unknown key.*`billing`/),
      ]),
    )
    expect(of(user)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^5 billing\.verbs\[4\]\.stillBills is missing/)]),
    )
  })
})

describe('a profile of several files', () => {
  it('says at each line that was overridden in which file it stands', async () => {
    put(
      'autodl',
      'extends: autodl\ntitle: Ours\nbilling:\n  usdPerHour: 0.31\ngotchas:\n  - id: AD8\n    fix: cap it at 64\n',
    )
    const loaded = await load('autodl')
    const lines = sourcedLines(loaded, nowMs, (file) => file.slice(user.length + 1))
    const marked = lines.filter((l) => l.endsWith(']') && l.includes('[autodl.yaml:'))
    expect(marked).toEqual([
      expect.stringMatching(/\$0\.31\/h.*\[autodl\.yaml:4\]$/),
      '    do: cap it at 64  [autodl.yaml:7]',
    ])
    expect(sourcedLines(await load('runpod'), nowMs, (f) => f).some((l) => l.includes('.yaml:'))).toBe(false)
  })
  it('gives the place of a fact, of a fact that is missing, and of the whole', async () => {
    put('autodl', 'extends: autodl\n\nbilling:\n  usdPerHour: 0.31\n')
    const { placeOf } = await load('autodl')
    expect(placeOf(['billing', 'usdPerHour'])).toMatchObject({
      file: join(user, 'autodl.yaml'),
      line: 4,
      origin: 'user',
    })
    expect(placeOf(['billing', 'currency'])).toMatchObject({ file: join(builtIn, 'autodl.yaml'), origin: 'built-in' })
    expect(placeOf(['billing', 'nothing'])).toMatchObject({ file: join(user, 'autodl.yaml'), line: 3 })
    expect(placeOf([])).toMatchObject({ file: join(user, 'autodl.yaml'), line: 1 })
  })
})

describe('diffProfiles', () => {
  it('finds nothing between a profile and itself, and what was overridden otherwise', async () => {
    const before = (await load('autodl')).profile
    expect(diffProfiles(before, before)).toEqual([])
    put(
      'autodl',
      'extends: autodl\nbilling:\n  usdPerHour: 0.31\n  verbs:\n    - { verb: 关机, warning: look first }\ndetach: [tmux]\n',
    )
    const after = (await load('autodl')).profile
    expect(new Map(diffProfiles(before, after).map((f) => [f.key, [f.a, f.b]]))).toEqual(
      new Map([
        ['detach', ['tmux; setsid', 'tmux']],
        ['extends', [null, 'autodl']],
        ['billing.usdPerHour', [null, '0.31']],
        ['billing.verbs[关机].warning', [null, 'look first']],
      ]),
    )
    expect(diffLines(['a', 'longer'], [{ key: 'k', a: null, b: 'x' }])).toEqual(['k', '  a       -', '  longer  x'])
  })
  it('says the same the other way round', async () => {
    const [a, b] = [(await load('autodl')).profile, (await load('runpod')).profile]
    const there = diffProfiles(a, b)
    const back = diffProfiles(b, a)
    expect(back.map((f) => f.key).sort()).toEqual(there.map((f) => f.key).sort())
    expect(there.length).toBeGreaterThan(50)
    for (const f of back) expect(there).toContainEqual({ key: f.key, a: f.b, b: f.a })
  })
})
