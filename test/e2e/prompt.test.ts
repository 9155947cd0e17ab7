import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { node } from '../harness/apps.ts'
import { builtEntry } from '../harness/built.ts'
import { needsTmux, Tmux } from '../harness/tmux.ts'
import { clearPlaces, makePlace, type Place, runFolderOf } from './support.ts'

const tmux = await needsTmux()
const open: Tmux[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.kill()
  clearPlaces()
})

const kx = (place: Place, args: readonly string[], input = '') =>
  spawnSync(node, [builtEntry(), '--project', place.project, ...args], {
    env: { ...process.env, ...place.env },
    input,
    encoding: 'utf8',
  })

describe('the prompt of the built program', () => {
  it('evaluates for scripts, with the exit code of how it ended', () => {
    const place = makePlace({ groups: 4 })
    const value = kx(place, ['eval', '[1, 2].map((x) => x * 21)', '--json'])
    expect(JSON.parse(value.stdout)).toMatchObject({ ok: true, exitCode: 0, data: [21, 42] })
    expect(kx(place, ['eval', 'throw new Error("no")']).status).toBe(1)
    expect(kx(place, ['eval', 'for (;;) {}', '--timeout-seconds', '0.3']).status).toBe(4)
    const piped = kx(place, ['repl'], 'const rows = [\n1, 2]\nrows.length\n!! echo "on $0" | wc -w\n')
    expect(
      piped.stdout
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['2', '2'])
    // No run was begun: there is no notebook to write into, and none is made for it.
    expect(existsSync(join(place.project, '.kx', 'runs'))).toBe(false)
  })

  it('puts entries into the notebook of the run and into the history', () => {
    const place = makePlace({ groups: 4 })
    expect(kx(place, ['plan']).status).toBe(0)
    const { stdout } = kx(place, ['repl'], '6 * 7\n! echo far; exit 5\nrun.stage\n')
    expect(stdout).toContain("'planned'")
    const cells = readFileSync(join(runFolderOf(place), 'journal.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map(
        (line) =>
          JSON.parse(line) as {
            kind: string
            payload: {
              name?: string
              source?: string
              state?: string
              exitCode?: number
              cellId: string
              risk?: string
            }
          },
      )
    const started = cells.filter(({ kind, payload }) => kind === 'cell.started' && payload.name === 'repl')
    expect(started.map(({ payload }) => [payload.source, payload.risk])).toEqual([
      ['6 * 7', 'read'],
      ['! echo far; exit 5', 'change'],
      ['run.stage', 'read'],
    ])
    const far = cells.find(
      ({ kind, payload }) => kind === 'cell.ended' && payload.cellId === started[1]?.payload.cellId,
    )
    expect(far?.payload).toMatchObject({ state: 'failed', exitCode: 5 })
    const history = join(place.env.XDG_STATE_HOME ?? '', 'kx', 'repl-history.jsonl')
    expect(statSync(history).mode & 0o777).toBe(0o600)
    expect(readFileSync(history, 'utf8').trim().split('\n')).toHaveLength(3)
  })

  it('saves entries as a recipe that passes its check and runs, and as a note with their results', () => {
    const place = makePlace({ groups: 4 })
    expect(kx(place, ['plan']).status).toBe(0)
    const mark = join(place.project, 'made')
    const entries = ['const two = 2', 'two * 21', `!! echo "a \`echo b\` \${HOME:+c}" >'${mark}'`, ':cell list']
    kx(place, ['repl'], `${entries.join('\n')}\n`)
    expect(readFileSync(mark, 'utf8')).toBe('a b c\n')
    const saved = kx(place, ['repl'], ':save recipe again --last 4\n:save recipe again\n:save note --last 3\n')
    expect(saved.stdout).toContain('4 entries in recipes/again.mjs; again.mjs: 0 errors, 0 to think about')
    expect(saved.stdout).toContain('is there already: choose another id')
    expect(saved.stdout).toContain('3 entries noted beside')
    writeFileSync(mark, '')
    const ran = kx(place, ['recipe', 'run', 'again', '--host', 'local', '--yes'])
    expect([ran.status, ran.stderr]).toEqual([0, expect.any(String)])
    expect(readFileSync(mark, 'utf8')).toBe('a b c\n')
    const report = kx(place, ['export']).stdout
    expect(report).toContain('## From the prompt')
    expect(report).toMatch(/```js\ntwo \* 21\n```\n\n.* on local: value, #\d+\n\n```text\n42\n```/)
    // What only the prompt has is said, and nothing is written.
    kx(place, ['repl'], 'table([{ a: 1 }])\n')
    const no = kx(place, ['save', 'recipe', 'other', '--last', '1'])
    expect([no.status, no.stdout + no.stderr]).toEqual([1, expect.stringContaining('table is of the prompt only')])
    expect(existsSync(join(place.project, 'recipes', 'other.mjs'))).toBe(false)
  })

  it.skipIf(tmux.skip)(
    'opens on any screen, is interrupted with its variables kept, and takes a paste whole',
    async () => {
      const place = makePlace({ groups: 4 })
      const app = await Tmux.start({
        command: [node, builtEntry(), '--project', place.project, '--screen', 'patrol'],
        cwd: place.project,
        env: place.env,
      })
      open.push(app)
      const shows = (text: string) =>
        app.waitFor((rows) => rows.some((row) => row.includes(text)), { timeoutMs: 30_000, what: text })
      await shows('Patrol]')
      await app.type('>')
      await shows('Prompt')
      await app.type('let kept = 6 * 7; kept')
      await app.keys('Enter')
      await shows('┃42')
      await app.type('for (;;) {}')
      await app.keys('Enter')
      await shows('running')
      await app.keys('C-c')
      await shows('interrupted. Variables are kept.')
      await app.command('set-buffer', 'kept += 1\nkept += 1\n')
      await app.command('paste-buffer', '-p', '-t', 'main')
      await shows('  kept += 1')
      expect((await app.capture()).join('\n')).not.toContain('┃44')
      await app.keys('Enter')
      await shows('┃44')
      await app.keys('Escape')
      await app.waitFor((rows) => /\? help {2}q quit$/.test(rows.at(-1) ?? ''), { timeoutMs: 30_000 })
    },
  )

  it.skipIf(tmux.skip)('has a terminal of its own with kx repl, and leaves with Ctrl-D', async () => {
    const place = makePlace({ groups: 4 })
    const words = [node, builtEntry(), '--project', place.project, 'repl']
    const app = await Tmux.start({
      command: ['sh', '-c', '"$@"; echo "left with $?"; exec sleep 600', 'sh', ...words],
      cwd: place.project,
      env: place.env,
    })
    open.push(app)
    const shows = (text: string) =>
      app.waitFor((rows) => rows.some((row) => row.includes(text)), { timeoutMs: 30_000, what: text })
    await shows('Ctrl-D leaves')
    await app.type('let far = [20,')
    await app.keys('Enter')
    await app.waitFor((rows) => rows.some((row) => row === ''), { timeoutMs: 30_000 })
    await app.type('22]; far[0] + far[1]')
    await app.keys('Enter')
    await app.waitFor((rows) => rows.includes('42'), { timeoutMs: 30_000, what: '42' })
    await app.type('await new Promise(() => {})')
    await app.keys('Enter')
    await app.keys('C-c')
    await shows('interrupted')
    await app.keys('C-d')
    await shows('left with 0')
  })
})
