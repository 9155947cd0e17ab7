import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { stateFolderOf } from '../run/state-folder.ts'

/** Folders of this user, after the XDG base directory specification. */
export interface UserFolders {
  readonly state: string
  readonly config: string
  readonly cache: string
}

/** Where kx keeps what belongs to the user rather than to a project. */
export function userFolders(env: Readonly<Record<string, string | undefined>>, home = homedir()): UserFolders {
  const xdg = (name: string, fallback: string) => {
    const given = env[name]
    return join(given !== undefined && isAbsolute(given) ? given : join(home, fallback), 'kx')
  }
  return {
    state: stateFolderOf(env, home),
    config: xdg('XDG_CONFIG_HOME', '.config'),
    cache: xdg('XDG_CACHE_HOME', '.cache'),
  }
}
