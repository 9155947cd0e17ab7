import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { shellQuote } from '../text/shell.ts'
import { BoundedBytes } from './bounded-bytes.ts'
import { defaultMaxBytes, defaultTimeoutSeconds } from './local-exec.ts'
import { groupMembers, signalGroup, until } from './local-process.ts'
import { scriptInput } from './script.ts'
import type { Ending, ExecResult, ScriptOptions } from './types.ts'

const graceSeconds = 2
const afterKillSeconds = 5
/** More than the longest end mark, so that a mark in two chunks is still found whole. */
const tailBytes = 128
/** Scripts that run at once; one more is told to the caller, who runs it in the usual way. */
const mostShells = 3

/**
 * A shell that is kept open for scripts that are asked again and again: starting a process from a program of kx's size
 * costs several times what these scripts cost. Each script is still run by a `sh -s` of its own, a child of the kept
 * one, so it cannot break it, and it sees the same as under `Host.script`. When kx dies, standard input ends and so
 * does the shell.
 */
class KeptShell {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>
  #asked: Asked | null = null
  #isStopping = false
  isOver = false

  constructor(environment: NodeJS.ProcessEnv) {
    this.#child = spawn('sh', [], { env: environment, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child.on('error', () => this.#end('the shell could not be started'))
    // One that is being stopped is at its end when its whole group is gone, which `#stop` sees.
    this.#child.on('close', () => {
      if (!this.#isStopping) this.#end('the shell ended')
    })
    this.#child.stdin.on('error', () => {})
    this.#child.stdout.on('data', (chunk: Buffer) => this.#asked?.take('out', chunk))
    this.#child.stderr.on('data', (chunk: Buffer) => this.#asked?.take('err', chunk))
  }

  get isFree(): boolean {
    return !this.isOver && this.#asked === null
  }

  async run(source: string, args: readonly string[], options: ScriptOptions): Promise<ExecResult> {
    const asked = new Asked(options.maxBytes ?? defaultMaxBytes)
    this.#asked = asked
    this.#hold(true)
    const onAbort = () => void this.#stop('given up')
    options.signal?.addEventListener('abort', onAbort, { once: true })
    const seconds = options.timeoutSeconds ?? defaultTimeoutSeconds
    const deadline = setTimeout(() => {
      asked.timedOut = true
      void this.#stop(`no answer within ${seconds} s`)
    }, seconds * 1000)
    this.#child.stdin.write(askedText(asked.mark, source, args))
    try {
      return await asked.result
    } finally {
      clearTimeout(deadline)
      options.signal?.removeEventListener('abort', onAbort)
      this.#asked = null
      this.#hold(false)
    }
  }

  /** At rest it does not keep kx from ending: its input then ends, and so does it. */
  #hold(isHeld: boolean): void {
    const { stdin, stdout, stderr } = this.#child
    for (const each of [this.#child, stdin, stdout, stderr]) {
      const handle = each as { ref?: () => void; unref?: () => void }
      if (isHeld) handle.ref?.()
      else handle.unref?.()
    }
  }

  close(): void {
    // At rest it reads the end of its input and goes; with a script in it the whole group is ended.
    if (this.#asked === null) this.#child.stdin.end()
    else void this.#stop('kx closed the host')
  }

  async #stop(why: string): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.isOver = true
    const group = this.#child.pid
    if (group !== undefined) {
      const isGone = async () => (await groupMembers(group)).length === 0
      signalGroup(group, 'SIGTERM')
      if (!(await until(isGone, graceSeconds))) {
        signalGroup(group, 'SIGKILL')
        await until(isGone, afterKillSeconds)
      }
    }
    this.#end(why)
  }

  #end(why: string): void {
    this.isOver = true
    this.#asked?.end({ kind: 'unknown', reason: why })
  }
}

interface Stream {
  readonly bytes: BoundedBytes
  tail: string
  code: number | null
  /** Bytes of the end mark. */
  marked: number
}

/** What a kept shell reads to run one script and to say how it ended, on both streams, behind `mark`. */
export function askedText(mark: string, source: string, args: readonly string[]): string {
  const words = ['sh', '-s', '--', ...args].map(shellQuote).join(' ')
  // The quoted word keeps the shell from reading anything in the script; the mark is random, so no line of it ends it.
  return `${words} <<'${mark}'\n${scriptInput(source)}${mark}\n${endText(mark, 'kx=$?; ')}`
}

/** Makes a kept shell say that it is there, and nothing else. */
export const beatText = (mark: string) => endText(mark, 'kx=0; ')

const endText = (mark: string, code: string) =>
  `${code}printf '\\n${mark} %d\\n' "$kx"; printf '\\n${mark} %d\\n' "$kx" >&2\n`

/** One script under way: what it printed so far, and how it ended. */
export class Asked {
  readonly mark = `kx-${randomBytes(18).toString('hex')}`
  readonly result: Promise<ExecResult>
  timedOut = false
  readonly #settle: (result: ExecResult) => void
  readonly #startedAtMs = Date.now()
  readonly #began = performance.now()
  readonly #maxBytes: number
  readonly #streams: Record<'out' | 'err', Stream>

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    const stream = (): Stream => ({ bytes: new BoundedBytes(maxBytes + tailBytes), tail: '', code: null, marked: 0 })
    this.#streams = { out: stream(), err: stream() }
    const { promise, resolve } = Promise.withResolvers<ExecResult>()
    this.result = promise
    this.#settle = resolve
  }

  take(name: 'out' | 'err', chunk: Buffer): void {
    const stream = this.#streams[name]
    stream.bytes.add(chunk)
    stream.tail = (stream.tail + chunk.subarray(-tailBytes).toString('latin1')).slice(-tailBytes)
    const at = stream.tail.endsWith('\n') ? stream.tail.lastIndexOf(`\n${this.mark} `) : -1
    if (at < 0) return
    stream.code = Number(stream.tail.slice(at + this.mark.length + 2, -1))
    stream.marked = stream.tail.length - at
    const { out, err } = this.#streams
    if (out.code !== null && err.code !== null) this.end({ kind: 'exited', code: out.code })
  }

  end(ending: Ending): void {
    const whole = ({ bytes, marked }: Stream) => {
      const total = bytes.total - marked
      return { total, kept: bytes.bytes().slice(0, Math.min(total, this.#maxBytes)) }
    }
    const [out, err] = [whole(this.#streams.out), whole(this.#streams.err)]
    this.#settle({
      ending,
      timedOut: this.timedOut,
      stdout: out.kept,
      stderr: err.kept,
      stdoutBytes: out.total,
      stderrBytes: err.total,
      startedAtMs: this.#startedAtMs,
      durationMs: performance.now() - this.#began,
    })
  }
}

/** The kept shells of a host: a script goes to one that is at rest, or to a new one. */
export class KeptShells {
  readonly #environment: () => NodeJS.ProcessEnv
  #shells: KeptShell[] = []

  constructor(environment: () => NodeJS.ProcessEnv) {
    this.#environment = environment
  }

  /** Null when as many scripts as may be are under way: the caller runs this one in a process of its own. */
  run(source: string, args: readonly string[], options: ScriptOptions): Promise<ExecResult> | null {
    this.#shells = this.#shells.filter((shell) => !shell.isOver)
    let shell = this.#shells.find((each) => each.isFree)
    if (shell === undefined) {
      if (this.#shells.length >= mostShells) return null
      shell = new KeptShell(this.#environment())
      this.#shells.push(shell)
    }
    return shell.run(source, args, options)
  }

  close(): void {
    for (const shell of this.#shells) shell.close()
    this.#shells = []
  }
}
