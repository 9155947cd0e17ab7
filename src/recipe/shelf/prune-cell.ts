import { z } from 'zod'
import { formatBytes, plural } from '../../text/format.ts'
import type { CellContext, RecipeCell } from '../contract.ts'
import { folderOr, orUnknown } from './ask.ts'
import { lookToPrune, prunePlan } from './prune.ts'
import { removeFiles, thereOf } from './remove.ts'
import { gainText, spaceAt } from './space.ts'

/** What `free-disk` and `rescue-disk` ask for alike. */
export const pruneParameters = {
  folder: z.string().default('').describe('Folder to look in. Empty: the folder of the run there, else the data tier.'),
  checkpoints: z
    .array(z.string())
    .default(['*.pt', '*.pth', '*.ckpt', '*.safetensors', '*.bin'])
    .describe('Names of checkpoints. In each folder the best and the newest are kept.'),
  scratch: z
    .array(z.string())
    .default(['*.tmp', '*.part', '*.partial', '*.kx-part'])
    .describe('Names of files that nobody needs again.'),
  keepNewest: z.number().int().min(1).max(1000).default(1).describe('Newest checkpoints to keep in each folder.'),
  best: z.array(z.string()).default([]).describe('Names or paths of the best ones, where no name says it.'),
  olderThanMinutes: z.number().min(0).default(10).describe('Files written since then are left alone, in minutes.'),
  acceptHidden: z.boolean().default(false).describe('Go on though files that other users have open cannot be seen.'),
}
const schema = z.object(pruneParameters)
export type PruneParameters = z.infer<typeof schema>

const folderOf = (context: CellContext<PruneParameters>) =>
  folderOr(context, context.parameters.folder, 'data', 'scratch')

/** Removes exactly what the dry run listed, and says what that freed. */
export function pruneCell<P extends PruneParameters>(name: string): RecipeCell<P> {
  return {
    name,
    title: 'Remove scratch and old checkpoints by an exact list',
    risk: 'destroy',
    timeoutSeconds: 1800,
    plan: (context) =>
      orUnknown(async () => prunePlan(await lookToPrune(context, await folderOf(context), context.parameters))),
    run: async (context) => {
      const { targets, parameters, record, say, fail } = context
      if (targets.length === 0) return { summary: 'nothing may be removed here' }
      await record('asked', targets)
      const folder = await folderOf(context)
      const before = await spaceAt(context, folder)
      const { seen, choice } = await lookToPrune(context, folder, parameters)
      const wanted = new Set(targets)
      const still = choice.targets.filter((file) => wanted.has(file.path))
      const { done: removed, left } = await removeFiles(context, seen.root, still)
      for (const file of removed) say(`removed ${formatBytes(file.takenBytes)}: ${file.path}`)
      for (const { path, why } of left) say(`left ${path}: ${why}`)
      const changed = targets.length - still.length
      if (changed > 0) say(`${plural(changed, 'file')} of the list may not be removed any more and were left`)
      await record(
        'removed',
        removed.map((file) => file.path),
      )
      if (removed.length === 0)
        fail('Nothing of the list could be removed.', 'Make a new dry run: what lies there has changed.')
      const gain = gainText(before, await spaceAt(context, folder))
      return { summary: `${plural(removed.length, 'file')} removed, ${gain}` }
    },
    probe: async (context) => {
      const asked = context.results[name]?.asked
      if (!Array.isArray(asked)) return 'unknown'
      return (await thereOf(context, asked as string[])).length === 0 ? 'done' : 'not-done'
    },
  }
}
