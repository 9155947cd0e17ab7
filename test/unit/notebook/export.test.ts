import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exported, toJsonLines, toMarkdown, toNotebook } from '../../../src/notebook/export.ts'
import { readOutput } from '../../../src/notebook/outputs.ts'
import { happenings, longestWaitMs, waitMs } from '../../../src/notebook/replay.ts'
import { jupyter, makeMs } from '../../harness/jupyter.ts'
import { newRun, temporaryFolder } from '../run/support.ts'
import { acted } from './scene.ts'

async function scene() {
  const { run } = await newRun()
  const ids = await acted(run, [
    { title: 'Audit the *host*', output: 'one\n```\n# not a heading\n</details>\n', args: { host: 'a' } },
    { title: 'Smoke', output: '', state: 'failed', summary: 'exit 1: <b>bad</b>' },
    { title: 'Look', output: Array.from({ length: 100 }, (_, i) => `line ${i}\n`).join(''), state: 'unknown' },
  ])
  await run.append('cell.noted', { cellId: ids[1], text: '**Seen before**\n\n- see #1', by: 'ada' })
  await run.append('cell.noted', { cellId: null, text: 'Night shift.', by: 'eve' })
  await run.append('cell.marked', { cellId: ids[2], isMarked: true, by: 'ada' })
  const state = run.state()
  await run.close()
  return {
    folder: run.folder,
    state,
    what: exported(state, [0, 1, 2], new Map(), Date.UTC(2026, 10, 22), (id) => readOutput(run.folder, id, 60)),
  }
}

describe('the Markdown report', () => {
  it('has a heading a cell, its end in words, notes as quotes and outputs folded, whatever they hold', async () => {
    const { what } = await scene()
    const text = toMarkdown(what)
    expect(text.match(/^## .*$/gm)).toEqual(['## 1. Audit the \\*host\\*', '## 2. Smoke', '## 3. Look (bookmarked)'])
    expect(text).toContain('3 cells, 1 failed, 1 with an unknown end')
    expect(text).toContain('````text\none\n```\n# not a heading\n</details>\n````')
    expect(text).toContain('> **Seen before**\n>\n> - see #1\n')
    expect(text).toContain('exit 1: \\<b\\>bad\\</b\\>')
    expect(text).toContain('<details><summary>Output, 60 lines, the last of 100</summary>')
    expect(text).toContain('Night shift.')
    expect(text.match(/<details>/g)).toHaveLength(2)
  })
})

describe('lines of JSON', () => {
  it('hold the run and every cell with its address', async () => {
    const { what, state } = await scene()
    const rows = toJsonLines(what)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows.map(({ kind }) => kind)).toEqual(['run', 'cell', 'cell', 'cell'])
    expect(rows[2]).toMatchObject({
      address: `${state.runId}#2`,
      ended: { state: 'failed' },
      notes: [{ by: 'ada' }],
      linesBefore: 0,
    })
    expect(rows[3]).toMatchObject({ isMarked: true, linesBefore: 40 })
  })
})

describe('the Jupyter notebook', () => {
  it('is nbformat 4.5: ids, execution times, notes as Markdown', async () => {
    const { what } = await scene()
    const notebook = toNotebook(what) as {
      readonly cells: readonly Record<string, unknown>[]
      readonly nbformat_minor: number
    }
    expect(notebook.nbformat_minor).toBe(5)
    const ids = notebook.cells.map(({ id }) => id as string)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-zA-Z0-9-_]{1,64}$/)
    expect(notebook.cells.filter(({ cell_type }) => cell_type === 'code')).toHaveLength(3)
  })

  it(
    'is valid against its schema and opens in tools of Jupyter',
    async ({ skip }) => {
      const python = await jupyter()
      if (python === null) return skip('the tools of Jupyter could not be installed')
      const { what } = await scene()
      const file = join(temporaryFolder(), 'run.ipynb')
      writeFileSync(file, JSON.stringify(toNotebook(what)))
      const code =
        'import sys, nbformat; nb = nbformat.read(sys.argv[1], as_version=nbformat.NO_CONVERT); nbformat.validate(nb); print(nb.nbformat, nb.nbformat_minor, len(nb.cells))'
      const valid = spawnSync(python, ['-W', 'error', '-c', code, file], { encoding: 'utf8' })
      expect(valid).toMatchObject({ status: 0, stdout: '4 5 9\n' })
      const html = spawnSync(python, ['-m', 'nbconvert', '--to', 'html', file], {
        encoding: 'utf8',
        env: { ...process.env, HOME: temporaryFolder() },
      })
      expect(html.status, html.stderr).toBe(0)
      const page = readFileSync(file.replace(/ipynb$/, 'html'), 'utf8')
      expect(page).toContain('line 99')
      expect(page).toContain('<strong>Seen before</strong>')
      expect(existsSync(file)).toBe(true)
    },
    2 * makeMs,
  )
})

describe('a replay', () => {
  it('tells what happened in order, with outputs, and never waits long', async () => {
    const { folder } = await scene()
    const all = [...happenings(folder, 2)]
    const words = all.flatMap(({ lines }) => lines).join('\n')
    expect(words).toMatch(
      /the run begins, by ada[\s\S]*#1 Audit[\s\S]*#1 done[\s\S]*#2 failed[\s\S]*#3 unknown[\s\S]*line 99[\s\S]*note by ada on #2/,
    )
    expect(words).toContain('… 98 lines before')
    const [a, b] = [all[0], all[1]].map((each) => each as NonNullable<typeof each>)
    if (a === undefined || b === undefined) throw new Error('nothing happened')
    expect(waitMs(null, a, 1)).toBe(0)
    expect(waitMs(a, b, 10)).toBeCloseTo((b.atMs - a.atMs) / 10)
    expect(waitMs(a, { ...b, atMs: a.atMs + 3_600_000 }, 1)).toBe(longestWaitMs)
    expect(waitMs(a, b, 0)).toBe(0)
  })
})
