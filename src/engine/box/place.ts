import type { Host } from '../../host/types.ts'

const names = ['HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME'] as const
const source = `printf '%s\\0' "\${HOME-}" "\${XDG_DATA_HOME-}" "\${XDG_STATE_HOME-}" "\${XDG_CACHE_HOME-}"`

/** What the paths of a profile's tiers are written in terms of, as it stands on the host. Null: it did not say. */
export async function hostEnvironment(
  host: Host,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>> | null> {
  const asked = await host.script(source, [], { timeoutSeconds: 15, ...(signal === undefined ? {} : { signal }) })
  if (asked.ending.kind !== 'exited' || asked.ending.code !== 0) return null
  const values = new TextDecoder().decode(asked.stdout).split('\0')
  return Object.fromEntries(names.flatMap((name, i) => (values[i] ? [[name, values[i]] as const] : [])))
}
