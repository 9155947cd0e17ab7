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
]
