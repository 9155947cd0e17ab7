import { spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { sanitiseLine } from '../../text/sanitise.ts'
import { failed, lost, TransferError } from '../transfer/errors.ts'
import { openStream } from '../transfer/stream.ts'
import type { Host, HostProcess } from '../types.ts'
import { isServerCommand } from './rules.ts'
import { rsyncEnvironment } from './versions.ts'

/**
 * What our rsync takes for its remote shell. It has two descriptors of kx and nothing else: on the one it says what it is
 * to run, on both the bytes go. There is no socket that another program could come to, and no second login. As a shell
 * over a link it ends when the other end has; and when kx is gone, so is the other end.
 */
const bridge = `sh -c 'printf "%s\\0" "$#" "$@" >&4; exec 5<&0; cat <&5 >&4 3<&- 5<&- & exec cat <&3 4>&- 5<&-' kx-link`
const mostCommandBytes = 4096
const mostSaidBytes = 4096
/** Some files could not be read, or went away meanwhile: what came is judged file by file. */
const partialCodes: ReadonlySet<number | null> = new Set([23, 24])

export interface RsyncRequest {
  /** There. */
  readonly folder: string
  /** Below it. Must have passed `pathProblem`. */
  readonly paths: readonly string[]
  /** Absolute folder here, of ours alone and empty: everything that comes lies below it. */
  readonly into: string
  /** Absolute folder here with older ones under the same paths, to be used again; null: all of it comes. */
  readonly basis: string | null
  readonly signal: AbortSignal
  /** Default 60. */
  readonly silenceSeconds?: number
  /** Bytes came over the link. */
  readonly onBytes?: (bytes: number) => void
}

/**
 * Our rsync and the one there, over the link that kx has: files of one folder into a folder of ours. Links, devices, owners
 * and times are not asked for. What comes is not believed by this: whoever asked looks at what lies there.
 *
 * @throws TransferError; what came whole by then lies there, and the beginning of one that did not
 */
export async function runRsync(host: Host, request: RsyncRequest): Promise<void> {
  const { paths, into, basis, signal, silenceSeconds = 60 } = request
  signal.throwIfAborted()
  const args = [
    ...['-s', '--files-from=-', '--from0', '--no-implied-dirs', '--no-dirs', '--no-links'],
    ...['--perms', '--chmod=D700,F600', '--ignore-times', '--partial', `--timeout=${Math.ceil(silenceSeconds)}`],
    // Else the bridge is given an end that refuses what does not fit at once.
    '--blocking-io',
    ...(basis === null ? ['--whole-file'] : ['--no-whole-file', `--copy-dest=${basis}`]),
    ...['-e', bridge, '--', 'kx:./', `${into}/`],
  ]
  const child = spawn('rsync', args, {
    cwd: '/',
    env: rsyncEnvironment(),
    // A group of its own, so that all of it can be ended.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [toRsync, fromRsync] = [child.stdio[3] as Duplex, child.stdio[4] as Duplex]
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-mostSaidBytes)
  })
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null))
    // Not `close`: a descriptor of the bridge may outlive the program that it was for.
    child.once('exit', (code) => resolve(code))
  })
  // A pipe that breaks because its end is gone is told by how that end ended.
  for (const pipe of [child.stdin, toRsync, fromRsync]) pipe?.on('error', () => {})
  child.stdin?.end(paths.map((path) => `./${path}\0`).join(''))

  let stop: TransferError | null = null
  const end = (error: TransferError) => {
    stop ??= error
    toRsync.destroy()
    endGroup(child.pid, 'SIGTERM')
    setTimeout(() => endGroup(child.exitCode === null ? child.pid : undefined, 'SIGKILL'), 2000).unref()
  }
  const onAbort = () => end(lost('given up'))
  signal.addEventListener('abort', onAbort, { once: true })
  const link = new RsyncLink(host, request, toRsync, fromRsync, end)
  try {
    const code = await ended
    const there = await link.finish(stop !== null)
    signal.throwIfAborted()
    if (stop !== null) throw stop
    if (code === 0 || partialCodes.has(code)) return
    if (there !== null) throw there
    const why = sanitiseLine(said.trim(), 300) || 'without a word'
    throw code === null
      ? failed(`rsync could not be run here: ${why}`)
      : failed(`rsync ended with code ${code}: ${why}`)
  } finally {
    signal.removeEventListener('abort', onAbort)
    toRsync.destroy()
    fromRsync.destroy()
  }
}

