import { type ChildProcess, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { HostError, notBegun } from './errors.ts'
import { endingOf } from './local-ending.ts'
import { identityNow } from './local-process.ts'
import type { Ending, HostProcess, ProcessIdentity, SpawnOptions } from './types.ts'

/** The program has ended but something it left behind holds its output: how long silence counts as the end of it. */
const drainMilliseconds = 250

/**
 * Starts a program in a session and group of its own, as the other hosts do. A program or folder that is not there ends
 * as a shell would say it, 127 or 126, so that a caller sees the same on every host.
 */
export async function spawnLocal(
  argv: readonly string[],
  options: SpawnOptions,
  environment: NodeJS.ProcessEnv,
): Promise<HostProcess> {
  const program = argv[0]
  if (program === undefined || program === '')
    throw new TypeError('spawn needs a program: the argument vector is empty')
  if (options.signal?.aborted === true) throw new HostError(`${program} was given up before it began.`, notBegun)
  const folder = options.cwd
  const isThere =
    folder === undefined ||
    (await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  if (!isThere) return failed(127, `kx: working folder is not there: ${folder}\n`, options)
  let child: ChildProcess
  try {
    child = spawn(program, argv.slice(1), {
      cwd: folder,
      env: { ...environment, ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
  } catch (error) {
    throw new HostError(`${program} was not started: ${String(error)}.`, notBegun, error)
  }
  if (child.pid === undefined) return notStarted(child, program, options)
  // In the same turn: its number cannot have been given out again, not even when it has ended already.
  return running(child, identityNow(child.pid), options)
}

function running(child: ChildProcess, identity: ProcessIdentity | null, options: SpawnOptions): HostProcess {
  const over = Promise.withResolvers<Ending>()
  let ending: Ending | null = null
  let isOver = false
  let isPaused = false
  let drain: NodeJS.Timeout | undefined
  const finish = (last: Ending) => {
    if (isOver) return
    isOver = true
    clearTimeout(drain)
    child.stdout?.destroy()
    child.stderr?.destroy()
    child.stdin?.destroy()
    over.resolve(last)
  }
  const armDrain = () => {
    clearTimeout(drain)
    drain = setTimeout(() => {
      if (ending !== null && !isPaused) finish(ending)
    }, drainMilliseconds)
  }
  const take = (listener: (chunk: Uint8Array) => void) => (chunk: Buffer) => {
    if (isOver) return
    listener(chunk)
    if (ending !== null) armDrain()
  }
  child.stdout?.on('data', take(options.onStdout))
  child.stderr?.on('data', take(options.onStderr))
  // A program that does not read its input closes the pipe: no concern of ours.
  child.stdin?.on('error', () => {})
  // After a successful start this is a failed signal, which nobody sends from here.
  child.on('error', () => {})
  child.on('exit', (code, signal) => {
    ending = endingOf(code, signal)
    armDrain()
  })
  child.on('close', () => finish(ending ?? { kind: 'unknown', reason: 'its end was not seen' }))
  return {
    identity,
    ending: over.promise,
    write: (bytes) => isOver || child.stdin?.writable !== true || child.stdin.write(bytes),
    drained: () => {
      const { stdin } = child
      if (isOver || stdin?.writableNeedDrain !== true) return Promise.resolve()
      return new Promise((resolve) => {
        for (const event of ['drain', 'close', 'error']) stdin.once(event, () => resolve())
      })
    },
    endInput: () => void (isOver || child.stdin?.end()),
    pause: () => {
      isPaused = true
      child.stdout?.pause()
      child.stderr?.pause()
    },
    resume: () => {
      isPaused = false
      child.stdout?.resume()
      child.stderr?.resume()
      if (ending !== null) armDrain()
    },
    close: () => finish({ kind: 'unknown', reason: 'kx gave the streams up' }),
  }
}

async function notStarted(child: ChildProcess, program: string, options: SpawnOptions): Promise<HostProcess> {
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve))
  const code = error.code ?? ''
  if (code === 'ENOENT' || code === 'ENOTDIR') return failed(127, `kx: no such program: ${program}\n`, options)
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EISDIR')
    return failed(126, `kx: cannot be executed (${code}): ${program}\n`, options)
  throw new HostError(`${program} was not started: ${error.message}.`, notBegun, error)
}

function failed(code: number, why: string, options: SpawnOptions): HostProcess {
  options.onStderr(new TextEncoder().encode(why))
  return {
    identity: null,
    ending: Promise.resolve({ kind: 'exited', code }),
    write: () => true,
    drained: async () => {},
    endInput: () => {},
    pause: () => {},
    resume: () => {},
    close: () => {},
  }
}
