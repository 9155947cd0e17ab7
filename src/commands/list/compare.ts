import { z } from 'zod'
import { command } from '../registry.ts'
import type { CommandSpec } from '../types.ts'
import { chosen, tableCommands } from './compare-table.ts'

const runs = () =>
  z
    .array(z.string().min(1))
    .default([])
    .describe(
      'folders, files, ids of runs of this project, host:path over SSH, or s3://bucket/prefix; a folder may hold many. All of this project by default',
    )
const metrics = () => z.string().optional().describe('regular expression for the names of the metrics that are shown')
const aggregator = () =>
  z.enum(['last', 'min', 'max', 'tail-mean', 'first']).default('last').describe('how a curve becomes one figure')

const grouping = () =>
  z
    .enum(['auto', 'yes', 'no'])
    .default('auto')
    .describe('whether runs that differ by their seeds alone share a column; auto: where there are such')

/** What tells runs apart, from kx itself or from whatever wrote them. Reads only. */
export const compareCommands: readonly CommandSpec[] = [
  chosen(
    'compare.pick',
    'Pick runs',
    'Lists every run that was found, and leaves the list again. There / asks by a query over settings, facts, metrics and tags (lr >= 1e-3 and format:wandb or not name~sweep, has:dropout, best(val/acc) > 0.8), Space picks, Enter compares.',
    ['p'],
    'pick',
  ),
  chosen(
    'compare.mark',
    'Pick this run',
    'In the list of runs: picks the run under the cursor, or not.',
    ['space'],
    'mark',
  ),
  command({
    id: 'compare.folders',
    title: 'Runs of other places',
    description:
      'Where runs are looked for: folders, files, ids of runs, host:path, or s3://bucket/prefix. Without any, all of this project.',
    args: () =>
      z.strictObject({
        runs: z
          .array(z.string())
          .describe('folders, files, ids of runs, host:path, or s3://bucket/prefix, with commas; empty: this project'),
      }),
    positional: ['runs'],
    keys: ['D'],
    where: ['compare'],
    risk: 'read',
    hint: 'places',
  }),
  chosen(
    'compare.baseline',
    'Make it the baseline',
    'Holds the others against the run or group beside the baseline; once more takes the one of before.',
    ['b'],
    'baseline',
  ),
  chosen(
    'compare.column',
    'Next column',
    'Puts the next run or group beside the baseline: keys act on that one.',
    ['o'],
    'next',
  ),
  chosen('compare.back', 'Column before', 'Puts the run or group before beside the baseline.', ['O'], 'before'),
  chosen(
    'compare.same',
    'Show what is the same',
    'Shows settings that do not differ as well, or hides them again.',
    ['d'],
    'same',
  ),
  chosen(
    'compare.aggregator',
    'Next aggregator',
    'How a curve becomes one figure: last, min, max, tail-mean, first.',
    ['a'],
    'figure',
  ),
  chosen(
    'compare.axis',
    'Next axis',
    'What curves are drawn over: step, epoch, tokens, relative time, time.',
    ['x'],
    'axis',
  ),
  chosen(
    'compare.next',
    'Next difference',
    'Goes to the next row that differs, and begins again at the end.',
    ['n'],
    'next difference',
  ),
  chosen('compare.previous', 'Difference before', 'Goes to the row before that differs.', ['N'], 'difference before'),
  ...tableCommands,
  chosen(
    'compare.recipe',
    'Recipe for this finding',
    'Goes to the recipe that serves the finding under the cursor; its form is filled in from it. Nothing is run yet.',
    ['F'],
    'recipe',
  ),
  chosen(
    'compare.report',
    'Report on this run',
    'The report on the run beside the baseline, held against the baseline: the text of `kx analyze`.',
    ['A'],
    'report',
  ),
  chosen('compare.whole', 'Whole comparison', 'Everything as Markdown, to read, copy or page.', ['E'], 'whole'),
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
        heed: z
          .array(z.string().min(1))
          .default([])
          .describe('settings to look at although they are called like noise'),
        where: z
          .string()
          .min(1)
          .optional()
          .describe(
            "which runs: a query over settings, facts, metrics and tags, as in 'lr >= 1e-3 and format:wandb or not name~sweep'",
          ),
        pick: z
          .array(z.string().min(1))
          .optional()
          .describe('which runs: their paths as JSON and the list of runs give them'),
        group: grouping(),
        view: z
          .string()
          .min(1)
          .optional()
          .describe('view that was kept in this project; what is said besides is stronger than what it holds'),
        keep: z.string().min(1).optional().describe('keeps what was said as a view of this name'),
        sort: z
          .string()
          .min(1)
          .optional()
          .describe(
            'order of the columns: name, start, cost, a metric (the best first) or a setting; --sort=-name reverses',
          ),
        columns: z
          .string()
          .min(1)
          .optional()
          .describe('regular expression for the names of the runs that have a column'),
        lower: z.array(z.string().min(1)).default([]).describe('metrics of which less is better'),
        higher: z.array(z.string().min(1)).default([]).describe('metrics of which more is better'),
        md: z.boolean().default(false).describe('Markdown, for a pull request'),
        csv: z.boolean().default(false).describe('a table: one line a run and metric'),
        out: z
          .string()
          .min(1)
          .optional()
          .describe('file to write; its ending says how: .md, .csv, .json or .html. None that is there is replaced'),
        html: z
          .string()
          .min(1)
          .optional()
          .describe('file to write: one HTML page with all tables and the curves, which loads nothing from elsewhere'),
        top: z.number().int().min(1).optional().describe('keeps so many of the best runs, the best first'),
        by: z
          .string()
          .min(1)
          .optional()
          .describe('metric that says which are the best; the only ranked one by default'),
        failOn: z
          .array(z.string().regex(/^(better|worse|no clear difference|cannot tell|changed):?.*$/))
          .default([])
          .describe('ends with 1 for such a verdict, as in worse:val_acc'),
        axis: z
          .enum(['step', 'epoch', 'tokens', 'relative', 'time'])
          .optional()
          .describe('all metrics at the same place of this axis, the furthest that all runs reach, or --at'),
        at: z
          .string()
          .min(1)
          .optional()
          .describe('that place: a step, an epoch, tokens, seconds after the start, or a moment; step by default'),
      }),
    positional: ['runs'],
    where: ['compare'],
    risk: 'read',
    cli: ['compare'],
    besides: 'any',
    isShownWhole: true,
    run: async (env, args) => (await import('../compare.ts')).compareCommand(env, args),
  }),
  command({
    id: 'compare.analyze',
    title: 'Report on one run',
    description:
      'What one run is, what it reached and spent, what the rules find in it, its curves, and what is missing or not to be trusted. What nobody wrote down is unknown.',
    args: () =>
      z.strictObject({
        run: z.string().min(1).describe('folder, file, id of a run of this project, host:path, or s3://bucket/prefix'),
        baseline: z.string().min(1).optional().describe('run that it is held against'),
        metrics: metrics(),
        lower: z.array(z.string().min(1)).default([]).describe('metrics of which less is better'),
        higher: z.array(z.string().min(1)).default([]).describe('metrics of which more is better'),
        md: z.boolean().default(false).describe('Markdown, for a pull request; what is printed without --json as well'),
      }),
    positional: ['run'],
    where: ['compare'],
    risk: 'read',
    cli: ['analyze'],
    besides: 'any',
    isShownWhole: true,
    run: async (env, args) => (await import('../analyze.ts')).analyzeCommand(env, args),
  }),
]
