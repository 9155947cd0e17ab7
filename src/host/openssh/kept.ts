import { randomBytes } from 'node:crypto'
import { shellQuote } from '../../text/shell.ts'
import { MarkedStream } from '../remote/marked-stream.ts'
import { scriptInput } from '../script.ts'
import type { Session } from './session.ts'

/** What came of one script: both streams, with their ends where they were told. */
export interface Asked {
  readonly out: MarkedStream
  readonly err: MarkedStream
  /** Settles when both ends were told, or the shell is gone. Never rejects. */
  readonly over: Promise<void>
}

/**
 * A shell that is kept open at the other side, for scripts that are asked again and again: a program, a session and three
 * shells a look cost many times what the look itself costs. Each script is run by a `sh -s` of its own, a child of the kept
 * one, so it cannot break it. When kx goes, standard input ends, and so does the shell.
 */
export class KeptSession {
  readonly session: Session
  #asked: (Asked & { readonly settle: () => void }) | null = null
  isOver = false

  /** `open` begins a session whose input stays open, and hands its streams to the two listeners. */
  constructor(open: (onStdout: (chunk: Uint8Array) => void, onStderr: (chunk: Uint8Array) => void) => Session) {
    this.session = open(
      (chunk) => this.#take('out', chunk),
      (chunk) => this.#take('err', chunk),
    )
    void this.session.over.then(() => {
      this.isOver = true
      this.#asked?.settle()
    })
  }

  get isFree(): boolean {
    return !this.isOver && this.#asked === null
  }

  ask(source: string, args: readonly string[], maxBytes: number): Asked {
    const mark = `kx-${randomBytes(18).toString('hex')}`
    const over = Promise.withResolvers<void>()
    const asked = {
      out: new MarkedStream(mark, maxBytes),
      err: new MarkedStream(mark, maxBytes),
      over: over.promise,
      settle: () => {
        this.#asked = null
        over.resolve()
      },
    }
    this.#asked = asked
    const words = ['sh', '-s', '--', ...args].map(shellQuote).join(' ')
    // The dot behind the line end: a line end alone may begin the end of the session, and would be held back.
    const end = `printf '\\n${mark} end %s code\\n.' $kx_c; printf '\\n${mark} end %s code\\n.' $kx_c >&2\n`
    // The quoted word keeps the shell from reading anything in the script; the mark is random, so no line of it ends it.
    this.session.write(
      `printf '\\n${mark} begin\\n'; printf '\\n${mark} begin\\n' >&2\n${words} <<'${mark}'\n${scriptInput(source)}${mark}\nkx_c=$?\n${end}`,
    )
    return asked
  }

  /** At rest it reads the end of its input and goes. */
  close(): void {
    this.isOver = true
    this.session.endInput()
  }

  #take(name: 'out' | 'err', chunk: Uint8Array): void {
    const asked = this.#asked
    if (asked === null) return
    asked[name].take(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (asked.out.ended !== null && asked.err.ended !== null) asked.settle()
  }
}
