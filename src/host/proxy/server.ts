import type { ExecOptions, Host, HostProcess, ProcessIdentity } from '../types.ts'
import { refuseSecrets, textsIn } from './arguments.ts'
import { type Asked, type Call, calls, isOfLane, outputWindowBytes, sentError, type ToTell } from './messages.ts'
import type { Wire } from './wire.ts'

export interface ServeOptions {
  /** Between TERM and KILL for what the other side leaves behind; default 2 s. */
  readonly graceSeconds?: number
  /** Added to the environment of whatever the other side starts: by it, what it left behind is found again. */
  readonly env?: Readonly<Record<string, string>>
  /** A process of its began there. */
  readonly onBegan?: (identity: ProcessIdentity, ending: Promise<unknown>) => void
}

export interface ServedHost {
  /** Ends what was begun over this lane, by the kill ladder, and answers no more. The host stays open. */
  close(): Promise<void>
  /** Ends what runs now, and goes on answering: for a deadline that the other side does not keep. */
  endAll(graceSeconds?: number): Promise<void>
}

/** A process of the host, and how much of its output the other side has not taken yet. */
interface Served {
  readonly giveUp: AbortController
  /** Settles when it has begun, or is known not to have: then with null. */
  readonly begun: PromiseWithResolvers<HostProcess | null>
  /** Null while it begins. */
  process: HostProcess | null
  waitingBytes: number
  isHeld: boolean
}

const lateEndMilliseconds = 5000

/**
 * Lends a host to another process or thread, as messages over a wire. Only what is listed in `calls`, and `spawn`, can be
 * asked: the connection, its keys and its secrets stay here, and what would show a secret value to other users of the host
 * is refused. When the other side goes away, what it began on the host is ended there (TERM, grace, KILL, seen gone) over
 * the connection that is still here.
 */
export function serveHost(host: Host, wire: Wire, lane: string, options: ServeOptions = {}): ServedHost {
  const running = new Map<number, Served>()
  const pending = new Map<number, AbortController>()
  let closing: Promise<void> | null = null

  const tell = (message: ToTell) => wire.send({ lane, ...message })

  const hold = (served: Served) => {
    const mustHold = served.waitingBytes >= outputWindowBytes
    if (mustHold && !served.isHeld) {
      served.isHeld = true
      served.process?.pause()
    } else if (served.isHeld && served.waitingBytes <= outputWindowBytes / 2) {
      served.isHeld = false
      served.process?.resume()
    }
  }

  const call = async (asked: Asked & { kind: 'call' }) => {
    const controller = new AbortController()
    if (asked.isAborted) controller.abort()
    pending.set(asked.id, controller)
    const out = (stream: 'stdout' | 'stderr') => (bytes: Uint8Array) =>
      tell({ kind: 'out', id: asked.id, stream, bytes })
    try {
      if (!(calls as readonly string[]).includes(asked.call)) throw new Error(`a host has no ${String(asked.call)}`)
      const heard = asked.streams ? { onStdout: out('stdout'), onStderr: out('stderr') } : {}
      const given = { signal: controller.signal, ...heard }
      refuseSecrets(host.name, textsIn(shownOf(asked)))
      const value = await answer(host, asked.call, asked.args, given, options.env)
      tell({ kind: 'answer', id: asked.id, value })
    } catch (error) {
      tell({ kind: 'failed', id: asked.id, error: sentError(error) })
    } finally {
      pending.delete(asked.id)
    }
  }

  const spawn = async (asked: Asked & { kind: 'spawn' }) => {
    const served: Served = {
      giveUp: new AbortController(),
      begun: Promise.withResolvers<HostProcess | null>(),
      process: null,
      waitingBytes: 0,
      isHeld: false,
    }
    running.set(asked.id, served)
    if (asked.isAborted) served.giveUp.abort()
    const take = (stream: 'stdout' | 'stderr') => (bytes: Uint8Array) => {
      served.waitingBytes += bytes.byteLength
      hold(served)
      tell({ kind: 'out', id: asked.id, stream, bytes })
    }
    try {
      refuseSecrets(host.name, textsIn([asked.argv, asked.cwd, asked.env]))
      const process = await host.spawn(asked.argv, {
        ...(asked.cwd === null ? {} : { cwd: asked.cwd }),
        env: { ...asked.env, ...options.env },
        ...(asked.startSeconds === null ? {} : { startSeconds: asked.startSeconds }),
        signal: served.giveUp.signal,
        onStdout: take('stdout'),
        onStderr: take('stderr'),
      })
      served.process = process
      served.begun.resolve(process)
      if (process.identity !== null) options.onBegan?.(process.identity, process.ending)
      if (served.isHeld) process.pause()
      tell({ kind: 'begun', id: asked.id, identity: process.identity })
      const ending = await process.ending
      tell({ kind: 'ended', id: asked.id, ending })
    } catch (error) {
      tell({ kind: 'failed', id: asked.id, error: sentError(error) })
    } finally {
      served.begun.resolve(null)
      running.delete(asked.id)
    }
  }

  const input = async (id: number, bytes: Uint8Array) => {
    const process = running.get(id)?.process
    if (process !== null && process !== undefined && !process.write(bytes)) await process.drained()
    tell({ kind: 'took-input', id, count: bytes.byteLength })
  }

  const endAll = async (graceSeconds = options.graceSeconds ?? 2) => {
    for (const controller of pending.values()) controller.abort(new Error('the other side went away'))
    await Promise.allSettled([...running.values()].map((served) => end(host, served, graceSeconds)))
  }

  const close = () => {
    stopListening()
    closing ??= endAll()
    return closing
  }

  const stopListening = wire.onMessage((message) => {
    if (!isOfLane<Asked>(message, lane)) return
    const served = running.get(message.id)
    if (message.kind === 'call') void call(message)
    else if (message.kind === 'spawn') void spawn(message)
    else if (message.kind === 'input') void input(message.id, message.bytes)
    else if (message.kind === 'close') void close()
    else if (message.kind === 'abort') {
      const why = new Error(message.reason)
      pending.get(message.id)?.abort(why)
      served?.giveUp.abort(why)
    } else if (served === undefined) return
    else if (message.kind === 'end-input') served.process?.endInput()
    else if (message.kind === 'let-go') served.process?.close()
    else {
      served.waitingBytes -= message.count
      hold(served)
    }
  })
  void wire.closed.then(close)
  return { close, endAll: (graceSeconds) => endAll(graceSeconds) }
}

