import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { childEnvironment } from '../child-environment.ts'
import { HostError } from '../errors.ts'
import { execLocal } from '../local-exec.ts'
import { isLocalAlive, killLocal, localProcessIdentity, until } from '../local-process.ts'
import type { ProcessIdentity } from '../types.ts'
import { type AskpassServer, startAskpass } from './askpass.ts'
import { ConnectError, connectError } from './connect-error.ts'
import {
  controlArguments,
  defaultConnectSeconds,
  masterArguments,
  type OpensshHostOptions,
  opensshTiming,
} from './options.ts'
import { type SeenKey, seenHostKey, seenKeyExchange, withoutDebug } from './seen-key.ts'

/** sun_path holds 108 bytes with its NUL on Linux, 104 elsewhere. */
const maxSocketBytes = 103
/** `ssh` binds a temporary name first: a dot and 16 letters behind ours. */
const temporaryBytes = 17
const exitSeconds = 5
/** Of what `ssh` says while it connects: its debug lines are some 10 kB, a banner can be of any length. */
const mostSaidBytes = 4 * 1024 * 1024

/** A folder for sockets that only this user can open, under the shortest of the places where it may be. */
export async function makeSocketFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const tried: string[] = []
  for (const parent of [env.XDG_RUNTIME_DIR, tmpdir(), '/tmp']) {
    if (!parent?.startsWith('/')) continue
    // /kx-XXXXXX/m-12345678
    const bytes = Buffer.byteLength(parent) + 21 + temporaryBytes
    if (bytes > maxSocketBytes || /[%"\s]/.test(parent)) continue
    try {
      return await mkdtemp(join(parent, 'kx-'))
    } catch (error) {
      tried.push(error instanceof Error ? error.message : String(error))
    }
  }
  throw new HostError(
    `No folder for the socket of ssh: its path may have ${maxSocketBytes} bytes. Set TMPDIR to a short path that can be written. ${tried.join(' ')}`,
  )
}

/** One connection of the system's `ssh` that commands share. */
export class Master {
  readonly socket: string
  /** The key by which `ssh` knew the host; null when it cannot be told which one that was. */
  readonly hostKey: SeenKey | null
  readonly keyExchange: string | null
  readonly #options: OpensshHostOptions
  readonly #identity: ProcessIdentity

  constructor(
    options: OpensshHostOptions,
    socket: string,
    identity: ProcessIdentity,
    seen: { readonly hostKey: SeenKey | null; readonly keyExchange: string | null },
  ) {
    this.socket = socket
    this.hostKey = seen.hostKey
    this.keyExchange = seen.keyExchange
    this.#options = options
    this.#identity = identity
  }

  get pid(): number {
    return this.#identity.pid
  }

  /** False once it is gone, as when the link was seen dead, the server closed it, or it was idle for long. */
  async isAlive(): Promise<boolean> {
    return (await isLocalAlive(this.#identity)) === true
  }

  /** Whether it answers at this side. Alive and silent, it hangs: its connection may be well, and nobody can use it. */
  async answers(): Promise<boolean> {
    const { checkSeconds } = this.#options.timing ?? opensshTiming
    const { ending } = await control(this.#options, this.socket, 'check', checkSeconds)
    return ending.kind === 'exited' && ending.code === 0
  }

  /** Ends one that would not hear a request. */
  async kill(): Promise<void> {
    await killLocal(this.#identity, 1)
  }

  /** Ends it, and sees it gone: asked first, then by signal. */
  async exit(): Promise<void> {
    if (!(await this.isAlive())) return
    await control(this.#options, this.socket, 'exit')
    if (await until(async () => !(await this.isAlive()), 2)) return
    await killLocal(this.#identity, 1)
  }
}

const control = (options: OpensshHostOptions, socket: string, what: 'check' | 'exit', timeoutSeconds = exitSeconds) =>
  execLocal(
    [options.program ?? 'ssh', ...controlArguments(options, socket, what)],
    { timeoutSeconds },
    options.env ?? childEnvironment(),
  )

/** Connects. Throws ConnectError with the reason; nothing of it is left running then. */
export async function startMaster(options: OpensshHostOptions, folder: string, signal: AbortSignal): Promise<Master> {
  const socket = join(folder, `m-${randomBytes(4).toString('hex')}`)
  const giveUp = new AbortController()
  const onAbort = () => giveUp.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  let askpass: AskpassServer | null = null
  let isLate = false
  let unanswered: string | null = null
  const seconds = options.connectSeconds ?? defaultConnectSeconds
  let left = seconds * 4
  // Time that a person takes is theirs, not the network's.
  const clock = setInterval(() => {
    if ((askpass?.open() ?? 0) > 0) return
    left -= 1
    if (left > 0) return
    isLate = true
    giveUp.abort()
  }, 250)
  try {
    const { askpass: ask } = options
    if (ask !== undefined)
      askpass = await startAskpass(
        folder,
        async (prompt, until) => {
          const answer = await ask(prompt, until)
          if (answer === null) unanswered ??= prompt
          return answer
        },
        giveUp.signal,
      )
    const ran = await execLocal(
      [options.program ?? 'ssh', ...masterArguments(options, socket)],
      { timeoutSeconds: 3600, signal: giveUp.signal, maxBytes: mostSaidBytes },
      { ...(options.env ?? childEnvironment()), ...askpass?.env },
    )
    const all = new TextDecoder().decode(ran.stderr)
    const said = withoutDebug(all)
    if (isLate)
      throw new ConnectError(
        options.name,
        'unreachable',
        `no connection within ${seconds} s`,
        'It may be unreachable and well. Check the network.',
      )
    if (signal.aborted) throw new ConnectError(options.name, 'other', 'given up', 'Connect again when it is wanted.')
    if (ran.ending.kind !== 'exited' || ran.ending.code !== 0) {
      if (ran.ending.kind === 'exited' && ran.ending.code === 127)
        throw new ConnectError(options.name, 'settings', 'the program ssh is not there', 'Install OpenSSH.')
      throw connectError(options.name, said, unanswered)
    }
    const checked = await control(options, socket, 'check')
    const pid = Number(/\(pid=(\d+)\)/.exec(new TextDecoder().decode(checked.stderr))?.[1])
    const identity = Number.isSafeInteger(pid) ? await localProcessIdentity(pid) : null
    const hostKey = seenHostKey(all, ran.stderr.byteLength === ran.stderrBytes)
    if (identity !== null) return new Master(options, socket, identity, { hostKey, keyExchange: seenKeyExchange(all) })
    await control(options, socket, 'exit')
    throw new ConnectError(options.name, 'unreachable', 'the connection ended at once', 'Try `ssh -v` to see more.')
  } finally {
    clearInterval(clock)
    signal.removeEventListener('abort', onAbort)
    await askpass?.close()
  }
}

/** Removes the folder of sockets, and nothing that is not ours in it. */
export const removeSocketFolder = (folder: string) => rm(folder, { recursive: true, force: true })
