import { endSmokeStrays } from '../engine/box/strays.ts'
import type { ActContext } from '../run/act.ts'
import { dataTier } from '../run/data-tier.ts'
import { messageOf } from '../run/errors.ts'
import { otherAt } from '../run/open-cells.ts'
import { plural } from '../text/format.ts'
import { bringHome } from './bring-home.ts'
import type { SmokePlace } from './unit.ts'

/** Two units at once would spoil what is measured, and one that nobody watches may run for hours. */
export async function endStrays(ctx: ActContext): Promise<void> {
  if (otherAt(ctx.run.state(), 'smoke.run', ctx.cell.cellId) !== null) return
  const ended = await endSmokeStrays(ctx.host, ctx.run.id)
  if (ended !== null && ended > 0) ctx.cell.say(`${plural(ended, 'process', 'processes')} of an earlier smoke ended`)
  if (ctx.host.kind !== 'local') {
    const tier = await dataTier(ctx)
    const there = 'reason' in tier ? [] : ((await ctx.host.list(tier.path)) ?? [])
    // The rest of the name becomes a folder here: from the other side only a plain one is taken.
    const isOurs = (path: string) => {
      const name = path.slice(path.lastIndexOf('/') + 1)
      const own = `${ctx.run.id}-smoke-`
      return name.startsWith(own) && /^[\w-]{1,64}$/.test(name.slice(own.length))
    }
    for (const { path, kind } of there)
      if (kind === 'folder' && isOurs(path)) await tidy(ctx, { folder: path, code: `${path}/code` })
    return
  }
  for (const { path, kind } of (await ctx.host.list(`${ctx.run.folder}/evidence`)) ?? [])
    if (kind === 'folder' && /\/smoke-[^/]+$/.test(path)) await tidy(ctx, { folder: path, code: `${path}/code` })
}

/** Logs, metrics and results stay as evidence, here; the copy of the code and the checkpoints go. */
export async function tidy(ctx: ActContext, place: Pick<SmokePlace, 'folder' | 'code'>): Promise<void> {
  const gone = [place.code, `${place.folder}/corrupt`]
  for (const top of ['units', 'drill'])
    for (const unit of (await ctx.host.list(`${place.folder}/${top}`)) ?? [])
      if (unit.kind === 'folder') gone.push(`${unit.path}/checkpoints`)
  for (const path of gone) {
    try {
      await ctx.host.removeTree(path, place.folder)
    } catch (error) {
      ctx.cell.say(`left behind: ${messageOf(error)}`)
    }
  }
  if (ctx.host.kind !== 'local')
    await bringHome(ctx, place.folder, place.folder.slice(0, place.folder.lastIndexOf('/')))
}
