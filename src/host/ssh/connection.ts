import type { Duplex } from 'node:stream'
import type { Client, ClientChannel, SFTPWrapper } from 'ssh2'
import { sanitiseLine } from '../../text/sanitise.ts'
import { remoteCommand } from '../remote/command.ts'
import { Deadline, within } from './deadline.ts'
import { messageOf, SshError } from './errors.ts'
import { loadSsh2, openHop, openSocket, shownHop, unreachable } from './hop.ts'
import type { KeyRing } from './keys.ts'
import { Slots } from './slots.ts'
import type { SshTiming } from './timing.ts'
import type { SshHop, VerifyHostKey } from './types.ts'

/** Servers take ten by default; some of them are left to others. Source: handbook ssh T11. */
const mostChannels = 8
const openFailed = 2
const resourceShortage = 4
/** After so many refusals of one call, it is told. */
const mostRefusals = 10

export interface ConnectionOptions {
  readonly hops: readonly SshHop[]
  readonly role: 'control' | 'bulk'
  readonly keys: KeyRing
  readonly verify: VerifyHostKey
  readonly timing: SshTiming
  readonly signal: AbortSignal
  readonly onBanner: (text: string) => void
  readonly onStale?: (isStale: boolean) => void
}

interface Hop {
  readonly client: Client
  readonly stream: Duplex
}

/** A connection through all hops. It ends once, for whatever reason, and everything that waits on it is told then. */
export class SshConnection {
  readonly keyExchange: string
  /** Some hop let kx in by something that a person typed. */
  readonly isAsked: boolean
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<SshError>
  readonly slots = new Slots(mostChannels)
  /** Told when a call has to wait for a channel. */
  onCrowded: () => void = () => {}
  readonly #hops: readonly Hop[]
  readonly #timing: SshTiming
  readonly #end: (error: SshError) => void
  readonly #controller = new AbortController()
  readonly #watch: NodeJS.Timeout
  #error: SshError | null = null
  #heardAt = performance.now()
  #heardAtMs = Date.now()
  #isStale = false

