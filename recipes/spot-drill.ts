import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { runSaveHook, saveHookOf } from './parts/save-hook.ts'

/** Holds the save hook against the time that a notice leaves. */
export const recipe = defineRecipe({
  id: 'spot-drill',
  title: 'Spot-notice drill',
  runbook: {
    when: 'Before a run on machines that may be taken away, and after every change of its save hook.',
    touches:
      'Runs the save hook of the plan on the host, once, as the guard would, with the secrets that the run was handed: it writes what it always writes, to where it saves. No unit is stopped and no machine is parked. The hook is killed when the notice would be over.',
    back: 'What the hook saved stays: it is a newer copy of what is saved anyway.',
  },
  parameters: z.object({
    noticeSeconds: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .default(120)
      .describe('time between the notice and the end: 120 on AWS, 30 on Google Cloud and Azure'),
  }),
  cells: [
    {
      name: 'save',
      title: 'Run the save hook against the clock',
      risk: 'change',
      timeoutSeconds: 3700,
      plan: async (context): Promise<CellPlan> => {
        const hook = await saveHookOf(context)
        if (hook === null)
          return {
            change: 'no',
            lines: ['The plan of this run has no save hook: nothing would be saved on a notice.'],
            foundBy: 'probe',
          }
        const line = `Runs ${hook.path}, its own limit ${hook.limitSeconds ?? 'unknown'} s.`
        return { change: 'yes', lines: [line], foundBy: 'probe', targets: [hook.target] }
      },
      run: async (context) => {
        const { noticeSeconds } = context.parameters
        const hook = await saveHookOf(context)
        if (hook === null || context.targets.length === 0)
          return context.fail('The plan of this run has no save hook.', 'Name one under save in kx.yaml.')
        if (!context.targets.includes(hook.target))
          return context.fail('The save hook is another one than a moment ago.', 'Nothing was run.')
        const saved = await runSaveHook(context, hook, noticeSeconds)
        await context.record('save', saved)
        if (saved.isLate)
          return context.fail(
            `The save hook was not over after ${noticeSeconds} s.`,
            'Save less, to a nearer place, or more often: a notice would cut it.',
          )
        if (saved.code !== 0)
          return context.fail(
            `The save hook ended with code ${saved.code}: ${saved.lastLine ?? 'it said nothing'}`,
            'Read guard/save.log in the folder of the run.',
          )
        return { summary: `saved in ${saved.seconds.toFixed(1)} s of ${noticeSeconds} s` }
      },
      probe: async ({ results }) => (results.save?.save === undefined ? 'unknown' : 'done'),
    },
  ],
})
