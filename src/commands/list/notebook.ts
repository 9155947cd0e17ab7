import { z } from 'zod'
import { command } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsRun = ({ run }: CommandState) => (run === null ? 'no run is open; open one on the home screen (0)' : null)
const needsCell = (s: CommandState) =>
  s.screen !== 'notebook' ? null : (needsRun(s) ?? ((s.run?.cells.length ?? 0) === 0 ? 'nothing was done yet' : null))

const cell = () => z.string().min(1).describe('number of the cell, its id, or run#cell')
const run = () => z.string().min(1).optional().describe('run id, or the beginning of one; the open run by default')
const filter = () =>
  z
    .string()
    .default('')
    .describe(
      'words that all must hold: failed, today, marked, host:NAME, phase:NAME, who:NAME, or any text; ! turns one round',
    )
const here = ['notebook'] as const

/** What is done with the record of a run: everything that was done in it, each act a cell. */
export const notebookCommands: readonly CommandSpec[] = [
  command({
    id: 'cell.list',
    title: 'List cells',
    description: 'Everything that was done in a run, oldest first, or what a filter lets through.',
    args: () => z.strictObject({ filter: filter() }),
    positional: ['filter'],
    where: [],
    risk: 'read',
    cli: ['cell', 'list'],
    besides: 'any',
    isCliDefault: true,
    run: async (env, args) => (await import('../notebook.ts')).listCells(env, args),
  }),
  command({
    id: 'cell.show',
    title: 'Show a cell',
    description: 'The whole record of one cell, and the end of its output.',
    args: () =>
      z.strictObject({
        cell: cell(),
        lines: z.number().int().min(0).default(200).describe('last lines of the output; 0: all'),
      }),
    positional: ['cell'],
    keys: ['i'],
    where: here,
    hint: 'record',
    risk: 'read',
    cli: ['cell', 'show'],
    besides: 'any',
    isShownWhole: true,
    disabled: needsCell,
    run: async (env, args) => (await import('../notebook.ts')).showCell(env, args),
  }),
  command({
    id: 'cell.search',
    title: 'Search cells',
    description: 'Finds a text in what was asked for and in everything that was printed, the newest cells first.',
    args: () =>
      z.strictObject({
        text: z.string().min(1).describe('what to look for, letter for letter'),
        regex: z.boolean().default(false).describe('it is a regular expression'),
        filter: filter(),
        most: z.number().int().min(1).max(10_000).default(500).describe('places that are shown'),
      }),
    positional: ['text'],
    keys: ['s'],
    where: here,
    hint: 'search',
    risk: 'read',
    cli: ['cell', 'search'],
    besides: 'any',
    disabled: needsRun,
    run: async (env, args) => (await import('../notebook-search.ts')).searchCells(env, args),
  }),
  command({
    id: 'cell.note',
    title: 'Write a note',
    description: 'Markdown beside a cell, or beside the run where no cell is named; it goes into the record.',
    args: () =>
      z.strictObject({
        cell: cell().optional(),
        text: z.string().optional().describe('the note, in Markdown; asked for where it is missing'),
      }),
    positional: ['cell', 'text'],
    keys: ['n'],
    where: here,
    hint: 'note',
    risk: 'change',
    cli: ['cell', 'note'],
    besides: 'any',
    disabled: needsRun,
    run: async (env, args) => (await import('../notebook.ts')).noteCell(env, args),
  }),
  command({
    id: 'cell.bookmark',
    title: 'Bookmark',
    description: 'Puts a bookmark on a cell, or takes it away.',
    args: () => z.strictObject({ cell: cell() }),
    positional: ['cell'],
    keys: ['b'],
    where: here,
    risk: 'change',
    cli: ['cell', 'bookmark'],
    besides: 'any',
    disabled: needsCell,
    run: async (env, args) => (await import('../notebook.ts')).bookmarkCell(env, args),
  }),
  command({
    id: 'cell.diff',
    title: 'Compare executions',
    description: 'What two cells printed differently; of one cell, against the same act as it was run before.',
    args: () => z.strictObject({ cell: cell(), other: cell().optional() }),
    positional: ['cell', 'other'],
    keys: ['d'],
    where: here,
    hint: 'diff',
    risk: 'read',
    cli: ['cell', 'diff'],
    besides: 'any',
    isShownWhole: true,
    disabled: needsCell,
    run: async (env, args) => (await import('../notebook.ts')).diffCells(env, args),
  }),
  command({
    id: 'cell.cancel',
    title: 'End a cell',
    description:
      'Ends the process group that a running cell left on record: TERM, grace, KILL, then seen gone. Also of a kx that died, and of another one.',
    args: () =>
      z.strictObject({
        cell: cell(),
        graceSeconds: z.number().min(0).max(600).default(10).describe('time between TERM and KILL'),
      }),
    positional: ['cell'],
    keys: ['X'],
    where: here,
    risk: 'change',
    cli: ['cell', 'cancel'],
    besides: 'any',
    disabled: needsCell,
    run: async (env, args) => (await import('../notebook-cancel.ts')).cancelCell(env, args),
  }),
  command({
    id: 'cell.rerun',
    title: 'Run a cell again',
    description: 'The same act once more, with its arguments shown to be changed first; it becomes a new cell.',
    args: () =>
      z.strictObject({
        cell: cell(),
        with: z.string().optional().describe('arguments that differ: JSON, or name=value'),
      }),
    positional: ['cell', 'with'],
    keys: ['r'],
    where: here,
    hint: 'run again',
    risk: 'change',
    cli: ['cell', 'rerun'],
    disabled: needsCell,
    run: async (env, args) => (await import('../notebook.ts')).rerunCell(env, args),
  }),
  command({
    id: 'notebook.next-failed',
    title: 'Next error',
    description: 'Goes to the next cell that failed or of which the end is unknown; from the last one to the first.',
    args: () => z.strictObject({}),
    keys: ['e'],
    where: here,
    hint: 'next error',
    risk: 'read',
    disabled: needsCell,
  }),
  command({
    id: 'notebook.export',
    title: 'Export the notebook',
    description:
      'A report in Markdown, a Jupyter notebook, or lines of JSON; on a terminal it is printed unless a file is named.',
    args: () =>
      z.strictObject({
        run: run(),
        format: z.enum(['markdown', 'ipynb', 'jsonl']).default('markdown'),
        out: z.string().min(1).optional().describe('file to write; one that is there is kept without --force'),
        filter: filter(),
        lines: z.number().int().min(0).default(60).describe('last lines of each output; 0: all'),
        force: z.boolean().default(false).describe('write over a file that is there'),
      }),
    positional: ['run'],
    keys: ['w'],
    where: here,
    hint: 'export',
    risk: 'read',
    cli: ['export'],
    besides: 'any',
    disabled: (s) => (s.screen === 'notebook' ? needsRun(s) : null),
    run: async (env, args) => (await import('../notebook-export.ts')).exportNotebook(env, args),
  }),
  command({
    id: 'run.replay',
    title: 'Replay a run',
    description: 'Shows a run as it happened, so many times as fast; a wait is never longer than two seconds.',
    args: () =>
      z.strictObject({
        run: run(),
        speed: z.number().min(0).default(60).describe('how many times as fast as it was; 0: at once'),
        lines: z.number().int().min(0).default(10).describe('last lines of each output'),
      }),
    positional: ['run'],
    where: here,
    risk: 'read',
    cli: ['replay'],
    besides: 'any',
    isShownWhole: true,
    disabled: (s) => (s.screen === 'notebook' ? needsRun(s) : null),
    run: async (env, args) => (await import('../notebook-export.ts')).replayRun(env, args),
  }),
  command({
    id: 'journal.verify',
    title: 'Verify the journal',
    description:
      'Follows the chain of the journal from its first line, and says where it broke. Exit 1: it is not whole.',
    args: () => z.strictObject({ run: run() }),
    positional: ['run'],
    where: here,
    risk: 'read',
    cli: ['journal', 'verify'],
    besides: 'any',
    isShownWhole: true,
    run: async (env, args) => (await import('../notebook-export.ts')).verifyChain(env, args),
  }),
]
