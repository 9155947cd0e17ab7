import { isIP } from 'node:net'
import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'

/** What a person wrote to say where to go: an alias of `~/.ssh/config`, a name, or `user@host:port`. */
export interface WrittenTarget {
  readonly host: string
  readonly user: string | null
  readonly port: number | null
}

const longestHost = 255
const longestUser = 255
/** What OpenSSH refuses in names that reach a shell by ProxyCommand or `Match exec`, and the blank and control characters. */
const unfitForHost = /[\s\p{C}\p{Z}'"`$\\;&<>|(){},*?!#^~=]/u
const unfitForUser = /[\s\p{C}\p{Z}'"`;&<>|(){}$]/u

/** Why this cannot be the name of a host; null when it can. Nothing that fails here is ever handed to ssh. */
export function hostProblem(host: string): string | null {
  if (host === '') return 'it is empty'
  if (host.length > longestHost) return `it is longer than ${longestHost} characters`
  if (host.startsWith('-')) return 'it begins with a dash, which programs take for an option'
  if (host.includes('@') || host.includes('/')) return 'it holds a character that no host name has'
  const [unfit] = unfitForHost.exec(host) ?? []
  if (unfit !== undefined) return `it holds ${shown(unfit)}`
  if (/[%[\]]/.test(host) && isIP(host) === 0) return 'it holds a character that no host name has'
  return null
}

/** Why this cannot be the name of a user; null when it can. */
export function userProblem(user: string): string | null {
  if (user === '') return 'it is empty'
  if (user.length > longestUser) return `it is longer than ${longestUser} characters`
  if (user.startsWith('-')) return 'it begins with a dash, which programs take for an option'
  if (user.endsWith('\\')) return 'it ends with a backslash'
  const [unfit] = unfitForUser.exec(user) ?? []
  return unfit === undefined ? null : `it holds ${shown(unfit)}`
}

const shown = (character: string) => {
  const code = character.codePointAt(0) ?? 0
  return /[\p{C}\p{Z}]/u.test(character)
    ? `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    : character
}

/**
 * Reads `host`, `user@host`, `host:port`, `[address]:port` and `ssh://…` of these. An IPv6 address without brackets is an
 * address and no port.
 *
 * @throws HostError for anything that could be taken for an option, a command or two words
 */
export function readTarget(written: string): WrittenTarget {
  const fail = (why: string): never => {
    throw new HostError(
      `"${sanitiseLine(written, 80)}" is no name of a host: ${why}. Write an alias of your ssh config, or user@host:port.`,
    )
  }
  if (written.length > longestHost + longestUser + 16) fail('it is too long')
  const isUrl = written.startsWith('ssh://')
  const whole = isUrl ? written.slice('ssh://'.length).replace(/\/$/, '') : written
  const at = whole.lastIndexOf('@')
  const user = at < 0 ? null : whole.slice(0, at)
  const place = whole.slice(at + 1)
  if (user !== null) {
    const problem = userProblem(user)
    if (problem !== null) fail(`the user is not one, ${problem}`)
  }
  const bracketed = /^\[([^[\]]*)\](?::(.*))?$/s.exec(place)
  const named = /^([^:]*)(?::(.*))?$/s.exec(place)
  const [, host = place, port] = bracketed ?? (isIP(place) === 6 ? [] : (named ?? []))
  const problem = hostProblem(host)
  if (problem !== null) fail(problem)
  if (host.includes(':') && isIP(host) !== 6) fail('it has more than one colon and is no IPv6 address')
  if (bracketed !== null && isIP(host) !== 6) fail('only an IPv6 address stands in brackets')
  if (port !== undefined && portOf(port) === null) fail('its port is not between 1 and 65535')
  return { host, user, port: port === undefined ? null : portOf(port) }
}

/** A port in decimal digits; null when it is none. */
export function portOf(text: string): number | null {
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : null
}
