import { z } from 'zod'
import { command } from '../registry.ts'
import type { CommandSpec } from '../types.ts'

const runs = () =>
  z
    .array(z.string().min(1))
    .default([])
    .describe('folders, files, or ids of runs of this project; a folder may hold many. All of this project by default')
const metrics = () => z.string().optional().describe('regular expression for the names of the metrics that are shown')
const aggregator = () =>
  z.enum(['last', 'min', 'max', 'tail-mean', 'first']).default('last').describe('how a curve becomes one figure')

/** What tells runs apart, from kx itself or from whatever wrote them. Reads only. */
export const compareCommands: readonly CommandSpec[] = [
  command({
    id: 'compare.runs',
    title: 'Compare runs',
    description:
      'What differs in settings, code, environment and data, what that did to the metrics, and whether it is more than noise. Reads runs of kx, W&B, TensorBoard, MLflow, Trainer, Lightning, DVCLive, Trackio, JSON lines, CSV and logs.',
    args: () =>
      z.strictObject({
        runs: runs(),
        baseline: z
          .string()
          .optional()
          .describe('name or path of the run that others are held against; the first by default'),
        metrics: metrics(),
        aggregator: aggregator(),
        ignore: z.array(z.string().min(1)).default([]).describe('settings to leave out, besides the usual noise'),
        lower: z.array(z.string().min(1)).default([]).describe('metrics of which less is better'),
        higher: z.array(z.string().min(1)).default([]).describe('metrics of which more is better'),
        md: z.boolean().default(false).describe('Markdown, for a pull request'),
        csv: z.boolean().default(false).describe('a table: one line a run and metric'),
        failOn: z
          .array(z.string().regex(/^(better|worse|no clear difference|cannot tell|changed):?.*$/))
          .default([])
          .describe('ends with 1 for such a verdict, as in worse:val_acc'),
      }),
    positional: ['runs'],
    where: [],
    risk: 'read',
    cli: ['compare'],
    besides: 'any',
    isShownWhole: true,
    run: async (env, args) => (await import('../compare.ts')).compareCommand(env, args),
  }),
]
