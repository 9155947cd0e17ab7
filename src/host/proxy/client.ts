import { HostError } from '../errors.ts'
import type { ExecOptions, ExecResult, Host, HostProcess, ScriptOptions, SpawnOptions } from '../types.ts'
import { ProxiedProcess } from './client-process.ts'
import { type Call, isOfLane, receivedError, type ToAsk, type Told } from './messages.ts'
import type { Wire } from './wire.ts'

interface Pending {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly onOut?: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void
}

/**
 * A host that is somewhere else: every call is a message to the process or thread that has the connection. It behaves as
 * the host does; when the other side goes away, calls reject, and what runs ends `unknown`.
 */
export function proxiedHost(wire: Wire, lane: string, { name, kind }: Pick<Host, 'name' | 'kind'>): Host {
  const pending = new Map<number, Pending>()
  const processes = new Map<number, { process: ProxiedProcess; begun: Pending | null }>()
  let next = 1
  let isClosed: 'by-us' | 'gone' | null = null

  const ask = (asked: ToAsk) => wire.send({ lane, ...asked })
  const gone = () =>
    new HostError(
      isClosed === 'by-us'
        ? `This way to ${name} is closed.`
        : `${name} cannot be asked: kx, which has the connection, is not there any more.`,
    )

  const listen = (id: number, signal: AbortSignal | undefined) => {
    const onAbort = () => ask({ kind: 'abort', id, reason: words(signal?.reason) })
    signal?.addEventListener('abort', onAbort, { once: true })
    return () => signal?.removeEventListener('abort', onAbort)
  }

  const call = async <T>(method: Call, args: readonly unknown[], options: ExecOptions = {}): Promise<T> => {
    if (isClosed !== null) throw gone()
    const { signal, onStdout, onStderr } = options
    const id = next
    next += 1
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const streams = onStdout !== undefined || onStderr !== undefined
    pending.set(id, {
      resolve,
      reject,
      ...(streams ? { onOut: (stream, bytes) => (stream === 'stdout' ? onStdout?.(bytes) : onStderr?.(bytes)) } : {}),
    })
    ask({ kind: 'call', id, call: method, args, streams, isAborted: signal?.aborted === true })
    const stop = listen(id, signal)
    try {
      return await promise
    } finally {
      stop()
      pending.delete(id)
    }
  }

  const spawn = async (argv: readonly string[], options: SpawnOptions): Promise<HostProcess> => {
    if (isClosed !== null) throw gone()
    const id = next
    next += 1
    const { promise, resolve, reject } = Promise.withResolvers<HostProcess>()
    const process = new ProxiedProcess(id, ask, options)
    processes.set(id, { process, begun: { resolve, reject } })
    ask({
      kind: 'spawn',
      id,
      argv,
      cwd: options.cwd ?? null,
      env: options.env ?? null,
      startSeconds: options.startSeconds ?? null,
      isAborted: options.signal?.aborted === true,
    })
    const stop = listen(id, options.signal)
    try {
      return await promise
    } finally {
      stop()
    }
  }

  const onProcess = (message: Told) => {
    const known = processes.get(message.id)
    if (known === undefined) return
    const { process, begun } = known
    if (message.kind === 'out') process.take(message.stream, message.bytes)
    else if (message.kind === 'took-input') process.tookInput(message.count)
    else if (message.kind === 'begun') {
      process.identity = message.identity
      known.begun = null
      begun?.resolve(process as never)
    } else if (message.kind === 'failed') {
      processes.delete(message.id)
      begun?.reject(receivedError(message.error))
      process.end({ kind: 'unknown', reason: message.error.message })
    } else if (message.kind === 'ended') {
      processes.delete(message.id)
      process.end(message.ending)
    }
  }

  const stopListening = wire.onMessage((message) => {
    if (!isOfLane<Told>(message, lane)) return
    const waiting = pending.get(message.id)
    if (waiting === undefined) onProcess(message)
    else if (message.kind === 'answer') waiting.resolve(message.value as never)
    else if (message.kind === 'failed') waiting.reject(receivedError(message.error))
    else if (message.kind === 'out') waiting.onOut?.(message.stream, message.bytes)
  })

  const end = (why: 'by-us' | 'gone') => {
    if (isClosed !== null) return
    isClosed = why
    stopListening()
    for (const waiting of pending.values()) waiting.reject(gone())
    for (const { process, begun } of processes.values()) {
      begun?.reject(gone())
      process.end({ kind: 'unknown', reason: 'kx, which has the connection, is not there any more' })
    }
    processes.clear()
  }
  void wire.closed.then(() => end('gone'))

  return {
    name,
    kind,
    identity: (signal) => call('identity', [], signal === undefined ? {} : { signal }),
    exec: (argv, options = {}) => call<ExecResult>('exec', [argv, plain(options)], options),
    script: (source, args, options: ScriptOptions = {}) =>
      call<ExecResult>('script', [source, args, plain(options)], options),
    spawn,
    stat: (path) => call('stat', [path]),
    list: (path) => call('list', [path]),
    read: (path, offset, length) => call('read', [path, offset, length]),
    tail: (path, from, length) => call('tail', [path, from, length]),
    write: (path, bytes, mode) => call('write', [path, bytes, mode]),
    sha256: (path, signal) => call('sha256', [path], signal === undefined ? {} : { signal }),
    kill: (process, graceSeconds) => call('kill', [process, graceSeconds]),
    isAlive: (process) => call('isAlive', [process]),
    removeTree: (path, mustBeUnder) => call('removeTree', [path, mustBeUnder]),
    close: async () => {
      if (isClosed !== null) return
      ask({ kind: 'close', id: 0 })
      end('by-us')
    },
  }
}

const words = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason ?? 'aborted'))

/** Functions and signals cannot travel. */
function plain({ signal: _signal, onStdout: _onStdout, onStderr: _onStderr, ...rest }: ExecOptions): object {
  return rest
}
