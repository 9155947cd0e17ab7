import type { ActResult } from '../run/act.ts'
import { isLost, isWaiting, linkData, linkWords } from '../session/link-words.ts'
import { loadSettings } from './open.ts'
import type { CommandEnvironment } from './types.ts'

/** Settings of the person by which hosts are reached. */
export async function sshSettings(env: Pick<CommandEnvironment, 'projectFolder' | 'settings'>) {
  const { config } = await loadSettings(env.projectFolder, env.settings)
  return {
    transport: config.ssh.transport === 'auto' ? null : config.ssh.transport,
    ...(config.ssh.configFile === null ? {} : { configFile: config.ssh.configFile }),
  } as const
}

/** Makes links anew at once: one, or all that are not up. One try that a person asked for; what comes of it is said. */
export async function reconnect(
  env: CommandEnvironment,
  args: { readonly host?: string | undefined },
): Promise<ActResult> {
  const { leaseHost, links, renew } = await import('../session/hosts.ts')
  const names = links
    .all()
    .filter((link) => (args.host === undefined ? isWaiting(link) : link.host === args.host))
    .map((link) => link.host)
  if (names.length === 0)
    return { summary: `no link to ${args.host ?? 'another machine'} waits to be made`, exitCode: 1, data: null }
  const settings = await sshSettings(env)
  const said: string[] = []
  let isDone = true
  for (const name of names) {
    await renew(name)
    const host = await leaseHost(name, { ...settings, isAttended: true, signal: env.signal })
    await host.close()
    const link = links.get(name)
    if (link === null || link.status.state === 'up') said.push(`${name}: link up`)
    else {
      isDone = false
      said.push(`${name}: ${linkWords(link, Date.now())}. ${link.status.reason}`.trim())
    }
  }
  const nowMs = Date.now()
  return {
    summary: said.join('\n'),
    exitCode: isDone ? 0 : 4,
    data: links
      .all()
      .filter((link) => names.includes(link.host))
      .map((link) => ({ ...linkData(link, nowMs), isLost: isLost(link) })),
  }
}
