import { type ChildProcess, spawn } from 'node:child_process'
import { stat } from 'node:fs/promises'
import type { BoundedBytes } from './bounded-bytes.ts'
import { Captured } from './captured.ts'
import { codeOf } from './errors.ts'
import { endingOf } from './local-ending.ts'
import { groupMembers, identityNow, signalGroup, until } from './local-process.ts'
import type { Ending, ExecOptions, ExecResult } from './types.ts'

export const defaultTimeoutSeconds = 30
export const defaultMaxBytes = 1024 * 1024
/** Between TERM and KILL when a deadline passes or the caller gives up. */
const graceSeconds = 2
const afterKillSeconds = 5
/** The program has ended but something it left behind holds its output: how long silence counts as the end of it. */
const drainMilliseconds = 250
const longestTimerMilliseconds = 2_147_000_000

/**
 * Runs one program in a session and process group of its own, without a shell.
 *
 * - A program that is not there ends as a shell would say it: `exited` 127 (126 when it cannot be executed), with the
 *   reason on stderr. `unknown` is kept for an end that nobody saw, or a start that the system refused.
 * - Deadline or abort: TERM to the whole group, 2 s, KILL, and the call returns when nobody of the group runs.
 * - What the program leaves running on purpose is left alone when it ends by itself, as sshd does.
 */
export async function execLocal(
  argv: readonly string[],
  options: ExecOptions,
  environment: NodeJS.ProcessEnv,
): Promise<ExecResult> {
  const program = argv[0]
  if (program === undefined || program === '') throw new TypeError('exec needs a program: the argument vector is empty')
  const captured = new Captured(options.maxBytes ?? defaultMaxBytes)
  const { out, err } = captured
  const result = (ending: Ending, timedOut: boolean) => captured.result(ending, timedOut)
  const notStarted = (code: number, why: string) => {
    err.add(new TextEncoder().encode(`${why}\n`))
    return result({ kind: 'exited', code }, false)
  }

  if (options.signal?.aborted === true) return result({ kind: 'unknown', reason: 'given up before it began' }, false)
  if (options.cwd !== undefined && !(await isFolder(options.cwd)))
    return notStarted(127, `kx: working folder is not there: ${options.cwd}`)

  let child: ChildProcess
  try {
    child = spawn(program, argv.slice(1), {
      cwd: options.cwd,
      env: { ...environment, ...options.env },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
  } catch (error) {
    return spawnFailure(error, program, notStarted, (reason) => result({ kind: 'unknown', reason }, false))
  }

  const who = options.onBegun === undefined || child.pid === undefined ? null : identityNow(child.pid)
  if (who !== null) options.onBegun?.(who)
  return await new Promise<ExecResult>((resolve) => {
    let ending: Ending | null = null
    let timedOut = false
    let isStopping = false
    let isSettled = false
    let drain: NodeJS.Timeout | undefined

    const settle = (last: ExecResult) => {
      if (isSettled) return
      isSettled = true
      clearTimeout(deadline)
      clearTimeout(drain)
      options.signal?.removeEventListener('abort', onAbort)
      child.stdout?.destroy()
      child.stderr?.destroy()
      child.stdin?.destroy()
      resolve(last)
    }
    const armDrain = () => {
      clearTimeout(drain)
      drain = setTimeout(() => {
        if (ending !== null && !isStopping) settle(result(ending, timedOut))
      }, drainMilliseconds)
    }
    const take = (keeper: BoundedBytes, listener: ((chunk: Uint8Array) => void) | undefined) => (chunk: Buffer) => {
      keeper.add(chunk)
      listener?.(chunk)
      if (ending !== null) armDrain()
    }
    const stop = async () => {
      if (isStopping || isSettled || child.pid === undefined) return
      isStopping = true
      const group = child.pid
      const isGone = async () => ending !== null && (await groupMembers(group)).length === 0
      signalGroup(group, 'SIGTERM')
      if (!(await until(isGone, graceSeconds))) {
        signalGroup(group, 'SIGKILL')
        await until(isGone, afterKillSeconds)
      }
      settle(result(ending ?? { kind: 'unknown', reason: 'still there after KILL: its end was not seen' }, timedOut))
    }
    const onAbort = () => void stop()
    const deadline = setTimeout(
      () => {
        timedOut = true
        void stop()
      },
      Math.min(longestTimerMilliseconds, Math.max(1, (options.timeoutSeconds ?? defaultTimeoutSeconds) * 1000)),
    )

    child.on('error', (error) => {
      // After a successful start this is a failed signal, which `stop` sees for itself.
      if (child.pid !== undefined) return
      settle(spawnFailure(error, program, notStarted, (reason) => result({ kind: 'unknown', reason }, false)))
    })
    child.on('exit', (code, signal) => {
      ending = endingOf(code, signal)
      armDrain()
    })
    child.on('close', () => {
      if (ending !== null && !isStopping) settle(result(ending, timedOut))
    })
    child.stdout?.on('data', take(out, options.onStdout))
    child.stderr?.on('data', take(err, options.onStderr))
    // A program that does not read its input closes the pipe: no concern of ours.
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.stdin ?? '')
    options.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function spawnFailure(
  error: unknown,
  program: string,
  notStarted: (code: number, why: string) => ExecResult,
  unknown: (reason: string) => ExecResult,
): ExecResult {
  const code = codeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return notStarted(127, `kx: no such program: ${program}`)
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EISDIR')
    return notStarted(126, `kx: cannot be executed (${code}): ${program}`)
  return unknown(`not started: ${error instanceof Error ? error.message : String(error)}`)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
