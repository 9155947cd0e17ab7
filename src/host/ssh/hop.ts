import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AnyAuthMethod, AuthenticationType, BaseAgent, Client, ConnectConfig, ParsedKey } from 'ssh2'
import { sanitiseLine } from '../../text/sanitise.ts'
import { codeOf } from '../errors.ts'
import { AskedMethods } from './asked.ts'
import type { Deadline } from './deadline.ts'
import { messageOf, SshError } from './errors.ts'
import { firstWords } from './first-words.ts'
import { keepCipherKeys } from './kept-cipher-keys.ts'
import { type KeyRing, NoPassphrase, type OfferedKey, type Offers } from './keys.ts'
import { hostKeyAlgorithms } from './known-hosts.ts'
import { failClosedVerifier } from './known-hosts-guard.ts'
import { readKeyBlob } from './known-hosts-key.ts'
import type { SshHop, VerifyHostKey } from './types.ts'

export type Ssh2 = typeof import('ssh2')

/** ssh2 is not loaded before the first connection: the workbench is on screen long before it. */
export const loadSsh2 = async (): Promise<Ssh2> => (await import('ssh2')).default

export interface HopOptions {
  readonly ssh2: Ssh2
  readonly hop: SshHop
  /** Where the bytes go; a channel of the hop before, or a socket of its own. */
  readonly stream: Duplex
  readonly keys: KeyRing
  readonly verify: VerifyHostKey
  readonly keepaliveSeconds: number
  readonly deadline: Deadline
  readonly onBanner: (text: string) => void
}

export interface OpenHop {
  readonly client: Client
  readonly keyExchange: string
  /** Let in by something that a person typed, and not by a key. */
  readonly isAsked: boolean
}

/** SHA-1 is offered nowhere (handbook ssh 2.1). */
const algorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group14-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group18-sha512',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} as const satisfies ConnectConfig['algorithms']

/**
 * Never by ssh2: it counts answers to its own questions only, and would give up a link full of data (handbook ssh T10). It
 * asks, and `SshConnection` listens for anything at all.
 */
const keepaliveCount = 1_000_000

/** A TCP connection that is ours: on a dead link it is destroyed from here (handbook ssh T5), and it does not wait (T7). */
export async function openSocket(hop: SshHop, deadline: Deadline): Promise<Socket> {
  const socket = new Socket()
  socket.setNoDelay(true)
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', (error) => reject(unreachable(hop, `${messageOf(error)}${hintFor(error)}`, error)))
  })
  socket.connect({ host: hop.address, port: hop.port, noDelay: true })
  try {
    await deadline.race(opened)
    // An error on a socket that nobody listens to would end the program.
    socket.on('error', () => {})
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
}

export const shownHop = (hop: SshHop) =>
  sanitiseLine(`${hop.user}@${hop.address.includes(':') ? `[${hop.address}]` : hop.address}:${hop.port}`, 200)

export const unreachable = (hop: SshHop, why: string, cause?: unknown) =>
  new SshError(`Cannot reach ${shownHop(hop)}: ${sanitiseLine(why, 300)}.`, 'unreachable', cause)

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: ' (nobody listens there: is the machine up, and is the port right?)',
  ENOTFOUND: ' (no such name: look at HostName in the ssh configuration)',
}
const hintFor = (error: unknown): string => hints[codeOf(error) ?? ''] ?? ''

/**
 * Speaks SSH over a stream until the user is let in: host key checked, keys offered.
 *
 * @throws SshError
 */
