import { constants } from 'node:fs'
import { access, copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

/** Lists that come with kx. They are copied into the project before the first tick, and belong to it from then on. */
export const readyLists = [
  { name: 'scale', title: 'Going to large scale' },
  { name: 'course', title: 'Machine learning operations, course list' },
] as const
export type ReadyName = (typeof readyLists)[number]['name']

/** Where the ready lists lie: beside the sources, or beside the bundle. */
export async function readyFolder(): Promise<string> {
  const here = import.meta.dirname
  const candidates = [join(here, 'ready'), join(here, 'checklists'), join(here, '../checklists')]
  for (const folder of candidates) if (await isReadable(join(folder, 'scale.md'))) return folder
  throw new Error(
    `The ready checklists are missing from the installation (looked in ${candidates.join(', ')}). Install kx again.`,
  )
}

/** Copies a ready list to `<project>/checklists/<name>.md` unless it is there, and returns its path. */
export async function adoptReady(name: ReadyName, projectFolder: string): Promise<string> {
  const folder = join(projectFolder, 'checklists')
  const path = join(folder, `${name}.md`)
  if (await isReadable(path)) return path
  await mkdir(folder, { recursive: true })
  await copyFile(join(await readyFolder(), `${name}.md`), path, constants.COPYFILE_EXCL)
  return path
}

/** Checklists of a project: the files named, and every Markdown file in the folders named. Missing ones are passed over. */
export async function findChecklists(projectFolder: string, paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = []
  for (const entry of paths) {
    const path = isAbsolute(entry) ? entry : join(projectFolder, entry)
    const kind = await stat(path).catch(() => null)
    if (kind?.isFile()) found.push(path)
    else if (kind?.isDirectory())
      for (const name of (await readdir(path)).sort())
        if (/\.(?:md|markdown)$/i.test(name)) found.push(join(path, name))
  }
  return [...new Set(found)]
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
