import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/commands/open.ts'
import { type SaveArgs, saveEntries } from '../../../src/commands/save-entries.ts'
import type { CommandEnvironment } from '../../../src/commands/types.ts'
import { openHistory } from '../../../src/repl/history.ts'
import { createRun, runFolder } from '../../../src/run/folder.ts'
import { readRunState } from '../../../src/run/reader.ts'
import { userFolders } from '../../../src/session/paths.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kx-save-'))
  vi.stubEnv('HOME', folder)
  for (const name of ['STATE', 'CONFIG', 'CACHE']) vi.stubEnv(`XDG_${name}_HOME`, join(folder, name))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

/** As they were typed, one after the other. */
function typed(texts: readonly string[], projectFolder = folder): void {
  const history = openHistory(join(userFolders(process.env).state, 'repl-history.jsonl'))
  for (const [at, text] of texts.entries())
    history.add({ atMs: at, text, projectFolder, runId: null, host: 'gpu', ending: 'ok', durationMs: 1 })
}
const save = (args: Partial<SaveArgs>, runId: string | null = null) =>
  saveEntries({ projectFolder: folder, runId, who: 'ada', via: 'prompt' } as unknown as CommandEnvironment, {
    as: 'recipe',
    last: 5,
    match: '',
    ...args,
  })
const recipe = (name: string) => readFileSync(join(folder, 'recipes', `${name}.mjs`), 'utf8')
const titles = (text: string) =>
  [...text.matchAll(/^ {6}title: (.*),$/gm)].map(([, title]) => JSON.parse(title ?? '""'))

describe(':save recipe', () => {
  it('takes the newest of this project, oldest first, and leaves out what saved before', async () => {
    typed(['! ls', '!! df -h', ':patrol', ': save recipe old'])
    typed(['! rm -rf other'], join(folder, 'other'))
    const saved = await save({ name: 'kept', last: 2 })
    expect(saved).toMatchObject({ summary: expect.stringMatching(/^2 entries in recipes\/kept\.mjs; /) })
    expect(titles(recipe('kept'))).toEqual(['df -h', ':patrol'])
    expect(recipe('kept')).toContain('await local$`df -h`')
    expect(existsSync(join(folder, 'recipes', 'kept.test.mjs'))).toBe(true)
    // The recipe loads; what is to be thought about is said, and nothing of it is an error.
    expect(saved.summary).toContain('kept.mjs: 0 errors')
    expect(saved.exitCode).toBe(0)
    expect(saved.lines?.at(-1)).toContain('say in it what its steps change')
  })

  it('takes those that match, and says when none does', async () => {
    typed(['! ls', '! nvidia-smi', 'const a = 1'])
    await save({ name: 'smi', match: 'nvidia' })
    expect(titles(recipe('smi'))).toEqual(['nvidia-smi'])
    expect(await save({ name: 'none', match: 'absent' })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('no entry of the prompt'),
    })
  })

  it('refuses, and writes nothing, where an entry has no place in a recipe', async () => {
    for (const [text, why] of [
      ['table([1])', 'table is of the prompt only'],
      [':no-such-command', 'no command'],
      [':go.patrol', 'it is a command of the workbench'],
      [':recipe.show --nothing', 'recipe.show'],
    ] as const) {
      typed([text])
      const refused = await save({ name: 'kept', last: 1 })
      expect(refused, text).toMatchObject({ exitCode: 1, summary: expect.stringContaining('cannot stand in a recipe') })
      expect(refused.summary).toContain(why)
      expect(refused.summary).toContain('--last or --match')
    }
    expect(existsSync(join(folder, 'recipes'))).toBe(false)
  })

  it('wants a name, and takes none that is there', async () => {
    typed(['! ls'])
    expect(await save({})).toMatchObject({ exitCode: 2, summary: expect.stringContaining(':save recipe NAME') })
    await save({ name: 'kept' })
    const before = recipe('kept')
    typed(['! df'])
    expect(await save({ name: 'kept' })).toMatchObject({
      exitCode: 1,
      summary: expect.stringContaining('is there already'),
    })
    expect(recipe('kept')).toBe(before)
  })
})

describe(':save note', () => {
  it('puts entries with their ends beside the run, in fences that nothing in them closes', async () => {
    const about = { projectFolder: folder, project: 'demo', planName: 'demo', planText: 'name: demo\n', by: 'ada' }
    const run = await createRun({ ...about, clock: systemClock })
    await run.close()
    typed(['! ls', 'say("```")', ':patrol'])
    expect(await save({ as: 'note' }, run.id)).toMatchObject({
      exitCode: 0,
      summary: `3 entries noted beside ${run.id}`,
    })
    const [note] = readRunState(runFolder(folder, run.id))?.cellNotes ?? []
    expect(note).toMatchObject({ by: 'ada' })
    expect(note?.text).toMatch(
      /^## From the prompt\n\n```sh\n! ls\n```\n\n.* on gpu: ok\n\n````js\nsay\("```"\)\n````\n/,
    )
    expect(note?.text).toMatch(/```text\n:patrol\n```\n\n.* on gpu: ok$/)
  })
})
