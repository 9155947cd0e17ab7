import { isAbsolute, join } from 'node:path'

/** `$XDG_STATE_HOME/kx`, by default `~/.local/state/kx`. A relative XDG path counts as unset, as its rules say. */
export function stateFolderOf(env: Readonly<Record<string, string | undefined>>, homeFolder: string): string {
  const given = env.XDG_STATE_HOME
  return join(given !== undefined && isAbsolute(given) ? given : join(homeFolder, '.local', 'state'), 'kx')
}
