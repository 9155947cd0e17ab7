import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { sanitiseLine } from '../text/sanitise.ts'
import type { MachineSight } from '../walk/meter.ts'
import { codeOf } from './errors.ts'
import { type OpenHostOptions, openHost } from './open.ts'
import { expandContext, knownHostsOf, resolveTarget } from './ssh/config-resolve.ts'
import { loadSsh2 } from './ssh/hop.ts'
import { planHops } from './ssh/hops.ts'
import { hostVerifier, verdictOnBlob } from './ssh/known-hosts-verifier.ts'
import { openPins } from './ssh/pins-file.ts'
import type { SshHost } from './ssh/types.ts'

export interface SightOptions extends OpenHostOptions {
  readonly signal?: AbortSignal
  /** For each of the steps: name, port, key exchange, login. */
  readonly stepSeconds?: number
}

type Seen = Omit<MachineSight, 'atMs' | 'address'>

const unseen = { hostKey: null, identity: null } as const

/**
 * One bounded look from outside at whatever stands at a host's address: does the name exist, is the port open, which key is
 * shown, who answers. Never throws for what it finds; what cannot be told is `unreachable`. Nothing is trusted or written.
 */
export async function sightOf(name: string, options: SightOptions): Promise<MachineSight> {
  const { nowMs = Date.now } = options
  const told = (address: string, seen: Seen): MachineSight => ({ atMs: nowMs(), address, ...seen })
  if (name === 'local') return told('local', await logIn(name, options))
  const resolve = (written: string) =>
    resolveTarget(written, {
      env: options.env,
      ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    })
  const found = await resolve(name)
  const { hostName, port, proxyCommand, proxyJump } = found.config
  const address = sanitiseLine(`${hostName}:${port}`, 200)
  // From behind another machine, closed and unreachable look alike: only an answer says something.
  if (proxyCommand !== null || proxyJump.length > 0) return told(address, await logIn(name, options))
  const context = expandContext(options.env)
  const target = (await planHops(found, context, resolve)).at(-1)
  if (target === undefined) return told(address, { kind: 'unreachable', words: 'there is no way to it', ...unseen })
  const seconds = options.stepSeconds ?? 10
  if (isIP(hostName) === 0) {
    const why = await nameTrouble(hostName, seconds)
    if (why === 'gone')
      return told(address, { kind: 'no-name', words: `${hostName} is no name of anything`, ...unseen })
    if (why !== null)
      return told(address, { kind: 'unreachable', words: `${hostName}: ${sanitiseLine(why)}`, ...unseen })
  }
  const shown = await keyAt({ ...target.hop, host: hostName, port }, seconds, options.signal)
  if (!('blob' in shown)) return told(address, { ...shown, ...unseen })
  const verifier = hostVerifier(
    target.target,
    knownHostsOf(target.config, context),
    openPins(options.stateFolder).read(),
  )
  const verdict = verdictOnBlob(verifier, shown.blob)
  const hostKey = verdict.known.fingerprint
  if (!verdict.isAccepted)
    return told(address, {
      kind: 'other-key',
      words: `${address} shows another host key: ${hostKey ?? 'one that cannot be read'}`,
      hostKey,
      identity: null,
    })
  return told(address, { ...(await logIn(name, options)), hostKey })
}

/** Null: the name exists. `gone`: the resolver says that it does not. Else why it could not be asked. */
async function nameTrouble(hostName: string, seconds: number): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('the name server did not answer in time'), seconds * 1000)
  })
  const asked = lookup(hostName).then(
    () => null,
    // ENOTFOUND is the resolver's own no; EAI_AGAIN is a resolver that could not be asked.
    (error: unknown) => (codeOf(error) === 'ENOTFOUND' ? 'gone' : `the name could not be asked for (${codeOf(error)})`),
  )
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

interface KeyTarget {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly hostKeyAlgorithms?: readonly string[]
}

/** The host key that is shown, up to the moment in which one would have to trust it; or why none was. */
async function keyAt(
  target: KeyTarget,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly blob: Uint8Array } | Pick<Seen, 'kind' | 'words'>> {
  const { host, port } = target
  const at = sanitiseLine(`${host}:${port}`, 200)
  const socket = connect({ host, port, noDelay: true })
  try {
    const refused = await opened(socket, seconds, signal)
    if (refused === 'ECONNREFUSED') return { kind: 'refuses', words: `${at} refuses the connection` }
    if (refused !== null) return { kind: 'unreachable', words: `${at} gives no answer (${refused})` }
    const { Client } = await loadSsh2()
    const client = new Client()
    const blob = await new Promise<Uint8Array | null>((resolve) => {
      const timer = setTimeout(() => resolve(null), seconds * 1000)
      const end = (value: Uint8Array | null) => {
        clearTimeout(timer)
        resolve(value)
      }
      signal?.addEventListener('abort', () => end(null), { once: true })
      client.on('error', () => end(null))
      client.on('close', () => end(null))
      client.connect({
        sock: socket,
        username: target.user,
        readyTimeout: 0,
        ...(target.hostKeyAlgorithms === undefined || target.hostKeyAlgorithms.length === 0
          ? {}
          : { algorithms: { serverHostKey: [...target.hostKeyAlgorithms] as never } }),
        // The answer is always no: the look ends here, before anything of ours is shown.
        hostVerifier: (key: Buffer) => {
          end(new Uint8Array(key))
          return false
        },
      })
    })
    client.destroy()
    return blob === null
      ? { kind: 'unreachable', words: `${at} takes the connection and does not speak SSH in time` }
      : { blob }
  } finally {
    socket.destroy()
  }
}

/** Null when open; else the code of what went wrong. */
function opened(socket: Socket, seconds: number, signal: AbortSignal | undefined): Promise<string | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve('no answer in time'), seconds * 1000)
    const end = (value: string | null) => {
      clearTimeout(timer)
      resolve(value)
    }
    signal?.addEventListener('abort', () => end('given up'), { once: true })
    socket.once('connect', () => end(null))
    socket.on('error', (error) => end(codeOf(error) ?? 'error'))
  })
}

/** Who answers, once it is let in. */
async function logIn(name: string, options: SightOptions): Promise<Seen> {
  const { host } = await openHost(name, options)
  const giveUp = AbortSignal.timeout((options.stepSeconds ?? 10) * 2000)
  const signal = options.signal === undefined ? giveUp : AbortSignal.any([options.signal, giveUp])
  try {
    // A connect says why it failed; a command only that it was not begun.
    if ('connect' in host) await (host as SshHost).connect(signal)
    const identity = await host.identity(signal)
    const { hostname, machineId, bootId } = identity
    const words = `${sanitiseLine(hostname, 100)} answers: machine ${machineId?.slice(0, 12) ?? 'not told'}, boot ${bootId?.slice(0, 8) ?? 'not told'}`
    return { kind: 'answers', words, hostKey: identity.hostKey ?? null, identity }
  } catch (error) {
    const why = sanitiseLine(error instanceof Error ? error.message : String(error), 300)
    const problem = (error as { readonly problem?: unknown } | null)?.problem
    if (problem === 'authentication') return { kind: 'no-entry', words: `no login: ${why}`, ...unseen }
    // Known under this name before, and let in by the same key: the machine itself says that it is another one.
    if (problem === 'identity') return { kind: 'other-machine', words: why, ...unseen }
    return { kind: 'unreachable', words: `no answer: ${why}`, ...unseen }
  } finally {
    await host.close()
  }
}