export async function openHop(options: HopOptions): Promise<OpenHop> {
  const { ssh2, hop, stream, deadline } = options
  const saidFirst = firstWords(stream)
  const client = new ssh2.Client()
  let refusal: string | null = null
  let offered: readonly OfferedKey[] = []
  let offers: Offers = { keys: [], notes: [] }
  const troubles: string[] = []
  let locked: string | null = null
  const over = new AbortController()
  const signal = AbortSignal.any([deadline.signal, over.signal])
  const verifier = failClosedVerifier((key) => deadline.paused(() => decide(key)), {
    onRefused: (why) => {
      refusal ??= why
    },
  })
  const decide = async (blob: Buffer): Promise<boolean> => {
    const key = readKeyBlob(blob)
    if (key === null) return false
    const answer = await options.verify(hop.address, hop.port, key.type, key.base64, hop, signal)
    if (answer.isAccepted === true) return true
    refusal = answer.words.join(' ') || 'its host key was refused.'
    return false
  }

  const ready = new Promise<OpenHop>((resolve, reject) => {
    let keyExchange = ''
    let isAuthenticating = false
    const began = performance.now()
    // `why` may come in pieces: an error, then the end of the socket.
    const fail = (why: string) => {
      if (refusal !== null) reject(new SshError(`${shownHop(hop)}: ${refusal}`, 'host-key'))
      else if (isAuthenticating) reject(refused(hop, offered, [...offers.notes, ...troubles], why, locked))
      else reject(unreachable(hop, `${why}${saidFirst()}`))
    }
    client.on('error', (error: Error & { level?: string }) => {
      // A key that could not sign: the next one is tried.
      if (error.level === 'agent') troubles.push(sanitiseLine(error.message, 200))
      else fail(error.message)
    })
    const closed = () => {
      const seconds = Math.round((performance.now() - began) / 1000)
      fail(
        isAuthenticating
          ? `it closed the connection ${seconds} s after it was made, before the login was done: servers give a login only so long (LoginGraceTime), and so many tries (MaxAuthTries)`
          : 'the connection was closed',
      )
    }
    client.on('close', closed)
    client.on('end', closed)
    client.on('banner', (text) => options.onBanner(text))
    client.on('handshake', (agreed) => {
      keyExchange = agreed.kex
    })
    client.on('ready', () => {
      const last = offered.at(-1)
      if (last !== undefined && !isAsking) options.keys.worked(hop, last)
      asked.worked()
      resolve({ client, keyExchange, isAsked: isAsking })
    })

    const asked = new AskedMethods({
      hop,
      keys: options.keys,
      whileAsking: (work) => deadline.paused(work),
      signal,
      onTrouble: (why) => troubles.push(why),
      onGivenUp: () => fail('given up'),
    })
    let isAsking = false
    let turn: AsyncGenerator<AnyAuthMethod> | null = null
    const byKey = async (): Promise<AnyAuthMethod | null> => {
      if (turn === null) {
        offers = await options.keys.offers(ssh2, hop, (work) => deadline.paused(work), deadline.signal)
        turn = methods(ssh2, hop, offers.keys, {
          onOffer: (key) => {
            offered = [...offered, key]
          },
          onLocked: (key) => {
            locked ??= key.label
          },
        })
      }
      const step = await turn.next()
      return step.done === true ? null : step.value
    }
    const next = async (left: readonly string[] | null, isPartly: boolean): Promise<AnyAuthMethod | false> => {
      isAuthenticating = true
      if (isAsking) {
        if (isPartly) asked.worked()
        else asked.refused()
      }
      const key = left === null || left.includes('publickey') ? await byKey() : null
      isAsking = key === null
      if (key !== null) return key
      // Nothing was sent yet, so the server has not said what it takes.
      if (left === null) return asked.isPossible ? { type: 'none', username: hop.user } : false
      const way = await asked.next(left, offered.length)
      if (way === null && !left.includes('publickey'))
        troubles.push(sanitiseLine(`it takes ${left.join(', ')} and no key`, 200))
      return way ?? false
    }
    const config: ConnectConfig = {
      sock: stream,
      username: hop.user,
      hostVerifier: verifier,
      // The deadline is ours, because it stands still while a person is asked.
      readyTimeout: 0,
      keepaliveInterval: Math.max(1, Math.round(options.keepaliveSeconds * 1000)),
      keepaliveCountMax: keepaliveCount,
      algorithms: {
        ...algorithms,
        kex: [...algorithms.kex],
        hmac: [...algorithms.hmac],
        compress: [...algorithms.compress],
        serverHostKey: usableHostKeys(hop),
      },
      authHandler: (left: readonly AuthenticationType[] | null, isPartly, go) => {
        next(left, isPartly === true).then(
          (method) => go(method as AnyAuthMethod),
          (error) => {
            troubles.push(sanitiseLine(messageOf(error), 200))
            go(false as unknown as AnyAuthMethod)
          },
        )
      },
    }
    try {
      client.connect(config)
      keepCipherKeys(client)
    } catch (error) {
      fail(messageOf(error))
    }
  })
  try {
    return await deadline.race(ready)
  } catch (error) {
    over.abort()
    // Whatever comes of it later has no listener that would care.
    client.on('error', () => {})
    client.destroy()
    stream.destroy()
    // At the end of the time: a page without an end, or one behind which the connection stays open.
    const said = saidFirst()
    if (said !== '' && error === deadline.signal.reason)
      throw new SshError(`${messageOf(error).replace(/\.$/, '')}${said}.`, 'unreachable', error)
    throw error
  }
}

