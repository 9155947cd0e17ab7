import { type Claim, needOf } from '../artifact/room.ts'
import { expandRoster } from '../artifact/roster.ts'
import type { ActContext } from '../run/act.ts'
import { launchedFolder } from '../run/box-folder.ts'
import { artifactsFolder, chosen } from './common.ts'

/** What a pull from this host would take here now; null where nothing was launched. Throws what the host throws. */
export async function claimOf(ctx: ActContext, only: string | undefined): Promise<Claim | null> {
  const folder = launchedFolder(await ctx.run.refresh())
  if (folder === null) return null
  const { files } = await expandRoster(ctx.host, folder, ctx.loaded.plan.artifacts, ctx.signal)
  const into = artifactsFolder(ctx)
  return { host: ctx.host.name, folder: into, need: await needOf(into, chosen(files, only)) }
}
