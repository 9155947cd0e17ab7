import { randomBytes } from 'node:crypto'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { failed } from '../host/transfer/errors.ts'

const prefix = '.kx-rsync-'

/**
 * A folder of our own for what rsync brings, beside the pulled files so that a rename does the rest: nothing that rsync
 * does is done to a name that counts. What a killed kx left of such a folder is taken away.
 */
export async function makeStaging(root: string): Promise<string> {
  for (const name of await readdir(root)) {
    const pid = /^\.kx-rsync-(\d+)-[0-9a-f]{12}$/.exec(name)?.[1]
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(root, name), { recursive: true, force: true })
  }
  const staging = join(root, `${prefix}${process.pid}-${randomBytes(6).toString('hex')}`)
  await mkdir(staging, { mode: 0o700 })
  return staging
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * What lies in a folder that rsync filled: of what was asked for, the plain files and their sizes. Anything else in it was
 * made up by the other end, and then nothing of it is taken.
 *
 * @param isCut what our own rsync was writing when the link went may lie there under its temporary name: it is passed over
 * @throws TransferError naming the first of what nobody asked for
 */
export async function stagedFiles(
  folder: string,
  asked: ReadonlySet<string>,
  isCut = false,
): Promise<ReadonlyMap<string, number>> {
  const isTemporary = (path: string) => {
    const [, before = '', name = ''] = /^(.*\/)?\.([^/]+)\.[A-Za-z0-9]{6}$/.exec(path) ?? []
    return asked.has(`${before}${name}`)
  }
  const folders = new Set(
    [...asked].flatMap((path) => path.split('/').map((_part, i, parts) => parts.slice(0, i).join('/'))),
  )
  const found = new Map<string, number>()
  const walk = async (at: string): Promise<void> => {
    for (const name of await readdir(join(folder, at))) {
      const path = at === '' ? name : `${at}/${name}`
      const stat = await lstat(join(folder, path))
      if (stat.isDirectory() && folders.has(path)) await walk(path)
      else if (stat.isFile() && stat.nlink === 1 && asked.has(path)) found.set(path, stat.size)
      else if (!(isCut && stat.isFile() && isTemporary(path)))
        throw failed(`the other end sent what nobody asked for: ${path}; nothing of it was taken`)
    }
  }
  await walk('')
  return found
}
