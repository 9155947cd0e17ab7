import type { Host } from './types.ts'

const variables = [
  'HOME',
  'XDG_DATA_HOME',
  'XDG_STATE_HOME',
  'XDG_CACHE_HOME',
  'XDG_CONFIG_HOME',
  'TMPDIR',
  'USER',
] as const

/**
 * Environment of commands on the host, as far as paths of tiers need it. Variables that are empty there are left out; a
 * host that did not say all of it has said nothing, because half of it would resolve to another path.
 */
export async function hostEnvironment(
  host: Pick<Host, 'script'>,
  signal?: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const source = variables.map((name) => `printf '%s\\0' "\${${name}-}"`).join('\n')
  const ran = await host.script(source, [], { timeoutSeconds: 10, ...(signal === undefined ? {} : { signal }) })
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0) return {}
  const values = new TextDecoder().decode(ran.stdout).split('\0')
  return Object.fromEntries(variables.flatMap((name, i) => (values[i] ? [[name, values[i]]] : [])))
}
