import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { pruneCell, pruneParameters } from '../src/recipe/shelf/prune-cell.ts'
import { folderOfTier } from '../src/recipe/shelf/serve.ts'

export const recipe = defineRecipe({
  id: 'free-disk',
  title: 'Prune scratch and old checkpoints, keep the best',
  runbook: {
    when: 'A disk of the host is full or will be soon, or a checkpoint could not be written for want of room.',
    touches:
      'Plain files under one folder that match the names asked for, by the exact list of the dry run. Never: a best checkpoint, the newest ones, what a symlink leads to, what a process has open, artifacts of a run, files with a second name, other file systems. Where nothing is called best, no checkpoint of that folder is touched; name it with `best`.',
    back: 'There is no way back: what is removed is gone. Read the list of the dry run; copy away what is in doubt before you type the name. If it is not enough, ask for a larger disk with the figure that the last line names.',
  },
  parameters: z.object(pruneParameters),
  serves: [
    { rule: 'disk-bytes', fill: folderOfTier },
    { rule: 'disk-trend', fill: folderOfTier },
    { rule: 'audit.disk-bytes', fill: folderOfTier },
    { rule: 'audit.checkpoint-budget', fill: folderOfTier },
  ],
  cells: [pruneCell('prune')],
})
