import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, byKx, looksOnly } from './parts/ask.ts'
import { lookAtRun } from './parts/run-look.ts'

const relaunched = 'Launches again: what is finished is skipped, the rest goes on from its checkpoints.'

async function planOfLaunch(context: AnyContext): Promise<CellPlan> {
  const look = await lookAtRun(context)
  const say = (change: CellPlan['change'], line: string, targets: readonly string[] = []): CellPlan => ({
    change,
    lines: [line],
    foundBy: 'probe',
    targets,
  })
  if (!look.isFolderThere) return say('unknown', 'The folder of the run is not there: this may be another machine.')
  if (look.hasEnded) return say('no', 'The run has ended.')
  if (look.runner === 'alive') return say('no', 'The runner works.')
  if (look.unitsAlive > 0)
    return say('no', `The runner is gone and ${look.unitsAlive} units go on: let them end first.`)
  if (look.runner === 'unknown') return say('unknown', 'It cannot be told whether a runner was ever here.')
  return say('yes', relaunched, [`boot ${look.boot ?? 'unknown'}`])
}

/** Takes a run up again after its machine was started anew. */
export const recipe = defineRecipe({
  id: 'reattach',
  title: 'Re-attach after a reboot',
  runbook: {
    when: 'The machine of a run was started anew (or stopped and started), and the run has not ended.',
    touches:
      'Looks first that folder, boot id and runner tell of a reboot. Then arms the guard of the lease again, launches what is not finished, and looks once. Where the runner still works, or units go on without it, nothing is started.',
    back: 'Abort the run (kx abort); results so far stay, and a launch resumes it.',
  },
  parameters: z.object({}),
  serves: [{ rule: 'dead' }, { rule: 'guard-gone' }, { rule: 'stalled' }],
  cells: [
    {
      name: 'look',
      title: 'What is left of it',
      risk: 'read',
      timeoutSeconds: 60,
      plan: looksOnly(),
      run: async (context) => {
        const look = await lookAtRun(context)
        await context.record('look', look)
        if (!look.isFolderThere)
          return context.fail(
            `The folder of the run is not on ${context.host.name}.`,
            'Compare the machines before anything else (host-identity): its disk may be gone, or it may be another one.',
          )
        const boot = look.isSameBoot === null ? 'boot unknown' : look.isSameBoot ? 'same boot' : 'started anew since'
        context.say(`runner ${look.runner}, guard ${look.guard}, ${look.unitsAlive} units alive, ${boot}`)
        return { summary: look.hasEnded ? 'the run has ended' : `runner ${look.runner}, ${boot}` }
      },
    },
    {
      name: 'guard',
      title: 'Arm the guard again',
      risk: 'change',
      timeoutSeconds: 120,
      when: async (context) => {
        const { guard, hasEnded } = await lookAtRun(context)
        return hasEnded
          ? 'the run has ended'
          : guard === 'gone'
            ? true
            : guard === 'alive'
              ? 'it watches'
              : 'this run has none'
      },
      plan: async (context) => {
        const { guard, hasEnded } = await lookAtRun(context)
        return guard === 'gone' && !hasEnded
          ? {
              change: 'yes',
              lines: ['Starts the guard of the lease; the time without it counts.'],
              foundBy: 'probe',
              targets: ['guard'],
            }
          : { change: 'no', lines: [hasEnded ? 'The run has ended.' : `The guard is ${guard}.`], foundBy: 'probe' }
      },
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'nothing to arm' }
        return { summary: (await byKx(context, 'lease.arm')).summary }
      },
      probe: async (context) => ((await lookAtRun(context)).guard === 'alive' ? 'done' : 'not-done'),
    },
    {
      name: 'launch',
      title: 'Launch what is not finished',
      risk: 'change',
      timeoutSeconds: 600,
      plan: planOfLaunch,
      run: async (context) => {
        const plan = await planOfLaunch(context)
        if (plan.change === 'unknown') return context.fail(plan.lines[0] ?? 'It cannot be told how the run is.')
        if (context.targets.length === 0) return { summary: plan.lines[0] ?? 'nothing to launch' }
        return { summary: (await byKx(context, 'launch.start', { host: context.host.name })).summary }
      },
      probe: async (context) => {
        const { runner } = await lookAtRun(context)
        return runner === 'alive' ? 'done' : runner === 'gone' ? 'not-done' : 'unknown'
      },
    },
    {
      name: 'patrol',
      title: 'Look at it once',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly(),
      run: async (context) => {
        // Its exit code 1 is a finding, which is what is asked for.
        const { summary } = await context.kx('patrol.tick', { host: context.host.name })
        return { summary }
      },
    },
  ],
})
