import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, clean, folderOf, looksOnly } from './parts/ask.ts'
import { eachOf, readText, unitsThere } from './parts/files.ts'
import { readMetrics } from './parts/metrics.ts'

interface FirstBad {
  readonly unit: string
  readonly step: number
  readonly name: string
  /** Last values before it, oldest first. */
  readonly before: readonly string[]
}

async function firstBad(context: AnyContext, unit: string): Promise<FirstBad | null> {
  const read = await readText(context, `${folderOf(context)}/units/${unit}/metrics.jsonl`)
  if (read === null) return null
  const { rows, notFinite } = readMetrics(read.text)
  const first = notFinite[0]
  if (first === undefined) return null
  const before = rows
    .filter(({ step }) => step < first.step)
    .slice(-5)
    .map(
      ({ step, values }) =>
        `${step}: ${Object.entries(values)
          .filter(([name]) => name !== 'step' && name !== 'time')
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`,
    )
  return { unit, step: first.step, name: first.name, before }
}

/** Finds the step at which a value became NaN, and looks at the batch of that step. */
export const recipe = defineRecipe({
  id: 'inspect-batch',
  title: 'Inspect the batch',
  runbook: {
    when: 'A loss or metric is NaN or infinite.',
    touches:
      'Nothing. It finds the first such step of every unit: one and the same step points to the data, varying steps to rate or precision. With a command of yours, which loads the batch of a step and prints its ranges, it runs that in the code folder on the host.',
    back: 'There is nothing to take back, as far as your command only reads.',
  },
  parameters: z.object({
    command: z
      .array(z.string())
      .default([])
      .describe('words of a command that prints the batch; {step} and {unit} are replaced inside words'),
  }),
  serves: [{ rule: 'unit-nan' }],
  cells: [
    {
      name: 'steps',
      title: 'Where it began',
      risk: 'read',
      timeoutSeconds: 600,
      plan: looksOnly(),
      run: async (context) => {
        const units = await unitsThere(context)
        const bad = (await eachOf(units, 8, (unit) => firstBad(context, unit))).filter((each) => each !== null)
        await context.record('bad', bad.slice(0, 200))
        for (const { unit, step, name, before } of bad.slice(0, 20)) {
          context.say(clean(`${unit}: ${name} at step ${step}`))
          for (const line of before) context.say(clean(`  before, step ${line}`))
        }
        if (bad.length === 0) return { summary: `no NaN in the metrics of ${units.length} units` }
        const steps = new Set(bad.map(({ step }) => step))
        const points =
          bad.length === 1
            ? 'one unit alone: run it again, and see whether the step is the same'
            : steps.size === 1
              ? 'the same step each time: the data'
              : 'varying steps: rate or precision'
        return { summary: `${bad.length} of ${units.length} units, first at step ${Math.min(...steps)}; ${points}` }
      },
    },
    {
      name: 'batch',
      title: 'Look at that batch',
      risk: 'read',
      timeoutSeconds: 600,
      when: ({ parameters, results }) => {
        const bad = (results.steps?.bad ?? []) as readonly FirstBad[]
        return bad.length === 0
          ? 'there is no such step'
          : parameters.command.length === 0
            ? 'no command was named'
            : true
      },
      plan: looksOnly('Runs the command that you named.'),
      run: async (context) => {
        const first = ((context.results.steps?.bad ?? []) as readonly FirstBad[])[0]
        if (first === undefined) return { summary: 'there is no such step' }
        const words = context.parameters.command.map((word) =>
          word.replaceAll('{step}', String(first.step)).replaceAll('{unit}', first.unit),
        )
        await context.$({ cwd: `${folderOf(context)}/code` })`${words}`
        return { summary: `batch of step ${first.step} of ${first.unit}` }
      },
    },
  ],
})