/** What of a call others can see there. The text of a script, like any input, travels on standard input. */
function shownOf({ call, args }: Asked & { kind: 'call' }): unknown {
  if (call === 'script') return args.slice(1)
  if (call !== 'exec') return args
  const [argv, options] = args as readonly [unknown, ExecOptions | undefined]
  return [argv, { ...options, stdin: undefined }]
}

type Given = Pick<ExecOptions, 'signal' | 'onStdout' | 'onStderr'>

/** Each call by name: an argument list from another process is not spread over whatever method it names. */
function answer(
  host: Host,
  name: Call,
  args: readonly unknown[],
  given: Given,
  env: Readonly<Record<string, string>> | undefined,
): Promise<unknown> {
  const [a, b, c] = args as [never, never, never]
  const marked = (asked: ExecOptions | undefined) => ({
    ...asked,
    ...(env === undefined ? {} : { env: { ...asked?.env, ...env } }),
    ...given,
  })
  switch (name) {
    case 'identity':
      return host.identity(given.signal)
    case 'exec':
      return host.exec(a, marked(b))
    case 'script':
      return host.script(a, b, marked(c))
    case 'stat':
      return host.stat(a)
    case 'list':
      return host.list(a)
    case 'read':
      return host.read(a, b, c)
    case 'tail':
      return host.tail(a, b, c)
    case 'write':
      return host.write(a, b, c)
    case 'sha256':
      return host.sha256(a, given.signal)
    case 'kill':
      return host.kill(a, b)
    case 'isAlive':
      return host.isAlive(a)
    case 'removeTree':
      return host.removeTree(a, b)
  }
}

/** Ends one process there. One that only begins is given up; if it began all the same, it is ended as well. */
async function end(host: Host, served: Served, graceSeconds: number): Promise<void> {
  served.giveUp.abort(new Error('the other side went away'))
  const process = await served.begun.promise
  if (process === null) return
  if (process.identity === null) return process.close()
  // Held output must not keep it from ending.
  process.resume()
  const seen = await host.kill(process.identity, graceSeconds)
  if (seen === 'still-there') return process.close()
  const late = setTimeout(() => process.close(), lateEndMilliseconds)
  await process.ending
  clearTimeout(late)
}
