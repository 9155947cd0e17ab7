import { createLinkBook } from '../host/link/book.ts'
import { createLogins } from '../host/link/logins.ts'
import type { AskLogin, ConfirmHostKey, Links } from '../host/link/types.ts'
import type { OpenedHost, OpenHostOptions } from '../host/open.ts'
import type { SshState, SshStatus } from '../host/ssh/types.ts'
import type { Host } from '../host/types.ts'
import { userFolders } from './paths.ts'

export interface LeaseRequest extends Pick<OpenHostOptions, 'configFile' | 'transport'> {
  /**
   * A person asked for it just now: a link that waits for a person is tried again, and the call waits until it is known
   * whether there is one. Looks that come by themselves never do that (handbook ssh T14).
   */
  readonly isAttended: boolean
  readonly signal?: AbortSignal
}

/** The person at the keyboard, for what a link needs to be made. */
export interface Person {
  /** Name for records. */
  readonly name: string
  readonly askLogin: AskLogin
  readonly confirmHostKey: ConfirmHostKey
}

interface Kept {
  readonly key: string
  readonly opened: Promise<OpenedHost>
  leases: number
  /** Leases of acts that a person started. */
  attended: number
  idle: NodeJS.Timeout | undefined
}

const book = createLinkBook()
const kept = new Map<string, Kept>()
let idleMs = 0
/** What an attended call waits for a link at most before it goes on and says itself what is not there. */
const firstAnswerMs = 15_000

let person: Person | null = null
let questions = 0

/** Says who is asked from now on; null: nobody can be. */
export function attend(next: Person | null): void {
  person = next
}

/** Time in which a person is asked is not the network's. */
async function asking<T>(work: () => Promise<T>): Promise<T> {
  questions += 1
  try {
    return await work()
  } finally {
    questions -= 1
  }
}

/** Passphrases and passwords of this process: each is asked for once. */
export const attendedLogins = createLogins(
  (question, signal) => asking(async () => (await person?.askLogin(question, signal)) ?? null),
  async (name, value) => (await import('../secret/known.ts')).addTypedSecret(name, value),
)

/** How the links of this process are. */
export const links: Links = book

/**
 * Keeps the links of hosts open between acts, for so long after the last use; 0 closes each with its act. Without it
 * every act would log in anew: passphrases, failed logins and pauses would be forgotten from one act to the next.
 */
export function keepHostsOpen(milliseconds: number): void {
  idleMs = milliseconds
}

/** Waits for a person; or was never reached and would say the no of the last try: somebody who asks wants a new one. */
const isForPerson = (status: SshStatus | undefined) =>
  status?.state === 'paused' || (status?.state === 'down' && status.heardAtMs === null)

/**
 * A host that may be shared with other acts of this process: one link by name and settings, with its state in `links`.
 * Closing the lease ends what was begun through it, and leaves the link to the others.
 *
 * @throws HostError when the name or the user's ssh configuration cannot be used
 */
export async function leaseHost(name: string, request: LeaseRequest): Promise<Host> {
  const key = JSON.stringify([name, request.transport ?? null, request.configFile ?? null])
  if (request.isAttended && isForPerson(book.get(name)?.status)) await renew(name)
  let entry = kept.get(name)
  if (entry !== undefined && entry.key !== key) {
    // Other settings are another way there; whoever uses the old one goes on with it until its end.
    kept.delete(name)
    retire(entry)
    entry = undefined
  }
  entry ??= open(name, key, request)
  entry.leases += 1
  if (request.isAttended) entry.attended += 1
  clearTimeout(entry.idle)
  try {
    const { host } = await entry.opened
    if (request.isAttended) await firstAnswer(name, host, request.signal)
    return lease(name, entry, host, request.isAttended)
  } catch (error) {
    await release(name, entry, request.isAttended)
    throw error
  }
}

/**
 * The open link to a host, by whichever settings it was made, for a look that comes by itself and may open nothing: a
 * login could ask a person. Null: there is no link, or it is not up. Is closed like any lease.
 */
export async function leaseOpenHost(name: string): Promise<Host | null> {
  const entry = kept.get(name)
  if (entry === undefined || book.get(name)?.status.state !== 'up') return null
  entry.leases += 1
  clearTimeout(entry.idle)
  try {
    return lease(name, entry, (await entry.opened).host, false)
  } catch (error) {
    await release(name, entry, false)
    throw error
  }
}

