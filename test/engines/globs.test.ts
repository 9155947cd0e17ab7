import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { nameProblem } from '../../src/artifact/names.ts'
import { expandRoster } from '../../src/artifact/roster.ts'
import { flatFiles } from '../../src/engine/box/layout.ts'
import { createLocalHost } from '../../src/host/local.ts'
import { parsePlan } from '../../src/spec/parse.ts'
import { samplePlan } from '../unit/spec/sample.ts'
import { hasProgram, makeBox } from './tools/box.ts'

const host = createLocalHost()
const source = readFileSync(join(import.meta.dirname, '../../src/engine/box/runner/artifacts.sh'), 'utf8')
const shells = [['sh'], ['dash'], ['bash'], ['busybox', 'sh']].filter(([program = '']) => hasProgram(program))
/** More than there are files: then the runner says of every pattern how many it found. */
const most = 1_000_000_000
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function tree(files: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'kx-globs-'))
  folders.push(folder)
  for (const path of files) {
    try {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), path.endsWith('b') ? '' : 'x')
    } catch {
      // A folder of that name is there, or a file where a folder should be.
    }
  }
  return folder
}

const declare = (globs: readonly string[], minimumBytes: number) =>
  globs.map((glob) => ({ glob, minimumCount: most, minimumBytes, kind: 'other' as const }))

/** How many files the runner counts for each glob. */
function counted(shell: readonly string[], folder: string, globs: readonly string[], minimumBytes: number): number[] {
  const { project, request } = makeBox({ units: 1, plan: { artifacts: declare(globs, minimumBytes) } })
  folders.push(dirname(project))
  writeFileSync(join(folder, 'artifacts.list'), flatFiles(request).get('artifacts.list') ?? '')
  const [program = 'sh', ...rest] = shell
  const ran = spawnSync(program, [...rest, '-c', `set -u\n${source}\nartifacts_there all`], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect(ran.stderr).toBe('')
  return [...ran.stdout.matchAll(/ (\d+)\/1000000000:/g)].map((match) => Number(match[1]))
}

const isAccepted = (glob: string) =>
  parsePlan(samplePlan.replace("'units/*/result.json'", JSON.stringify(glob)), 'kx.yaml').ok

describe('an artifact pattern means the same to the runner and to the roster', () => {
  it.each(shells.map((shell) => [shell.join(' '), shell] as const))(
    '%s, for any pattern that a plan may hold (property)',
    async (_, shell) => {
      const odd = [
        'a',
        'b',
        'ab',
        '.',
        ' ',
        '!',
        '^',
        ']',
        '~',
        '$',
        '#',
        ';',
        '(',
        "'",
        '&',
        '=',
        '%',
        '-',
        ',',
        '{',
        '}',
      ]
      const name = fc.string({ unit: fc.constantFrom(...odd), minLength: 1, maxLength: 4 })
      const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
      const part = fc.oneof(
        { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...odd, '*', '*', '?', '?'), maxLength: 4 }) },
        { weight: 1, arbitrary: fc.constantFrom('*', '.', '**', '{a,b}', '?*') },
      )
      const glob = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))
      await fc.assert(
        fc.asyncProperty(
          fc.array(path, { minLength: 1, maxLength: 20 }),
          fc.array(glob, { minLength: 1, maxLength: 30 }),
          fc.constantFrom(0, 1),
          async (paths, drawn, minimumBytes) => {
            const globs = drawn.filter(isAccepted)
            fc.pre(globs.length > 0)
            const folder = tree(paths.filter((each) => each.split('/').every((one) => nameProblem(one) === null)))
            const counts = counted(shell, folder, globs, minimumBytes)
            const roster = await expandRoster(host, folder, declare(globs, minimumBytes), new AbortController().signal)
            for (const [i, entry] of roster.declared.entries()) {
              const isTooSmall = (file: string) => readFileSync(join(folder, file)).length < minimumBytes
              const alone = await expandRoster(host, folder, declare([entry.glob], 0), new AbortController().signal)
              const wanted = alone.files.filter(({ path: file }) => !isTooSmall(file)).length
              // `**` and choices are no patterns of sh: there the runner may count more, and never less.
              if (/\*\*|\{/.test(entry.glob)) expect(counts[i], entry.glob).toBeGreaterThanOrEqual(wanted)
              else expect(counts[i], entry.glob).toBe(wanted)
            }
          },
        ),
        { numRuns: process.env.KX_FULL === '1' ? 500 : 15 },
      )
    },
  )

  it.each([
    ['units/[ab]/x.json', /holds \[/],
    ['a\\*b', /back slash/],
    [' a', /space/],
    ['a/b ', /space/],
    ['a\nb', /line break/],
  ])('a plan may not hold %j, and is told so with line and key', (glob, why) => {
    const read = parsePlan(samplePlan.replace("'units/*/result.json'", JSON.stringify(glob)), 'kx.yaml')
    const problem = read.ok ? undefined : read.problems[0]
    const line = samplePlan.slice(0, samplePlan.indexOf('units/*/result.json')).split('\n').length
    expect(problem).toMatchObject({ line, key: 'artifacts[0].glob', message: expect.stringMatching(why) })
    expect(problem?.hint).toBeDefined()
  })
})
