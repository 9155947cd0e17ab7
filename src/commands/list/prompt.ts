import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec } from '../types.ts'

/** The prompt, on every screen, on its own and for one expression. */
export const promptCommands: readonly CommandSpec[] = [
  command({
    id: 'prompt.open',
    title: 'Prompt',
    description:
      'JavaScript and TypeScript with the run in scope; "! cmd" runs a line on the current host, "!! cmd" one here, ":" a command of kx.',
    args: noArgs,
    keys: ['>'],
    innerKeys: [
      ['enter', 'run the entry; a new line where it is not complete'],
      ['alt+enter', 'a new line (also Ctrl-J)'],
      ['tab', 'complete names, members, hosts, runs, files, recipes'],
      ['right', 'take the rest of an earlier entry that is shown behind the cursor'],
      ['up', 'the entry before (also Ctrl-P); Down and Ctrl-N go forward'],
      ['ctrl+r', 'search the history: words, host:NAME, exit:ok, exit:failed, run:ID; again: older'],
      ['ctrl+c', 'clear the line; else interrupt what runs, variables kept; again: end the worker'],
      ['pageup', 'scroll back in what was shown; Page Down goes forward'],
      ['ctrl+d', 'leave, on an empty line'],
      ['esc', 'close the prompt; what runs in it goes on'],
    ],
    where: 'global',
    risk: 'read',
    cli: ['repl'],
  }),
  command({
    id: 'prompt.eval',
    title: 'Evaluate',
    description:
      'Evaluates one expression as the prompt does and prints its value; with --json as JSON. Exit 1: it threw; 4: it did not end in time.',
    args: () =>
      z.strictObject({
        expression: z.string().min(1).describe('what would be typed at the prompt'),
        timeoutSeconds: z.number().positive().max(86_400).default(60).describe('how long it may take'),
      }),
    positional: ['expression'],
    where: [],
    risk: 'change',
    cli: ['eval'],
    run: async (env, args) => (await import('../repl-eval.ts')).evaluateOnce(env, args),
  }),
  command({
    id: 'history.save',
    title: 'Save entries',
    description:
      'Makes the last entries of the prompt a recipe of the project (:save recipe NAME), or a note with their results in the notebook of the run (:save note).',
    args: () =>
      z.strictObject({
        as: z.enum(['recipe', 'note']).describe('what they become'),
        name: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits and dashes')
          .optional()
          .describe('id of the new recipe'),
        last: z.number().int().min(1).max(200).default(5).describe('how many entries, the newest'),
        match: z.string().default('').describe('only those that match: words, host:NAME, exit:ok, run:ID'),
      }),
    positional: ['as', 'name'],
    where: [],
    risk: 'change',
    cli: ['save'],
    run: async (env, args) => (await import('../save-entries.ts')).saveEntries(env, args),
  }),
]