/**
 * Lets a link that is down or paused be tried at once. Where nobody uses it now it is made anew, by the configuration as
 * it is now; the next lease does that.
 */
export async function renew(name: string): Promise<void> {
  const entry = kept.get(name)
  if (entry === undefined || entry.leases === 0) return closeHost(name)
  const { host } = await entry.opened
  if ('resume' in host && typeof host.resume === 'function') host.resume()
}

/** Ends the link to one host for everybody: the next lease reads configuration and keys anew. */
export async function closeHost(name: string): Promise<void> {
  const entry = kept.get(name)
  kept.delete(name)
  book.remove(name)
  if (entry === undefined) return
  clearTimeout(entry.idle)
  await entry.opened.then(({ host }) => host.close()).catch(() => {})
}

/** Ends every link. */
export async function closeHosts(): Promise<void> {
  await Promise.all([...kept.keys()].map(closeHost))
}

function open(name: string, key: string, request: LeaseRequest): Kept {
  const { configFile, transport } = request
  const opened = import('../host/open.ts').then(({ openHost }) =>
    openHost(name, {
      env: process.env,
      stateFolder: userFolders(process.env).state,
      transport: transport ?? null,
      ...(configFile === undefined ? {} : { configFile }),
      onStatus: (status) => told(name, entry, status),
      logins: attendedLogins,
      hostKeys: {
        asks: 'unknown',
        by: () => person?.name ?? '',
        // A look that comes by itself must not turn into a question about trust.
        confirm: (question, signal) =>
          asking(async () => entry.attended > 0 && (await person?.confirmHostKey(question, signal)) === true),
      },
    }),
  )
  const entry: Kept = { key, opened, leases: 0, attended: 0, idle: undefined }
  kept.set(name, entry)
  return entry
}

function told(name: string, entry: Kept, status: SshStatus): void {
  if (kept.get(name) !== entry) return
  void entry.opened.then(({ choice }) => {
    if (kept.get(name) !== entry) return
    if (status.state === 'closed') book.remove(name)
    else book.put({ host: name, transport: choice?.transport ?? 'ssh', status })
  })
}

function lease(name: string, entry: Kept, host: Host, isAttended: boolean): Host {
  const over = new AbortController()
  const until = (signal: AbortSignal | undefined) =>
    signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
  let isReleased = false
  return {
    ...host,
    exec: (argv, options = {}) => host.exec(argv, { ...options, signal: until(options.signal) }),
    script: (source, args, options = {}) => host.script(source, args, { ...options, signal: until(options.signal) }),
    close: async () => {
      if (isReleased) return
      isReleased = true
      over.abort(new Error('the act that began it is over'))
      await release(name, entry, isAttended)
    },
  }
}

async function release(name: string, entry: Kept, isAttended: boolean): Promise<void> {
  entry.leases -= 1
  if (isAttended) entry.attended -= 1
  if (entry.leases > 0) return
  const end = async () => {
    if (kept.get(name) === entry) await closeHost(name)
    else await entry.opened.then(({ host }) => host.close()).catch(() => {})
  }
  if (idleMs === 0 || kept.get(name) !== entry) return end()
  entry.idle = setTimeout(() => void end(), idleMs).unref()
}

/** Closed with its last lease. */
function retire(entry: Kept): void {
  clearTimeout(entry.idle)
  if (entry.leases === 0) void entry.opened.then(({ host }) => host.close()).catch(() => {})
}

const known: readonly SshState[] = ['up', 'stale', 'down', 'paused', 'closed']

/** Until the link is up, or was seen not to be; bounded, and no failure: what is done over it says what it met. */
async function firstAnswer(name: string, host: Host, signal: AbortSignal | undefined): Promise<void> {
  if (host.kind === 'local' || !('connect' in host) || typeof host.connect !== 'function') return
  const done = new AbortController()
  const end = () => done.abort()
  const late = () => {
    if (questions === 0) end()
    else timer = setTimeout(late, 1000)
  }
  let timer = setTimeout(late, firstAnswerMs)
  signal?.addEventListener('abort', end, { once: true })
  const unsubscribe = book.subscribe(() => {
    const state = book.get(name)?.status.state
    if (state !== undefined && known.includes(state)) end()
  })
  try {
    if (signal?.aborted !== true) await (host.connect as (signal: AbortSignal) => Promise<void>)(done.signal)
  } catch {
    // The state of the link says why.
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
    unsubscribe()
  }
}
