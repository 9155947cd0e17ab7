import { join } from 'node:path'
import { type HistoryEntry, openHistory } from '../repl/history.ts'
import type { ActResult } from '../run/act.ts'
import { userFolders } from '../session/paths.ts'
import { formatTime, plural } from '../text/format.ts'
import { parseLine, validateArgs } from './line.ts'
import { allCommands } from './list/all.ts'
import { clean, notebookAt, orRefused } from './notebook-at.ts'
import { openForWriting } from './open.ts'
import type { CommandEnvironment } from './types.ts'

type SavedEntry = import('../recipe/from-entries.ts').SavedEntry

export interface SaveArgs {
  readonly as: 'recipe' | 'note'
  readonly name?: string | undefined
  readonly last: number
  readonly match: string
}

/** Last lines of an output that go into a note. */
const outputLines = 20

const refused = (summary: string, exitCode: 1 | 2 = 1): ActResult => ({ summary, exitCode, data: null })

/** `:save`: the newest entries of this project, oldest first, as a recipe or a note. */
export async function saveEntries(env: CommandEnvironment, args: SaveArgs): Promise<ActResult> {
  const entries = openHistory(join(userFolders(process.env).state, 'repl-history.jsonl'))
    .search(args.match)
    .filter(({ projectFolder, text }) => projectFolder === env.projectFolder && !/^:\s*save\b/.test(text))
    .slice(0, args.last)
    .toReversed()
  if (entries.length === 0) return refused('no entry of the prompt in this project fits; :save keeps what was entered')
  return args.as === 'note' ? saveNote(env, entries) : saveRecipe(env, args.name, entries)
}

async function saveRecipe(
  env: CommandEnvironment,
  id: string | undefined,
  entries: readonly HistoryEntry[],
): Promise<ActResult> {
  if (id === undefined) return refused('a recipe needs a name: :save recipe NAME', 2)
  const [{ recipeFromEntries, whyNotInRecipe }, { newRecipeTest }, { checkRecipeCommand, writeNewRecipe }] =
    await Promise.all([import('../recipe/from-entries.ts'), import('../recipe/new.ts'), import('./recipes.ts')])
  const saved: SavedEntry[] = []
  for (const { text } of entries) {
    const entry = savedEntry(text)
    const why = typeof entry === 'string' ? entry : whyNotInRecipe(entry)
    if (why !== null || typeof entry === 'string')
      return refused(`"${text.split('\n')[0]}" cannot stand in a recipe: ${why}. Leave it out with --last or --match.`)
    saved.push(entry)
  }
  const written = writeNewRecipe(env, id, recipeFromEntries(id, saved), newRecipeTest(id, []))
  if (written.exitCode !== 0) return written
  const checked = await checkRecipeCommand(env, { recipe: id })
  return {
    ...written,
    summary: `${plural(entries.length, 'entry', 'entries')} in recipes/${id}.mjs; ${checked.summary}`,
    exitCode: checked.exitCode,
    lines: [...(checked.lines ?? []), ...(written.lines ?? []), 'say in it what its steps change, and how to get back'],
  }
}

/** An entry in the terms of a recipe, or why it has none. */
function savedEntry(text: string): SavedEntry | string {
  const shell = /^\s*(!!?)\s+(.*)$/s.exec(text)
  if (shell !== null) return { kind: 'shell', where: shell[1] === '!!' ? 'here' : 'host', line: shell[2] ?? '' }
  if (!text.trimStart().startsWith(':')) return { kind: 'code', source: text }
  const parsed = parseLine(allCommands().specs, text.trimStart().slice(1))
  if (!parsed.ok) return parsed.text
  const { spec, args } = parsed.parsed
  const checked = validateArgs(spec, args)
  if (!checked.ok) return checked.text
  return spec.run === undefined
    ? 'it is a command of the workbench'
    : { kind: 'command', id: spec.id, args: checked.parsed.args, text }
}

/** A note beside the run: each entry, how it ended, and the end of what it printed where the run has its cell. */
function saveNote(env: CommandEnvironment, entries: readonly HistoryEntry[]): Promise<ActResult> {
  return orRefused(async () => {
    const { runId, projectFolder, folder, state, secrets } = await notebookAt(env, null)
    const { readOutput } = await import('../notebook/outputs.ts')
    const parts = entries.map(({ text, atMs, host, ending }) => {
      const cell = state.cells.findLast(({ started }) => started.name === 'repl' && started.source?.trim() === text)
      const number = cell === undefined ? '' : `, #${state.cells.indexOf(cell) + 1}`
      const output = cell === undefined ? null : readOutput(folder, cell.started.cellId, outputLines)
      const printed = output === null ? [] : ['', ...fenced('text', output.lines.join('\n'))]
      const language = /^\s*!!?\s/.test(text) ? 'sh' : /^\s*:/.test(text) ? 'text' : 'js'
      return [...fenced(language, text), '', `${formatTime(atMs)} on ${host}: ${ending}${number}`, ...printed].join(
        '\n',
      )
    })
    const text = clean(['## From the prompt', ...parts].join('\n\n'), secrets)
    const run = await openForWriting({ projectFolder }, runId)
    try {
      await run.append('cell.noted', { cellId: null, text, by: env.who })
    } finally {
      await run.close()
    }
    return {
      summary: `${plural(entries.length, 'entry', 'entries')} noted beside ${runId}`,
      exitCode: 0,
      data: { runId, text },
    }
  })
}

/** A block of code whose fence is longer than any in it. */
function fenced(language: string, text: string): readonly string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([found]) => found.length))
  const fence = '`'.repeat(longest + 1)
  return [`${fence}${language}`, text, fence]
}
