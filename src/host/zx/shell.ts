import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Options, ProcessOutput, ProcessPromise } from 'zx/core'
import { shellQuote } from '../../text/shell.ts'
import { codeOf, HostError, notBegun } from '../errors.ts'
import type { Ending, Host } from '../types.ts'
import { HostChild } from './child.ts'
import { channelLost, RefusedByShell } from './errors.ts'
import { loadZx, type Zx } from './load.ts'
import { type BoundedStore, boundedStore } from './store.ts'

type LogEntry = Parameters<Options['log']>[0]

/** One command, when it is over. */
export interface EndedCommand {
  /** As zx put it together, prefix and all. Foreign bytes may stand in it. */
  readonly command: string
  readonly ending: Ending
  readonly stdoutBytes: number
  readonly stderrBytes: number
  /** Files that hold all of a stream of which not everything is held in memory. */
  readonly spillPaths: readonly string[]
}

export interface HostShellOptions {
  /** Folder on the host; default: where the account begins. */
  readonly cwd?: string
  /** Added to the environment there. Nothing of the environment here is ever sent. Never a secret value. */
  readonly env?: Readonly<Record<string, string>>
  /**
   * Default `bash`, or a sh there that knows pipefail: without it a pipe that broke looks like one that went well. `sh` is
   * for hosts that have neither.
   */
  readonly shell?: 'bash' | 'sh'
  /** Held in memory of each stream of a command, the newest; default 1 MiB. */
  readonly keptBytes?: number
  /** Folder here for what goes beyond that; default: it is dropped, and the output says so. */
  readonly spillFolder?: string
  /** Time to begin; default 60 s. */
  readonly startSeconds?: number
  /** Between TERM and KILL; default 2 s. */
  readonly graceSeconds?: number
  /** Everything that zx would print; `verbose` is false of what the caller asked to be quiet. Nothing goes to the terminal. */
  readonly onLog?: (entry: LogEntry) => void
  readonly onEnded?: (ended: EndedCommand) => void
}

/** What one command, or a `$` made from another, may set. The rest belongs to the host. */
export interface CallOptions
  extends Partial<
    Pick<
      Options,
      | 'input'
      | 'timeout'
      | 'timeoutSignal'
      | 'killSignal'
      | 'nothrow'
      | 'prefix'
      | 'postfix'
      | 'delimiter'
      | 'signal'
      | 'ac'
      | 'stdio'
      | 'halt'
      | 'quiet'
      | 'verbose'
    >
  > {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

/** `$` of zx, for one host. */
export interface HostDollar {
  (pieces: TemplateStringsArray, ...args: unknown[]): ProcessPromise
  (options: CallOptions): HostDollar
}

export interface HostShell {
  readonly $: HostDollar
  /** Ends what still runs, on the host. */
  close(): Promise<void>
}

const settable = new Set<string>([
  ...['cwd', 'env', 'input', 'timeout', 'timeoutSignal', 'killSignal', 'nothrow', 'prefix', 'postfix', 'delimiter'],
  ...['signal', 'ac', 'stdio', 'halt', 'quiet', 'verbose'],
])
const defaultKeptBytes = 1024 * 1024
/** Without its rc file: bash reads it whenever it believes that sshd started it, and its words would be output of ours. */
const inBash = `command -v bash >/dev/null 2>&1 && exec bash --norc -c "$1" bash
(set -o pipefail) 2>/dev/null && exec sh -c "$1" sh
echo "kx: there is neither bash nor a sh with pipefail here: install bash, or ask for the shell sh" >&2
exit 127`
const inSh = 'exec sh -c "$1" sh'

/**
 * `$` of zx whose commands run on a host, over its control connection (handbook notebook 8). A recipe says `` $`nvidia-smi` ``
 * and means the box: words are quoted for every POSIX shell, folder and environment are those of the host, and a command
 * whose end was not seen rejects with a cause of code `ECHANNELLOST`, never with an exit code.
 */
export async function hostShell(host: Host, options: HostShellOptions = {}): Promise<HostShell> {
  const zx = await loadZx()
  const children = new Set<HostChild>()
  let isClosed = false

  const run = (given: CallOptions, pieces: TemplateStringsArray, args: readonly unknown[]): ProcessPromise => {
    if (isClosed) throw new RefusedByShell(`The shell of ${host.name} is closed: open another one.`)
    const { cwd, env, ...ofZx } = given
    const spillBase =
      options.spillFolder === undefined ? null : join(options.spillFolder, `zx-${randomBytes(6).toString('hex')}`)
    const store = boundedStore(options.keptBytes ?? defaultKeptBytes, spillBase)
    const readers: Writable[] = []
    let child: HostChild | null = null
    const spawn = (command: string, _args: readonly string[], asked: SpawnAsked): HostChild => {
      const folder = cwd ?? options.cwd
      const made = new HostChild(host, argvOf(options.shell ?? 'bash', command), {
        ...(folder === undefined ? {} : { cwd: folder }),
        env: { ...options.env, ...env },
        stdio: checkedStdio(asked.stdio),
        hasInput: Boolean(asked.input) || isOpenInput(given.stdio),
        ...(asked.signal === undefined ? {} : { signal: asked.signal }),
        startSeconds: options.startSeconds ?? 60,
        graceSeconds: options.graceSeconds ?? 2,
        onEnded: (ending) => options.onEnded?.(endedOf(command, ending, store)),
      })
      for (const reader of readers) made.addReader(reader)
      children.add(made)
      void made.closed.then(() => {
        children.delete(made)
        for (const kept of [store.stdout, store.stderr]) kept.close()
      })
      child = made
      return made
    }
    const promise = zx.$({
      ...neutral(options),
      ...ofZx,
      store,
      // Of a child process, zx uses what a HostChild has.
      spawn: spawn as unknown as Options['spawn'],
    })(pieces, ...args)
    const onReader = (reader: Writable) => {
      readers.push(reader)
      child?.addReader(reader)
    }
    const same = bound({ ...(cwd === undefined ? {} : { cwd }), ...(env === undefined ? {} : { env }) })
    return withPipes(zx, promise, store, same, onReader) as ProcessPromise & ChildProcess
  }

  const bound = (given: CallOptions): HostDollar => {
    const call = (first: TemplateStringsArray | CallOptions, ...args: unknown[]): unknown =>
      isTemplate(first) ? run(given, first, args) : bound({ ...given, ...checked(first, host.name) })
    Object.defineProperty(call, 'sync', {
      get: () => {
        throw new RefusedByShell(`$.sync cannot wait for ${host.name}: use await.`)
      },
    })
    return call as HostDollar
  }
  return {
    $: bound({}),
    close: async () => {
      isClosed = true
      await Promise.allSettled(
        [...children].map(async (child) => {
          await child.end('SIGTERM')
          await child.closed
        }),
      )
    },
  }
}

/** How a command ended, from what zx says of it. An end that nobody saw is `unknown`. */
export function endingOfOutput(output: Pick<ProcessOutput, 'cause' | 'exitCode' | 'signal'>): Ending {
  const { cause, exitCode, signal } = output
  if (cause !== null && cause !== undefined) {
    const code = codeOf(cause)
    if (code === channelLost || code === notBegun) return { kind: 'unknown', reason: cause.message }
  }
  if (typeof exitCode === 'number') return { kind: 'exited', code: exitCode }
  if (typeof signal === 'string') return { kind: 'signalled', signal }
  return { kind: 'unknown', reason: cause?.message ?? 'zx told neither code nor signal' }
}

interface SpawnAsked {
  readonly stdio?: unknown
  readonly input?: unknown
  readonly signal?: AbortSignal
}

const isTemplate = (value: unknown): value is TemplateStringsArray =>
  Array.isArray(value) && Array.isArray((value as { raw?: unknown }).raw)

const argvOf = (shell: 'bash' | 'sh', command: string) => ['sh', '-c', shell === 'bash' ? inBash : inSh, 'kx', command]

/** Everything that zx would take from this machine or its `ZX_` variables, set to what a host needs. */
const neutral = ({ shell = 'bash', onLog }: HostShellOptions): Partial<Options> => ({
  // Nothing is printed either way; with a listener these two say of each entry whether the caller wants it heard.
  quiet: onLog === undefined,
  verbose: onLog !== undefined,
  detached: false,
  preferLocal: false,
  nothrow: false,
  shell: 'sh',
  prefix: shell === 'bash' ? 'set -euo pipefail;' : 'set -eu;',
  postfix: '',
  quote: shellQuote,
  killSignal: 'SIGTERM',
  timeoutSignal: 'SIGTERM',
  timeout: 0,
  cwd: '/',
  log: Object.assign((entry: LogEntry) => onLog?.(entry), {}) as Options['log'],
})

function checked(given: object, name: string): CallOptions {
  for (const key of Object.keys(given))
    if (!settable.has(key))
      throw new RefusedByShell(`${key} cannot be set for commands on ${name}: it would be about this machine.`)
  return given
}

function checkedStdio(stdio: unknown): [string, string, string] {
  const three = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio]
  const words = [0, 1, 2].map((n) => three[n] ?? 'pipe')
  for (const word of words)
    if (word !== 'pipe' && word !== 'ignore')
      throw new RefusedByShell(`stdio ${String(word)} would lend kx's own terminal or files: use pipe or ignore.`)
  return words as [string, string, string]
}

