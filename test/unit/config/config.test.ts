import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exampleText } from '../../../src/config/example.ts'
import { leaves, valueAt } from '../../../src/config/leaves.ts'
import { configLines, configRows } from '../../../src/config/lines.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { configSchema, orderedKeys, personalKeys } from '../../../src/config/schema.ts'
import { formatProblem } from '../../../src/text/problem.ts'
import { validate } from '../../../src/text/validate.ts'
import { readYaml } from '../../../src/text/yaml.ts'
import { hostileYaml } from '../../faults/text/hostile-yaml.ts'

let root = ''
let home = ''
let projectFolder = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kx-config-'))
  home = join(root, 'home')
  projectFolder = join(root, 'project')
  await mkdir(home)
  await mkdir(projectFolder)
})
afterEach(() => rm(root, { recursive: true, force: true }))

const put = async (path: string, text: string) => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}
const load = (env: Record<string, string> = {}, flags: Record<string, unknown> = {}) =>
  loadConfig({ projectFolder, env, flags, home })
const defaults = configSchema.parse({})

describe('precedence', () => {
  it('is built-in, user, project, environment, flag; and says where each value came from', async () => {
    expect(await load()).toEqual({
      config: defaults,
      origin: Object.fromEntries(leaves.map((l) => [l.key, { source: 'built-in' }])),
      problems: [],
    })
    await put(join(home, '.kxrc'), 'theme: light\nrefreshSeconds: 5\npatrol:\n  diskWarnPercent: 80\n')
    await put(join(projectFolder, '.kxrc'), 'theme: mono\npatrol:\n  diskErrorPercent: 99\n')
    const { config, origin, problems } = await load(
      { KX_REFRESH_SECONDS: '7', KX_ASCII: '1', KX_FULL: '1' },
      { theme: 'dark', mouse: undefined, json: true },
    )
    expect(problems).toEqual([])
    expect([
      config.theme,
      config.refreshSeconds,
      config.ascii,
      config.patrol.diskWarnPercent,
      config.patrol.diskErrorPercent,
    ]).toEqual(['dark', 7, true, 80, 99])
    expect(origin.theme).toEqual({ source: 'flag', name: '--theme' })
    expect(origin.refreshSeconds).toEqual({ source: 'environment', name: 'KX_REFRESH_SECONDS' })
    expect(origin['patrol.diskWarnPercent']).toEqual({ source: 'user', file: join(home, '.kxrc'), line: 4 })
    expect(origin['patrol.diskErrorPercent']).toEqual({
      source: 'project',
      file: join(projectFolder, '.kxrc'),
      line: 3,
    })
    expect(origin.mouse).toEqual({ source: 'built-in' })
  })

  it('prefers the XDG file, and reads one file once', async () => {
    await put(join(home, '.kxrc'), 'theme: light\n')
    await put(join(home, '.config/kx/kxrc'), 'theme: mono\n')
    expect((await load()).config.theme).toBe('mono')
    await put(join(root, 'xdg/kx/kxrc'), 'theme: ansi16\n')
    expect((await load({ XDG_CONFIG_HOME: join(root, 'xdg') })).config.theme).toBe('ansi16')
    await rm(join(home, '.config'), { recursive: true })
    await put(join(home, '.kxrc'), 'editor: [vim]\n')
    expect((await loadConfig({ projectFolder: home, env: {}, home })).problems).toEqual([])
  })

  it('merges key bindings one by one', async () => {
    await put(join(home, '.kxrc'), 'keys:\n  run.archive: [A, g a]\n  app.quit: null\n')
    await put(join(projectFolder, '.kxrc'), 'keys: {run.archive: X}\n')
    const { config, origin } = await load()
    expect({ ...config.keys }).toEqual({ 'run.archive': 'X', 'app.quit': null })
    expect(origin['keys.app.quit']).toEqual({ source: 'user', file: join(home, '.kxrc'), line: 3 })
  })

  it('reads lists, switches and NO_COLOR from the environment', async () => {
    const env = { KX_EDITOR: 'code --wait', KX_CHECKLISTS: 'a.md, b.md', KX_MOUSE: 'off', NO_COLOR: '1' }
    const { config, problems } = await load(env)
    expect(problems).toEqual([])
    expect([config.editor, config.checklists, config.mouse, config.color]).toEqual([
      ['code', '--wait'],
      ['a.md', 'b.md'],
      false,
      'never',
    ])
    expect((await load({ NO_COLOR: '1', KX_COLOR: 'always' })).config.color).toBe('always')
    expect((await load({ KX_COLOR: 'always' }, { noColor: true })).config.color).toBe('never')
  })
})

