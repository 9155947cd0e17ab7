import type { SFTPWrapper } from 'ssh2'
import { HostError } from '../errors.ts'
import { defaultTimeoutSeconds } from '../local-exec.ts'
import { remoteHostParts, scriptRunner } from '../remote/parts.ts'
import { canBeKept, scriptInput } from '../script.ts'
import type { ExecOptions, ExecResult, Host, HostProcess, ScriptOptions } from '../types.ts'
import { BulkLink } from './bulk.ts'
import type { SshConnection } from './connection.ts'
import { Deadline } from './deadline.ts'
import { SshError } from './errors.ts'
import { KeptRemoteShells } from './kept-shells.ts'
import { KeyRing } from './keys.ts'
import { ControlLink } from './link.ts'
import type { RemoteProcess } from './process.ts'
import { type Over, Running } from './running.ts'
import { scriptsOver } from './scripts-over.ts'
import { spawnOver } from './spawn.ts'
import { sshTiming } from './timing.ts'
import type { SshHost, SshHostOptions, SshSpawnOptions } from './types.ts'

/** More than this at once goes over the connection for bulk data. */
const bulkBytes = 256 * 1024

/**
 * A machine behind SSH as a host. Connects at the first call, and again by itself when the link is lost; what was under
 * way then is `unknown`, and is not begun again. While there is no link, a call waits for it until its own deadline.
 *
 * @throws TypeError when there is nowhere to go, or nothing that checks host keys
 */
export function createSshHost(options: SshHostOptions): SshHost {
  checkOptions(options)
  const host = new Ssh2Host(options)
  const parts = remoteHostParts(
    options.name,
    scriptRunner((argv, given) => host.exec(argv, given)),
  )
  const bulk = remoteHostParts(
    options.name,
    scriptRunner((argv, given) => host.exec(argv, given, 'bulk')),
  )
  const urgent = remoteHostParts(options.name, host.running.urgently)
  return {
    name: options.name,
    kind: 'ssh',
    ...parts,
    read: (path, offset, length) => (length > bulkBytes ? bulk : parts).read(path, offset, length),
    write: (path, bytes, mode) => (sizeOf(bytes) > bulkBytes ? bulk : parts).write(path, bytes, mode),
    kill: urgent.kill,
    exec: (argv, given) => host.exec(argv, given),
    script: host.script,
    status: () => host.link.status(),
    connect: host.connect,
    resume: () => host.link.resume(),
    spawn: host.spawn,
    sftp: host.sftp,
    close: host.close,
  }
}

const sizeOf = (bytes: Uint8Array | string) => (typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength)

function checkOptions({ hops, verify }: SshHostOptions): void {
  if (hops.length === 0) throw new TypeError('An SSH host needs an address')
  if (typeof verify !== 'function') throw new TypeError('An SSH connection needs something that checks the host key')
  for (const { address, port, user } of hops) {
    // Never handed to a shell here, but what looks like an option was not meant as a name.
    if (address === '' || address.startsWith('-') || user === '' || user.startsWith('-'))
      throw new TypeError('The address or user of an SSH host is empty or begins with a dash')
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`${port} is no port`)
  }
}

class Ssh2Host {
  readonly link: ControlLink
  readonly running: Running
  readonly #bulk: BulkLink
  readonly #shells: KeptRemoteShells
  readonly #options: SshHostOptions
  #isClosed = false

  constructor(options: SshHostOptions) {
    const timing = options.timing ?? sshTiming
    this.#options = options
    const end = (process: RemoteProcess) => this.running.end(process)
    this.link = new ControlLink(options, timing, new KeyRing(options.name, options.logins), end)
    this.running = new Running(this.link, (over, signal) => this.#connection(over, signal))
    this.#bulk = new BulkLink(this.link, scriptsOver)
    this.#shells = new KeptRemoteShells(end)
    this.link.onCrowded = () => this.#shells.makeRoom()
  }

  readonly connect = async (signal?: AbortSignal): Promise<void> => {
    await this.link.connection(signal ?? new AbortController().signal)
  }

  readonly exec = async (
    argv: readonly string[],
    given: ExecOptions = {},
    over: Over = 'control',
  ): Promise<ExecResult> => {
    this.#checkOpen()
    return this.running.run(argv, given, over)
  }

  readonly script: Host['script'] = async (source, args, given = {}) => {
    this.#checkOpen()
    const began = performance.now()
    if (canBeKept(given)) {
      const kept = await this.#keptScript(source, args, given)
      if (kept !== null) return kept
    }
    const seconds = (given.timeoutSeconds ?? defaultTimeoutSeconds) - (performance.now() - began) / 1000
    const timeoutSeconds = Math.max(0.001, seconds)
    return this.exec(['sh', '-s', '--', ...args], { ...given, timeoutSeconds, stdin: scriptInput(source) })
  }

  readonly spawn = async (argv: readonly string[], given: SshSpawnOptions): Promise<HostProcess> => {
    this.#checkOpen()
    return spawnOver((signal) => this.#connection(given.over ?? 'control', signal), argv, given)
  }

  readonly sftp = async (seconds = 60): Promise<SFTPWrapper> => {
    this.#checkOpen()
    const deadline = new Deadline(seconds, () => new HostError(`SFTP did not begin within ${seconds} s.`))
    try {
      const connection = await this.#connection('bulk', deadline.signal)
      return await connection.sftp(deadline.signal)
    } finally {
      deadline.clear()
    }
  }

  readonly close = async (): Promise<void> => {
    if (this.#isClosed) return
    this.#isClosed = true
    // Ending what runs needs the link, so that is given up last.
    await this.running.endAll()
    this.#shells.close()
    this.#bulk.close()
    this.link.close()
  }

  async #keptScript(source: string, args: readonly string[], given: ScriptOptions): Promise<ExecResult | null> {
    const seconds = given.timeoutSeconds ?? defaultTimeoutSeconds
    const began = performance.now()
    const stop = this.running.stopOf(given, seconds)
    try {
      const connection = await this.link.connection(stop.signal)
      const shell = await this.#shells.free(connection, stop.signal)
      stop.stopClock()
      // Someone else may have taken it meanwhile.
      if (shell?.isFree !== true || stop.signal.aborted) return null
      const timeoutSeconds = Math.max(0.001, seconds - (performance.now() - began) / 1000)
      return await this.running.counted(shell.run(source, args, { ...given, timeoutSeconds, signal: stop.signal }))
    } catch {
      // The usual way says why.
      return null
    } finally {
      stop.done()
    }
  }

  #connection(over: Over, signal: AbortSignal): Promise<SshConnection> {
    return over === 'control' ? this.link.connection(signal) : this.#bulk.connection(signal)
  }

  #checkOpen(): void {
    if (this.#isClosed)
      throw new SshError(`Host ${this.#options.name} is closed: open it again before running anything.`, 'unreachable')
  }
}
