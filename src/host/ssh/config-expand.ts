import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'
import type { SshConfig } from './config.ts'

/** What the tokens stand for that only this machine knows. */
export interface ExpandContext {
  readonly homeFolder: string
  readonly localUser: string
  /** Its first label is `%L`. */
  readonly localHostName: string
  readonly uid: number | null
  /** What paths that are not absolute begin at, as for ssh. */
  readonly workingFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Fills in what `ssh -G` leaves in a path: `~`, `${VARIABLE}` and `%` tokens (handbook ssh 5, measured). Values are put in
 * as they are and not looked at again.
 *
 * @throws HostError for a token or a variable that is not known: half a path would be another file
 */
export function expandPath(path: string, config: SshConfig, context: ExpandContext): string {
  const fail = (why: string): never => {
    throw new HostError(`The path ${sanitiseLine(path, 200)} of your ssh config cannot be filled in: ${why}.`)
  }
  const token = (name: string): string => {
    switch (name) {
      case '%':
        return '%'
      case 'h':
        return config.hostName
      case 'n':
        return config.alias
      case 'k':
        return config.hostKeyAlias ?? config.alias
      case 'p':
        return String(config.port)
      case 'r':
        return config.user
      case 'u':
        return context.localUser
      case 'i':
        return context.uid === null ? fail('%i is not known here') : String(context.uid)
      case 'd':
        return context.homeFolder
      case 'l':
        return context.localHostName
      case 'L':
        return context.localHostName.split('.')[0] ?? ''
      case 'j':
        return config.proxyJump.join(',')
      case 'C':
        // Versions of OpenSSH differ in whether the jump host is part of it.
        if (config.proxyJump.length > 0) fail('%C differs between versions of ssh when there is a jump host')
        return connectionHash(config, context)
      default:
        return fail(`%${name} has no meaning`)
    }
  }
  const variable = (name: string): string => context.env[name] ?? fail(`the variable ${name} is not set`)
  const { home, rest } = withoutTilde(path, context, fail)
  const filled =
    home +
    rest.replace(/%(.?)|\$\{([^}]*)\}/gsu, (_, name: string | undefined, of: string | undefined) =>
      of === undefined ? token(name ?? '') : variable(of),
    )
  if (filled.includes('\0')) fail('it holds a NUL')
  return resolve(context.workingFolder, filled)
}

/** Only one's own home is known without asking the system for others. */
function withoutTilde(path: string, context: ExpandContext, fail: (why: string) => never) {
  if (!path.startsWith('~')) return { home: '', rest: path }
  const [name = ''] = path.slice(1).split('/', 1)
  if (name !== '' && name !== context.localUser) fail(`the home folder of ${name} is not known here; write it out`)
  return { home: context.homeFolder, rest: path.slice(1 + name.length) }
}

function connectionHash(config: SshConfig, context: ExpandContext): string {
  const parts = [context.localHostName, config.hostName, String(config.port), config.user]
  return createHash('sha1').update(parts.join('')).digest('hex')
}

/** The socket of the agent to ask: `SSH_AUTH_SOCK` unless `IdentityAgent` says another or `none`. */
export function agentSocket(config: SshConfig, context: ExpandContext): string | null {
  const agent = config.identityAgent ?? 'SSH_AUTH_SOCK'
  if (agent === 'none') return null
  if (agent === 'SSH_AUTH_SOCK') return context.env.SSH_AUTH_SOCK || null
  const [, variable] = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(agent) ?? []
  if (variable !== undefined) return context.env[variable] || null
  return expandPath(agent, config, context)
}
