import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec } from '../types.ts'

/** Choices of the compare screen, which the workbench itself keeps. */
export const chosen = (
  id: string,
  title: string,
  description: string,
  keys: readonly string[],
  hint: string,
): CommandSpec => command({ id, title, description, args: noArgs, keys, where: ['compare'], risk: 'read', hint })

/** What stands in the table of the compare screen, and in which order. */
export const tableCommands: readonly CommandSpec[] = [
  chosen(
    'compare.unfold',
    'Open or close a group',
    'Shows the runs of the group beside the baseline behind it, or hides them; of the baseline where it stands alone.',
    ['r'],
    'group',
  ),
  chosen(
    'compare.groups',
    'Groups or runs',
    'One column for runs that differ by their seeds alone, or one for each run.',
    ['R'],
    'groups or runs',
  ),
  chosen(
    'compare.sort',
    'Sort by this row',
    'Puts the columns in the order of the metric (the best first) or setting under the cursor; again the other way round, then as found.',
    ['s'],
    'sort',
  ),
  chosen('compare.order', 'Sort by name, start, cost', 'Name, then start, then cost, then as found.', ['S'], 'order'),
  command({
    id: 'compare.best',
    title: 'Only the best',
    description:
      'Narrows to the best runs, or groups, by the metric under the cursor; once more shows all again. The best of many are so in part by luck.',
    args: () =>
      z.strictObject({
        count: z.number().int().min(1).max(100_000).optional().describe('how many'),
        by: z.string().min(1).optional().describe('metric that says which are the best'),
      }),
    positional: ['count', 'by'],
    keys: ['B'],
    where: ['compare'],
    risk: 'read',
    hint: 'best',
  }),
  chosen('compare.pin', 'Pin the column', 'Keeps the column beside the baseline there, or lets it go.', ['f'], 'pin'),
  command({
    id: 'compare.columns',
    title: 'Columns by name',
    description: 'Shows the runs whose names match a regular expression; once more shows all again.',
    args: () => z.strictObject({ pattern: z.string().min(1).optional().describe('regular expression') }),
    positional: ['pattern'],
    keys: ['c'],
    where: ['compare'],
    risk: 'read',
    hint: 'columns',
  }),
  chosen(
    'compare.ignore',
    'Ignore this setting',
    'Leaves the setting under the cursor out, also of what makes a group; on one that is left out takes it back.',
    ['i'],
    'ignore',
  ),
  chosen(
    'compare.words',
    'Differences word by word',
    'Shows what changed within the value under the cursor, against the baseline: [-gone-] and {+new+}.',
    ['w'],
    'words',
  ),
  command({
    id: 'compare.keep',
    title: 'Keep this view',
    description:
      'Keeps the runs or the query, baseline, order, pins, filters, figure, axis and groups under a name in the project (.kx/views), in the place of a view that was called so.',
    args: () =>
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, - _ and . stand in a name')
          .describe('name of the view'),
      }),
    positional: ['name'],
    keys: ['K'],
    where: ['compare'],
    risk: 'read',
    hint: 'keep',
  }),
  chosen('compare.saved', 'Saved views', 'Lists the views that were kept, and leaves the list again.', ['C'], 'views'),
  command({
    id: 'compare.export',
    title: 'Export',
    description: 'Writes the comparison as it is shown to a file, and says where.',
    args: () =>
      z.strictObject({
        format: z.enum(['md', 'csv', 'json', 'html']).describe('Markdown, a table, JSON, or one page with curves'),
        file: z.string().min(1).optional().describe('file to write; by itself comparison in the project'),
      }),
    positional: ['format', 'file'],
    keys: ['e'],
    where: ['compare'],
    risk: 'read',
    hint: 'export',
  }),
]
