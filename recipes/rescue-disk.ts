import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { folderOr, orUnknown } from '../src/recipe/shelf/ask.ts'
import { pruneCell, pruneParameters } from '../src/recipe/shelf/prune-cell.ts'
import { folderOfTier } from '../src/recipe/shelf/serve.ts'
import { type Space, spaceAt, spaceText } from '../src/recipe/shelf/space.ts'
import { formatBytes, formatCount } from '../src/text/format.ts'

const gibibyte = 1024 ** 3

const parameters = z.object({
  ...pruneParameters,
  needGib: z
    .number()
    .positive()
    .default(5)
    .describe('Free space that the run needs to go on, in GiB: two checkpoints at least.'),
  needInodes: z.number().int().min(0).default(1000).describe('Free inodes that the run needs to go on.'),
  requeue: z.boolean().default(true).describe('Launch the run again when there is room, with the same configuration.'),
})
type Parameters = z.infer<typeof parameters>

const here = async (context: CellContext<Parameters>): Promise<Space> =>
  spaceAt(context, await folderOr(context, context.parameters.folder, 'data', 'scratch'))

/** What is missing, in words; null: there is enough. Not known is not enough. */
function missing({ bytes, inodes }: Space, { needGib, needInodes }: Parameters): string | null {
  if (!bytes.isKnown) return `free space is not known: ${bytes.reason}`
  const short = needGib * gibibyte - bytes.value.availableBytes
  if (short > 0) return `${formatBytes(short)} short of ${needGib} GiB`
  // Some file systems count no inodes; then bytes alone decide.
  if (inodes.isKnown && inodes.value.free < needInodes)
    return `${formatCount(needInodes - inodes.value.free)} inodes short of ${formatCount(needInodes)}: free-inodes packs small files`
  return null
}

export const recipe = defineRecipe({
  id: 'rescue-disk',
  title: 'Rescue a run from a full disk and requeue it',
  runbook: {
    when: 'Units failed because the disk was full: "No space left", `iostream error`, a cut checkpoint.',
    touches:
      'First looks at the room. Then removes scratch and old checkpoints as `free-disk` does, by the exact list of its dry run, only if room is short. Then holds the room against what the run needs, and only with enough launches the same run again: no configuration is changed.',
    back: 'What was removed is gone; the dry run lists all of it before. The launch is undone by `kx abort`. If it stops at "room", nothing was launched: enlarge the disk by the figure that it names, and run it again; what is done is skipped.',
  },
  parameters,
  serves: [{ rule: 'disk-bytes', fill: folderOfTier }],
  cells: [
    {
      name: 'look',
      title: 'How much room there is',
      risk: 'read',
      timeoutSeconds: 60,
      run: async (context) => ({ summary: spaceText(await here(context)) }),
    },
    {
      ...pruneCell<Parameters>('prune'),
      when: async (context) => {
        const space = await here(context)
        return missing(space, context.parameters) === null ? `there is room: ${spaceText(space)}` : true
      },
    },
    {
      name: 'room',
      title: 'Is it enough to go on?',
      risk: 'read',
      // Also where nothing had to be pruned.
      needs: ['look'],
      timeoutSeconds: 60,
      run: async (context) => {
        const space = await here(context)
        const why = missing(space, context.parameters)
        if (why !== null)
          context.fail(`There is not enough room to go on: ${why}.`, `Ask for a larger disk. Now: ${spaceText(space)}.`)
        return { summary: `enough: ${spaceText(space)}` }
      },
      probe: async (context) => (missing(await here(context), context.parameters) === null ? 'done' : 'not-done'),
    },
    {
      name: 'requeue',
      title: 'Launch the same run again',
      risk: 'change',
      needs: ['room'],
      timeoutSeconds: 900,
      when: ({ run, parameters: { requeue } }) =>
        !requeue ? 'it was asked not to' : run === null ? 'there is no run to launch again' : true,
      plan: (context) =>
        orUnknown(async () => {
          const failed = (context.run?.units ?? []).filter((unit) => unit.state === 'failed').map((unit) => unit.id)
          const why = missing(await here(context), context.parameters)
          // Earlier cells may change that.
          if (why !== null) return { change: 'unknown', lines: [`only with enough room; now ${why}`], foundBy: 'probe' }
          if (failed.length === 0) return { change: 'no', lines: ['no unit failed'], foundBy: 'probe' }
          return { change: 'yes', lines: failed.map((id) => `launch again: ${id}`), foundBy: 'probe', targets: failed }
        }),
      // Facts of the run may be older than a launch whose end was not seen.
      probe: async ({ run }) =>
        run !== null && !run.units.some((unit) => unit.state === 'failed') ? 'done' : 'unknown',
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'no unit failed: nothing was launched' }
        const { exitCode, summary } = await context.kx('launch.start')
        if (exitCode !== 0)
          context.fail(`The launch was not made: ${summary}`, 'Do what it says, then run this cell again.')
        return { summary }
      },
    },
  ],
})
