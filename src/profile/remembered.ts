import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type LoadedProfiles, openProfiles, type ProfileFolders } from './load.ts'

let remembered: { readonly stamp: string; readonly loaded: LoadedProfiles } | null = null

/** The same as `openProfiles`, read again only when a file in one of the folders is another than before. */
export async function rememberedProfiles(folders: ProfileFolders): Promise<LoadedProfiles> {
  const stamp = JSON.stringify([stampOf(folders.builtIn), folders.user === null ? null : stampOf(folders.user)])
  if (remembered?.stamp === stamp) return remembered.loaded
  const loaded = openProfiles(folders)
  remembered = { stamp, loaded }
  return loaded
}

function stampOf(folder: string): unknown {
  try {
    return readdirSync(folder).map((name) => {
      const found = statSync(join(folder, name), { throwIfNoEntry: false })
      return [folder, name, found?.ino, found?.size, found?.mtimeMs, found?.ctimeMs]
    })
  } catch {
    return [folder]
  }
}
