import { join } from 'node:path'
import type { RosterFile } from '../artifact/roster.ts'
import type { ActContext, ActResult } from '../run/act.ts'
import { launchedFolder } from '../run/box-folder.ts'
import { isUnderAny } from '../spec/glob.ts'

export const artifactsFolder = (ctx: Pick<ActContext, 'run'>): string => join(ctx.run.folder, 'artifacts')

export const refusal = (summary: string, exitCode: 1 | 3 | 4 = 1, data: unknown = {}): ActResult => ({
  summary,
  exitCode,
  data,
})

/** The box folder of the run, there; a refusal that says why when there is none. */
export async function folderOnBox(ctx: ActContext): Promise<string | ActResult> {
  const folder = launchedFolder(await ctx.run.refresh())
  if (folder === null) return refusal('Nothing was launched, so there is nothing to pull. Launch first: kx launch.')
  if ((await ctx.host.stat(folder)) === null)
    return refusal(
      `${folder} is not there on ${ctx.host.name}; what was pulled before stays as it is. If it was removed by hand, write off its meter: kx writeoff <run>`,
      1,
      { folder },
    )
  return folder
}

/** Files that a person asked for by a pattern of paths, such as `units/a/*`; all without one. */
export const chosen = (files: readonly RosterFile[], only: string | undefined): readonly RosterFile[] =>
  only === undefined ? files : files.filter((file) => isUnderAny(file.path, [only]))