function endGroup(pid: number | undefined, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It is gone.
  }
}

/** Between our rsync and the one there: begins it when it is asked for rightly, and hands bytes over both ways. */
class RsyncLink {
  readonly #host: Host
  readonly #request: RsyncRequest
  readonly #toRsync: Duplex
  readonly #end: (error: TransferError) => void
  #command = Buffer.alloc(0)
  #remote: Promise<HostProcess | null> | null = null
  #fault: TransferError | null = null

  constructor(
    host: Host,
    request: RsyncRequest,
    toRsync: Duplex,
    fromRsync: Duplex,
    end: (error: TransferError) => void,
  ) {
    this.#host = host
    this.#request = request
    this.#toRsync = toRsync
    this.#end = end
    fromRsync.on('data', (chunk: Buffer) => {
      if (this.#remote === null) chunk = this.#ask(chunk)
      if (this.#remote === null || chunk.byteLength === 0) return
      fromRsync.pause()
      void this.#send(chunk).finally(() => fromRsync.resume())
    })
    fromRsync.once('end', () => void this.#remote?.then((remote) => remote?.endInput()))
  }

  /** After ours ended: the other one is seen to end too. Tells why it did not end well, if so. */
  async finish(isGivenUp: boolean): Promise<TransferError | null> {
    const remote = await this.#remote
    if (remote === null || remote === undefined) return this.#fault
    const late = setTimeout(
      () => {
        if (remote.identity !== null) void this.#host.kill(remote.identity, 2).catch(() => {})
        remote.close()
      },
      isGivenUp ? 0 : 3000,
    )
    const ending = await remote.ending
    clearTimeout(late)
    remote.close()
    if (ending.kind === 'unknown') return lost(ending.reason)
    return this.#fault
  }

  /** The words before the first byte of the protocol. Returns what follows them. */
  #ask(chunk: Buffer): Buffer {
    this.#command = Buffer.concat([this.#command, chunk])
    const parts = this.#command.toString('latin1').split('\0')
    const count = Number(parts[0])
    if (!/^\d{1,2}$/.test(parts[0] ?? '') && parts.length > 1) this.#refuse('something that is no command')
    else if (parts.length > count + 1) {
      const argv = parts.slice(1, count + 1)
      if (isServerCommand(argv)) this.#remote = this.#begin(argv.slice(1))
      else this.#refuse(sanitiseLine(argv.join(' '), 200))
      return this.#command.subarray(parts.slice(0, count + 1).join('\0').length + 1)
    } else if (this.#command.byteLength > mostCommandBytes) this.#refuse('a command without an end')
    return Buffer.alloc(0)
  }

  #refuse(what: string): void {
    this.#end(failed(`rsync asked the link for ${what}, which is not what it may run`))
  }

  async #begin(argv: readonly string[]): Promise<HostProcess | null> {
    try {
      let remote: HostProcess | null = null
      remote = await openStream(this.#host, argv, {
        cwd: this.#request.folder,
        startSeconds: 60,
        signal: this.#request.signal,
        onStdout: (chunk) => {
          this.#request.onBytes?.(chunk.byteLength)
          if (this.#toRsync.destroyed || this.#toRsync.write(chunk) || remote === null) return
          remote.pause()
          this.#toRsync.once('drain', () => remote?.resume())
        },
        onStderr: () => {},
      })
      // It ended, or the link went: ours has to see that nothing more comes.
      void remote.ending.then((ending) => {
        if (ending.kind === 'unknown') this.#end(lost(ending.reason))
        else this.#toRsync.end()
      })
      return remote
    } catch (error) {
      this.#fault = error instanceof TransferError ? error : failed(String(error), error)
      this.#end(this.#fault)
      return null
    }
  }

  async #send(chunk: Buffer): Promise<void> {
    const remote = await this.#remote
    if (remote !== null && remote !== undefined && !remote.write(chunk)) await remote.drained()
  }
}
