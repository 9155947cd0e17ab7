import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { byKx, clean, folderOf, looksOnly } from './parts/ask.ts'
import { eachOf, readText, unitsThere } from './parts/files.ts'
import { objectOf } from './parts/metrics.ts'

/** Computes an aggregate once more from the results of the units, and verifies what was pulled. */
export const recipe = defineRecipe({
  id: 'aggregate-verify',
  title: 'Aggregate and verify',
  runbook: {
    when: 'Before a number of a run is told to anybody, and before a teardown.',
    touches:
      'Nothing on the host. It reads result.json of every unit, computes mean and spread, holds the mean against the aggregate that the run wrote, and has kx verify what was pulled.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    metric: z.string().min(1).describe('metric by its name in result.json'),
    file: z
      .string()
      .default('')
      .describe('JSON file of the aggregate, relative to the folder of the run; none: only computed'),
    key: z.string().default('').describe('its name in that file; dots go into objects; the metric by default'),
    tolerance: z.number().min(0).default(1e-6).describe('allowed relative difference'),
    pulled: z.boolean().default(true).describe('verify what was pulled, too'),
  }),
  serves: [{ rule: 'suspect-finish' }],
  cells: [
    {
      name: 'aggregate',
      title: 'Compute it again',
      risk: 'read',
      timeoutSeconds: 900,
      plan: looksOnly(),
      run: async (context) => {
        const { metric, file, key, tolerance } = context.parameters
        const units = await unitsThere(context)
        const values = await eachOf(units, 8, async (unit) => {
          const read = await readText(context, `${folderOf(context)}/units/${unit}/result.json`)
          const value = read === null ? undefined : objectOf(read.text)?.[metric]
          return typeof value === 'number' ? value : null
        })
        const missing = units.filter((_, i) => values[i] === null)
        const known = values.filter((value) => value !== null)
        if (missing.length > 0 || known.length === 0)
          return context.fail(
            `${missing.length} of ${units.length} units have no ${metric}: ${missing.slice(0, 10).join(', ')}.`,
            'An aggregate over a part is another number: finish them, or say which are left out.',
          )
        const mean = known.reduce((sum, value) => sum + value, 0) / known.length
        const spread = Math.sqrt(
          known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, known.length - 1),
        )
        await context.record('aggregate', { metric, units: known.length, mean, spread })
        context.say(`${metric}: mean ${mean}, standard deviation ${spread}, ${known.length} units`)
        if (file === '') return { summary: `mean ${mean} over ${known.length} units; not compared` }
        if (file.startsWith('/') || file.split('/').includes('..'))
          return context.fail('The file must lie in the folder of the run.')
        const read = await readText(context, `${folderOf(context)}/${file}`)
        if (read === null) return context.fail(clean(`${file} is not there.`))
        let at: unknown = objectOf(read.text)
        for (const part of (key === '' ? metric : key).split('.'))
          at =
            typeof at === 'object' && at !== null && Object.hasOwn(at, part)
              ? (at as Record<string, unknown>)[part]
              : undefined
        if (typeof at !== 'number') return context.fail(clean(`${file} holds no number ${key === '' ? metric : key}.`))
        if (Math.abs(at - mean) > tolerance * Math.max(Math.abs(at), Math.abs(mean)))
          return context.fail(
            clean(`${file} says ${at}, the units say ${mean}.`),
            'It was made from other results, from a part of them, or in another way: read what made it.',
          )
        return { summary: `mean ${mean} over ${known.length} units, as ${file} says` }
      },
    },
    {
      name: 'pulled',
      title: 'Verify what was pulled',
      risk: 'read',
      timeoutSeconds: 3600,
      when: ({ parameters }) => (parameters.pulled ? true : 'not asked for'),
      plan: looksOnly('Reads every pulled file again.'),
      run: async (context) => ({
        summary: (await byKx(context, 'transfer.verify', { host: context.host.name })).summary,
      }),
    },
  ],
})