describe('faults', () => {
  it.each([
    ['them: dark', ':1:1 them: unknown key. Did you mean `theme`?'],
    [
      'theme: drak',
      ':1:1 theme: found "drak", expected one of auto, dark, light, ansi16, mono (auto asks the terminal for its background). Write `theme: auto`',
    ],
    [
      'patrol:\n  diskWarnPercent: "80"',
      ':2:3 patrol.diskWarnPercent: found "80", expected a number (disk used, bytes or inodes: no new writers from here on). Write `diskWarnPercent: 80` without quotes',
    ],
    [
      'mouse: yes',
      ':1:1 mouse: found "yes", expected true or false (wheel and click; one key lets go of the mouse at any time). Write `mouse: true` or `mouse: false`',
    ],
    ['patrol: 3', ':1:1 patrol: found 3, expected a map of keys. Write a map of keys'],
    ['- theme', ':1:1 found a list of 1, expected a map of keys. Write a map of keys'],
    ['theme: dark\ntheme: light', ':2:1 theme: this key stands twice, first in line 1. Remove one of the two'],
    [
      'editor: [sh, -c, evil]',
      ':1:1 editor: may not stand in a project, expected this key in your own file only. Move it to ~/.config/kx/kxrc',
    ],
    [
      'pager: [sh]',
      ':1:1 pager: may not stand in a project, expected this key in your own file only. Move it to ~/.config/kx/kxrc',
    ],
    [
      'patrol: {diskWarnPercent: 97}',
      ':1:1 patrol.diskWarnPercent: patrol.diskWarnPercent is 97 and patrol.diskErrorPercent is 95, expected patrol.diskWarnPercent at most patrol.diskErrorPercent. Change one of the two; until then the built-in values hold',
    ],
  ])('%j is named and left out', async (text, problem) => {
    const file = join(projectFolder, '.kxrc')
    await put(file, text)
    const { config, problems } = await load()
    expect(problems.map(formatProblem)).toEqual([`${file}${problem}`])
    expect(config).toEqual(defaults)
  })

  it('keeps the good values beside a bad one', async () => {
    await put(join(projectFolder, '.kxrc'), 'theme: 7\nrefreshSeconds: 9\n')
    const { config, problems } = await load()
    expect([config.theme, config.refreshSeconds, problems.length]).toEqual(['auto', 9, 1])
  })

  it('names variable and flag', async () => {
    const { problems } = await load({ KX_ESC_TIMEOUT_MS: 'soon', KX_MOUSE: 'maybe' }, { theme: 'pink' })
    expect(problems.map((p) => [p.file, p.key])).toEqual([
      ['KX_MOUSE', 'mouse'],
      ['KX_ESC_TIMEOUT_MS', 'escTimeoutMs'],
      ['--theme', 'theme'],
    ])
  })

  it('says when a file cannot be read', async () => {
    await mkdir(join(projectFolder, '.kxrc'))
    expect((await load()).problems.map((p) => p.message)).toEqual(['cannot be read (EISDIR)'])
    await put(join(home, '.kxrc'), 'theme: dark\n')
    await chmod(join(home, '.kxrc'), 0o000)
    const count = process.getuid?.() === 0 ? 1 : 2
    expect((await load()).problems.length).toBe(count)
  })

  it('refuses every hostile file and keeps the built-in values', async () => {
    for (const [name, text] of Object.entries(hostileYaml)) {
      await put(join(projectFolder, '.kxrc'), text)
      const { config, problems } = await load()
      expect(problems.length, name).toBeGreaterThan(0)
      expect(config, name).toEqual(defaults)
      for (const problem of problems) expect(formatProblem(problem)).not.toMatch(/[\x00-\x1f\x7f-\x9f]/)
    }
  })
})

describe('documentation', () => {
  const file = resolve(import.meta.dirname, '../../../.kxrc.example')

  it('.kxrc.example is what the schema says today', async () => {
    expect(await readFile(file, 'utf8')).toBe(exampleText())
  })

  it('parses, holds every key, and its values are the built-in ones', async () => {
    const document = readYaml(await readFile(file), '.kxrc.example')
    if (!document.ok) throw new Error(document.errors.map(formatProblem).join('\n'))
    expect(validate(configSchema, document)).toEqual({ ok: true, value: defaults })
    for (const leaf of leaves) expect(valueAt(document.value, leaf.path), leaf.key).toEqual(leaf.initial)
  })

  it('every setting has a meaning and, but for keys, a variable of its own', () => {
    expect(leaves.filter((l) => l.about === '').map((l) => l.key)).toEqual([])
    const variables = leaves.map((l) => l.variable).filter((v) => v !== null)
    expect(new Set(variables).size).toBe(leaves.length - 1)
    const known = new Set(leaves.map((l) => l.key))
    for (const key of [...personalKeys, ...orderedKeys.flat()]) expect(known.has(key), key).toBe(true)
  })
})

describe('kx config', () => {
  it('prints each value as YAML with its origin', async () => {
    await put(join(projectFolder, '.kxrc'), 'planFile: "my plan.yaml"\nkeys: {app.quit: [q, ctrl+c]}\n')
    const effective = await load({ KX_THEME: 'dark' })
    const lines = configLines(effective)
    expect(lines.find((l) => l.startsWith('theme:'))).toMatch(/^theme: dark +# KX_THEME$/)
    expect(lines.find((l) => l.startsWith('planFile:'))).toMatch(/^planFile: "my plan\.yaml" +# .*\.kxrc:1$/)
    expect(lines.find((l) => l.startsWith('keys.'))).toMatch(/^keys\.app\.quit: \[q, "ctrl\+c"\] +# .*\.kxrc:2$/)
    expect(lines.find((l) => l.startsWith('confirm.guardMs:'))).toMatch(/^confirm\.guardMs: 300 +# built-in$/)
    expect(configRows(effective).length).toBe(leaves.length)
  })
})