  private constructor(
    hops: readonly Hop[],
    last: { readonly keyExchange: string; readonly isAsked: boolean },
    options: ConnectionOptions,
  ) {
    this.#hops = hops
    this.keyExchange = last.keyExchange
    this.isAsked = last.isAsked
    this.#timing = options.timing
    const { promise, resolve } = Promise.withResolvers<SshError>()
    this.ended = promise
    this.#end = resolve
    const hop = hostOf(options.hops)
    for (const { client } of hops) {
      client.on('error', (error: Error) => this.destroy(lost(hop, error.message)))
      client.on('end', () => this.destroy(lost(hop, 'the other side closed it')))
      client.on('close', () => this.destroy(lost(hop, 'the other side closed it')))
    }
    // Of the last one: a jump host that answers says nothing about what is behind it (handbook ssh T17).
    hops.at(-1)?.stream.on('data', () => this.#hear())
    this.#watch = this.#watchSilence(hop, options)
  }

  /** @throws SshError */
  static async open(options: ConnectionOptions): Promise<SshConnection> {
    const { hops, timing, role, signal } = options
    const host = hostOf(hops)
    const seconds = timing.connectSeconds
    const deadline = new Deadline(seconds, () => unreachable(host, `no connection within ${Math.round(seconds)} s`))
    const onAbort = () => deadline.fail(unreachable(host, 'given up'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const open: Hop[] = []
    try {
      const ssh2 = await loadSsh2()
      let keyExchange = ''
      let isAsked = false
      for (const hop of hops) {
        const before = open.at(-1)
        const stream = before === undefined ? await openSocket(hop, deadline) : await through(before, hop, deadline)
        const opened = await openHop({
          ssh2,
          hop,
          stream,
          deadline,
          keys: options.keys,
          verify: options.verify,
          onBanner: options.onBanner,
          keepaliveSeconds: role === 'control' ? timing.controlKeepaliveSeconds : timing.bulkKeepaliveSeconds,
        })
        open.push({ client: opened.client, stream })
        keyExchange = opened.keyExchange
        isAsked ||= opened.isAsked
      }
      return new SshConnection(open, { keyExchange, isAsked }, options)
    } catch (error) {
      for (const each of open.reverse()) drop(each)
      throw error
    } finally {
      deadline.clear()
      signal.removeEventListener('abort', onAbort)
    }
  }

  get error(): SshError | null {
    return this.#error
  }

  /** Aborted with the reason when the connection ends. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /**
   * A channel on which the server runs `remoteCommand`. Waits for a turn; when the server takes fewer channels than was
   * thought, this is learnt and the call waits like the others.
   */
  async exec(signal: AbortSignal, isFirst = false): Promise<ClientChannel> {
    return this.#channel(
      'run a command',
      (client, answer) => client.exec(remoteCommand, answer),
      (channel) => channel.close(),
      signal,
      isFirst,
    )
  }

  async sftp(signal: AbortSignal): Promise<SFTPWrapper> {
    return this.#channel(
      'open SFTP',
      (client, answer) => client.sftp(answer),
      (sftp) => sftp.end(),
      signal,
      false,
    )
  }

  /** One round trip of the protocol: whatever the server had sent before its answer has come. */
  async ping(): Promise<void> {
    const asked = new Promise<void>((resolve, reject) => {
      if (this.#error !== null) throw this.#error
      // Takes back a forward that was never asked for: the one request of the public interface with an answer and no
      // effect. Yes or no, it is an answer.
      this.#client.unforwardIn('127.0.0.1', 1, (error) => {
        if (error instanceof Error && /No response/.test(error.message)) reject(error)
        else resolve()
      })
    })
    await within(asked, this.#timing.openSeconds, () => new Error('no answer'))
  }

  /** Ends it now and tells everybody. The first reason counts. */
  destroy(error: SshError): void {
    if (this.#error !== null) return
    this.#error = error
    clearInterval(this.#watch)
    this.slots.fail(error)
    this.#controller.abort(error)
    this.#end(error)
    // The inner one first; `end()` on a dead link would keep it for good (handbook ssh T5).
    for (const hop of [...this.#hops].reverse()) drop(hop)
  }

  get #client(): Client {
    return (this.#hops.at(-1) as Hop).client
  }

  async #channel<T extends { once(event: 'close', listener: () => void): unknown }>(
    doing: string,
    ask: (client: Client, answer: (error: Error | undefined, opened: T) => void) => unknown,
    giveUp: (opened: T) => void,
    signal: AbortSignal,
    isFirst: boolean,
  ): Promise<T> {
    let hurry = isFirst
    for (let refusals = 0; ; hurry = true) {
      if (this.slots.taken >= this.slots.limit) this.onCrowded()
      const done = await this.slots.take(signal, hurry)
      let isKept = false
      try {
        while (true) {
          try {
            const opened = await this.#opened(doing, ask, signal, (late) => {
              isKept = true
              late.once('close', done)
              giveUp(late)
            })
            isKept = true
            opened.once('close', done)
            return opened
          } catch (error) {
            refusals += 1
            if (!isFull(error) || refusals > mostRefusals) throw error
            // A channel that was just closed counts there for a moment longer: the first refusal may be no limit.
            if (refusals > 1 && this.slots.taken > 1) break
            await this.ping()
          }
        }
        this.slots.lower(this.slots.taken - 1)
      } finally {
        if (!isKept) done()
      }
    }
  }

  #opened<T>(
    doing: string,
    ask: (client: Client, answer: (error: Error | undefined, opened: T) => void) => unknown,
    signal: AbortSignal,
    onLate: (opened: T) => void,
  ): Promise<T> {
    const asked = new Promise<T>((resolve, reject) => {
      if (this.#error !== null) throw this.#error
      ask(this.#client, (error, opened) => (error ? reject(error) : resolve(opened)))
    })
    const seconds = this.#timing.openSeconds
    const deadline = new Deadline(seconds, () => {
      // A link on which nothing opens is none: whoever comes next would wait just as long (handbook ssh T6).
      const error = new SshError(`The host did not let kx ${doing} within ${Math.round(seconds)} s.`, 'unreachable')
      this.destroy(error)
      return error
    })
    const stop = () => deadline.fail(this.#error ?? new Error('given up before it began'))
    const signals = [signal, this.signal]
    for (const each of signals) {
      if (each.aborted) stop()
      each.addEventListener('abort', stop, { once: true })
    }
    return deadline.race(asked, onLate).finally(() => {
      deadline.clear()
      for (const each of signals) each.removeEventListener('abort', stop)
    })
  }

  #hear(): void {
    this.#heardAt = performance.now()
    this.#heardAtMs = Date.now()
  }

  #watchSilence(hop: SshHop, options: ConnectionOptions): NodeJS.Timeout {
    const { timing, role } = options
    const deadSeconds = role === 'control' ? timing.controlDeadSeconds : timing.bulkDeadSeconds
    let lookedAt = performance.now()
    return setInterval(() => {
      const now = performance.now()
      // This process did not run for a while (a lid was closed, the machine swapped): that was no silence of the host,
      // and what came meanwhile is read only after this.
      const lateSeconds = (now - lookedAt) / 1000 - timing.tickSeconds
      lookedAt = now
      if (lateSeconds > timing.heartbeatSeconds)
        this.#heardAt = Math.max(this.#heardAt, now - timing.staleSeconds * 1000)
      const silent = (now - this.#heardAt) / 1000
      if (silent >= deadSeconds) {
        this.destroy(lost(hop, `nothing was heard for ${Math.round(silent)} s`))
        return
      }
      const isStale = silent >= timing.staleSeconds
      if (isStale === this.#isStale) return
      this.#isStale = isStale
      options.onStale?.(isStale)
    }, timing.tickSeconds * 1000)
  }
}

const hostOf = (hops: readonly SshHop[]) => hops.at(-1) as SshHop
const lost = (hop: SshHop, why: string) =>
  new SshError(`The link to ${shownHop(hop)} was lost: ${sanitiseLine(why, 300)}.`, 'unreachable')

const isFull = (error: unknown) =>
  typeof error === 'object' &&
  error !== null &&
  'reason' in error &&
  (error.reason === openFailed || error.reason === resourceShortage)

/** The way from one hop to the next. */
async function through(from: Hop, to: SshHop, deadline: Deadline): Promise<Duplex> {
  const opened = new Promise<Duplex>((resolve, reject) => {
    from.client.forwardOut('127.0.0.1', 0, to.address, to.port, (error, stream) =>
      error ? reject(unreachable(to, `the jump host could not connect: ${messageOf(error)}`, error)) : resolve(stream),
    )
  })
  return deadline.race(opened, (late) => late.destroy())
}

function drop({ client, stream }: Hop): void {
  client.on('error', () => {})
  stream.on('error', () => {})
  try {
    client.destroy()
  } catch {
    // It is on its way out already.
  }
  stream.destroy()
}