type HostKeyAlgorithm = NonNullable<NonNullable<ConnectConfig['algorithms']>['serverHostKey']>

function usableHostKeys(hop: SshHop): HostKeyAlgorithm {
  const can: readonly string[] = hostKeyAlgorithms
  const wanted = (hop.hostKeyAlgorithms ?? can).filter((name) => can.includes(name))
  return (wanted.length > 0 ? wanted : [...can]) as unknown as HostKeyAlgorithm
}

async function* methods(
  ssh2: Ssh2,
  hop: SshHop,
  keys: readonly OfferedKey[],
  told: { readonly onOffer: (key: OfferedKey) => void; readonly onLocked: (key: OfferedKey) => void },
): AsyncGenerator<AnyAuthMethod> {
  for (const key of keys) {
    told.onOffer(key)
    yield { type: 'agent', username: hop.user, agent: agentOf(ssh2, key, told.onLocked) } as AnyAuthMethod
  }
}

/** One key as ssh2 wants to see it: the private half is asked for only once the server has accepted the public one. */
function agentOf(ssh2: Ssh2, key: OfferedKey, onLocked: (key: OfferedKey) => void): BaseAgent<ParsedKey> {
  class OneKey extends ssh2.BaseAgent<ParsedKey> {
    getIdentities(answer: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
      answer(undefined, [key.publicKey])
    }
    override sign(_key: ParsedKey, data: Buffer, ...rest: readonly unknown[]): void {
      const answer = rest.at(-1) as (error: Error | null, signature?: Buffer) => void
      const options = rest.length > 1 ? (rest[0] as { hash?: string } | undefined) : undefined
      key.sign(data, options?.hash).then(
        (signature) => answer(null, signature),
        (error) => {
          if (error instanceof NoPassphrase) onLocked(key)
          answer(new Error(`${key.label}: ${messageOf(error)}`))
        },
      )
    }
  }
  return new OneKey()
}

/** `locked`: label of a key that the server would have taken, had there been its passphrase. */
function refused(
  hop: SshHop,
  offered: readonly OfferedKey[],
  notes: readonly string[],
  why: string,
  locked: string | null,
): SshError {
  const keys =
    offered.length === 0 ? 'no key could be offered' : `offered: ${offered.map((key) => key.label).join(', ')}`
  const more = notes.length === 0 ? '' : ` ${notes.join('; ')}.`
  if (locked !== null)
    return new SshError(
      `${shownHop(hop)} would take ${locked}, and its passphrase is needed: add it to the agent (ssh-add), or start kx on a terminal, then try again.${more}`,
      'authentication',
    )
  return new SshError(
    `${shownHop(hop)} let nobody in (${sanitiseLine(why, 200)}); ${keys}.${more} Put the public key into authorized_keys there, or name the right one (IdentityFile), then try again: kx does not do so by itself, because servers lock out who fails often.`,
    'authentication',
  )
}