/** Asked for by name: then it stays open until the caller ends it. */
const isOpenInput = (stdio: unknown): boolean => Array.isArray(stdio) && stdio[0] === 'pipe'

function endedOf(command: string, ending: Ending, { stdout, stderr }: BoundedStore): EndedCommand {
  const spillPaths = [stdout.spillPath, stderr.spillPath].filter((path) => path !== null)
  return { command, ending, stdoutBytes: stdout.totalBytes, stderrBytes: stderr.totalBytes, spillPaths }
}

const kinds = ['stdout', 'stderr', 'stdall'] as const

/**
 * `pipe` of zx runs a template on this machine, because it knows no other; here it means the same host. Who takes the
 * output is made known to the host's side, which waits for him.
 */
function withPipes(
  zx: Zx,
  promise: ProcessPromise,
  store: BoundedStore,
  dollar: HostDollar,
  onReader: (reader: Writable) => void,
): ProcessPromise {
  type Target = string | Writable | ProcessPromise | TemplateStringsArray
  const through =
    (kind: (typeof kinds)[number]) =>
    (dest: Target, ...args: unknown[]): unknown => {
      if (store[kind].droppedBytes > 0)
        throw new HostError('Its beginning is not held any more: pipe it in the turn in which it is started.')
      const target = isTemplate(dest)
        ? dollar({ halt: true, signal: promise.signal })(dest, ...args)
        : typeof dest === 'string'
          ? createWriteStream(dest)
          : dest
      const original = Reflect.get(zx.ProcessPromise.prototype, 'pipe', promise) as ProcessPromise['pipe']
      const piped = (original[kind] as (to: unknown) => unknown)(target)
      const reader = target instanceof zx.ProcessPromise ? target.stdin : target
      if (reader !== undefined) onReader(reader)
      return piped
    }
  Object.defineProperty(promise, 'pipe', {
    configurable: true,
    value: Object.assign(through('stdout'), Object.fromEntries(kinds.map((kind) => [kind, through(kind)]))),
  })
  return promise
}
