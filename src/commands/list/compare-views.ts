import { z } from 'zod'
import { viewNames } from '../../compare/views/types.ts'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec } from '../types.ts'

const kept = { where: ['compare'], risk: 'read' } as const

/** Other ways to look at the compared runs, which the workbench itself keeps. */
export const compareViewCommands: readonly CommandSpec[] = [
  command({
    ...kept,
    id: 'compare.view',
    title: 'Next view',
    description:
      'Turns to the next way of looking at the runs, or to the named one: table, curves, splits (units of two runs in pairs), text (settings, code, logs of two runs), multiples (small charts of all metrics), scatter (a setting against a metric), strips (spread over seeds), parallel (coordinates).',
    args: () =>
      z.strictObject({
        view: z.enum(viewNames).optional().describe('which one; the next by default'),
      }),
    positional: ['view'],
    keys: ['v'],
    hint: 'view',
  }),
  command({
    ...kept,
    id: 'compare.view-before',
    title: 'View before',
    description: 'Turns back to the way of looking at the runs before this one.',
    args: noArgs,
    keys: ['V'],
  }),
  command({
    ...kept,
    id: 'compare.smooth',
    title: 'Smooth curves',
    description:
      'Draws curves as a running mean or median, with the raw points behind: off, mean 0.9, mean 0.97, median 9. For the eye alone: no verdict is taken from it.',
    args: noArgs,
    keys: ['t'],
    hint: 'smooth',
  }),
  command({
    ...kept,
    id: 'compare.log',
    title: 'Logarithmic axis',
    description:
      'Draws figures on a logarithmic axis, or a plain one again. What is not positive has no place there and is marked below.',
    args: noArgs,
    keys: ['u'],
    hint: 'log',
  }),
]
