import { randomBytes } from 'node:crypto'
import { mkdir, open, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { removeIfThere, syncFolder } from './local-store.ts'

/** Whole or old, never half: temporary name in the same folder, fsync, rename, fsync of the folder. Mode 0600. */
export async function writeAtomic(path: string, text: string): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // Named as the temps of a run are, with the process id in it, so that those of a killed process are swept with them.
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (error) {
    await removeIfThere(temporary)
    throw error
  }
}
