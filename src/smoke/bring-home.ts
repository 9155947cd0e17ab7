import { pullFiles } from '../artifact/pull-files.ts'
import { createLocalHost } from '../host/local.ts'
import type { FileStat, Host } from '../host/types.ts'
import type { ActContext } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'

/** Logs and metrics of one or two short units are far below this; more of one file tells nothing that its head does not. */
const mostBytes = 4 * 1024 * 1024
const mostFiles = 500
/** A name from the other side becomes a name here: only what cannot lead anywhere else. */
const plainName = /^(?!\.)[\w.+-]{1,200}$/

/**
 * Brings what a smoke on another machine left as evidence into the run's folder here, and removes the smoke's folder
 * there. What could not be brought stays there, and is said.
 *
 * @param folder the smoke's folder on the host, `<above>/<run id>-<name>`
 */
export async function bringHome(ctx: ActContext, folder: string, above: string): Promise<void> {
  const name = folder.slice(above.length + 1)
  const home = `${ctx.run.folder}/evidence/${name.replace(`${ctx.run.id}-`, '')}`
  const here = createLocalHost()
  try {
    const files = await evidenceIn(ctx.host, folder)
    const taken = files.slice(0, mostFiles)
    await bringWhole(
      ctx,
      folder,
      home,
      taken.filter((file) => file.bytes <= mostBytes),
    )
    for (const { path } of taken.filter((file) => file.bytes > mostBytes)) {
      const bytes = await ctx.host.read(path, 0, mostBytes)
      if (bytes !== null) await here.write(`${home}${path.slice(folder.length)}`, bytes)
    }
    if (files.length > mostFiles) ctx.cell.say(`${files.length - mostFiles} files of the smoke were not brought here`)
    await ctx.host.removeTree(folder, above)
  } catch (error) {
    ctx.cell.say(`the smoke's folder stays at ${folder}: ${messageOf(error)}`)
  } finally {
    await here.close()
  }
}

/** As `kx pull` does it: many in one stream, each proved by the hash at both ends. @throws Error naming one that did not come */
async function bringWhole(ctx: ActContext, folder: string, home: string, files: readonly FileStat[]): Promise<void> {
  const roster = files.map(({ path, bytes, mtimeMs, inode }) => ({
    ...{ path: path.slice(folder.length + 1), bytes, mtimeMs, inode },
    kind: 'other' as const,
  }))
  const pulled = await pullFiles(ctx.host, folder, roster, home, { signal: ctx.signal })
  const left = pulled.find((each) => each.status !== 'copied' && each.status !== 'gone')
  if (left !== undefined)
    throw new Error(`${left.path} was not brought here (${left.status}): ${left.reason ?? 'no reason'}`)
}

/** Files of the units and of the drills, at most one folder deep below each of them. */
async function evidenceIn(host: Host, folder: string): Promise<readonly FileStat[]> {
  const found: FileStat[] = []
  const isPlain = ({ path }: FileStat) => plainName.test(path.slice(path.lastIndexOf('/') + 1))
  const visit = async (path: string, depth: number): Promise<void> => {
    for (const entry of ((await host.list(path)) ?? []).filter(isPlain)) {
      if (entry.kind === 'file') found.push(entry)
      else if (entry.kind === 'folder' && depth > 0) await visit(entry.path, depth - 1)
    }
  }
  for (const top of ['units', 'drill']) await visit(`${folder}/${top}`, 2)
  return found
}
