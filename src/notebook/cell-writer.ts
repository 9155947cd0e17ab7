import { join } from 'node:path'
import type { CellRequest, CellWriter, Clock, RunHandle } from '../run/act.ts'
import { RunError } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { sha256Hex } from '../run/journal-line.ts'
import type { CellEnded, CellProcess, CellStarted } from '../run/types.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { createOutputFile, type OutputLimits } from './output-file.ts'

/** A stage that text goes through piece by piece; a sanitiser of `text` is one. */
export interface TextStage {
  push(chunk: Uint8Array | string): string
  end(): string
}

/** The stage that masks secrets, and says how often. */
export interface MaskStage {
  push(chunk: string): string
  end(): string
  readonly count: number
}

export interface CellDeps {
  readonly clock: Clock
  newId(): string
  readonly who: string
  readonly via: string
  readonly host: HostIdentity | null
  /** A fresh sanitiser; each stream has its own. Without colours and marks: inside a secret they would hide it. */
  createSanitiser(): TextStage
  /** A fresh redactor. It comes after the sanitiser, so that escapes inside a secret cannot hide it. */
  createRedactor(): MaskStage
  readonly limits?: OutputLimits
  /** Safe lines as they come, for the live output pane. */
  readonly onOutput?: (text: string) => void
}

/** Text that waits in memory before it is written; also the longest time it waits. */
const bufferedChars = 64 * 1024
const flushAfterMs = 100

/** Kept of the source of a cell in its record; the hash is of all of it. */
const mostSourceChars = 64 * 1024

const cellIdPattern = /^[A-Za-z0-9-]{1,64}$/

/** Where the output of a cell lies, inside the run's folder. */
export function outputFileOf(runFolder: string, cellId: string): string {
  if (!cellIdPattern.test(cellId)) throw new RunError('invalid', `"${cellId}" is not a cell id.`, '')
  return join(runFolder, 'cells', cellId, 'output.log')
}

/** Writes `cell.started` and gives the writer of its output; `end` writes `cell.ended` (handbook notebook 4.1). */
export async function openCell(run: RunHandle, request: CellRequest, deps: CellDeps): Promise<CellWriter> {
  const cellId = deps.newId()
  const file = createOutputFile(join(outputFileOf(run.folder, cellId), '..'), deps.limits)
  const started: CellStarted = {
    cellId,
    name: request.name,
    title: request.title,
    ...(request.phase === undefined ? {} : { phase: request.phase }),
    sourceSha256: sha256Hex(Buffer.from(request.source)),
    source: boundedSource(request.source),
    ...(request.environment == null ? {} : { environment: request.environment }),
    ...(request.boundTo === undefined ? {} : { boundTo: request.boundTo }),
    args: request.args,
    risk: request.risk,
    dryRun: request.dryRun ?? false,
    who: deps.who,
    via: deps.via,
    host: deps.host,
  }
  failpoint('cell.before-started')
  try {
    await run.append('cell.started', started)
  } catch (error) {
    file.finish()
    throw error
  }
  failpoint('cell.started')
  return new OpenCell(run, cellId, file, deps)
}

function boundedSource(source: string): string {
  if (source.length <= mostSourceChars) return source
  return `${source.slice(0, mostSourceChars)}\n… ${source.length - mostSourceChars} characters more …\n`
}

/** The two streams of a program and what kx itself says, each with stages of its own. */
interface Streams {
  readonly stdout: Stream
  readonly stderr: Stream
  readonly own: Stream
}

interface Stream {
  readonly sanitiser: TextStage
  readonly redactor: MaskStage
  /** Put before each of its lines. */
  readonly mark: string
  isInLine: boolean
  bytes: number
}

class OpenCell implements CellWriter {
  readonly cellId: string
  readonly #run: RunHandle
  readonly #file: ReturnType<typeof createOutputFile>
  readonly #deps: CellDeps
  readonly #startedMs: number
  readonly #streams: Streams
  readonly #parts = new Map<string, Streams>()
  #buffer = ''
  #timer: NodeJS.Timeout | null = null
  #ending: Promise<void> | null = null
  #trouble: unknown = null
  #process: CellEnded['process'] = null

  constructor(run: RunHandle, cellId: string, file: ReturnType<typeof createOutputFile>, deps: CellDeps) {
    this.cellId = cellId
    this.#run = run
    this.#file = file
    this.#deps = deps
    this.#startedMs = deps.clock.monotonicMs()
    this.#streams = this.#newStreams('')
  }

  stdout(chunk: Uint8Array | string): void {
    this.#take(this.#streams.stdout, chunk)
  }

  stderr(chunk: Uint8Array | string): void {
    this.#take(this.#streams.stderr, chunk)
  }

  say(line: string): void {
    this.#say(this.#streams, line)
  }

  async process(process: Omit<CellProcess, 'cellId'>): Promise<void> {
    if (this.#ending !== null) return
    await this.#run.append('cell.process', { ...process, cellId: this.cellId } satisfies CellProcess)
    this.#process = { pgid: process.pgid, startTicks: process.startTicks }
  }

  part(host: string): CellWriter {
    let streams = this.#parts.get(host)
    if (streams === undefined) {
      streams = this.#newStreams(`[${host}] `)
      this.#parts.set(host, streams)
    }
    const { stdout, stderr } = streams
    const own = streams
    return {
      cellId: this.cellId,
      stdout: (chunk) => this.#take(stdout, chunk),
      stderr: (chunk) => this.#take(stderr, chunk),
      say: (line) => this.#say(own, line),
      process: (process) => this.process(process),
      // The cell is that of the whole act; whoever opened it ends it.
      end: async () => undefined,
    }
  }

  /** The first call ends the cell; later ones wait for it and change nothing. */
  end(ended: Partial<CellEnded> & Pick<CellEnded, 'state' | 'summary'>): Promise<void> {
    this.#ending ??= this.#finish(ended)
    return this.#ending
  }

  #newStreams(mark: string): Streams {
    const stream = (): Stream => ({
      sanitiser: this.#deps.createSanitiser(),
      redactor: this.#deps.createRedactor(),
      mark,
      isInLine: false,
      bytes: 0,
    })
    return { stdout: stream(), stderr: stream(), own: stream() }
  }

  #say(streams: Streams, line: string): void {
    this.#take(streams.own, `kx: ${line.replaceAll('\n', ' ')}\n`)
  }

  #take(stream: Stream, chunk: Uint8Array | string): void {
    stream.bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    // Output that comes after the end has nowhere to go; it is counted by nobody and stored nowhere.
    if (this.#ending !== null) return
    this.#keep(stream, stream.redactor.push(stream.sanitiser.push(chunk)))
  }

  /** Takes what is safe of a stream: marks are put in after masking, since inside a secret they would hide it. */
  #keep(stream: Stream, safe: string): void {
    if (safe === '') return
    const text = stream.mark === '' ? safe : marked(stream, safe)
    stream.isInLine = !safe.endsWith('\n')
    this.#deps.onOutput?.(text)
    this.#buffer += text
    if (this.#buffer.length >= bufferedChars) this.#flush()
    else if (this.#timer === null) {
      this.#timer = setTimeout(() => this.#flush(), flushAfterMs)
      this.#timer.unref()
    }
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const text = this.#buffer
    this.#buffer = ''
    if (this.#trouble !== null) return
    try {
      failpoint('cell.before-output')
      this.#file.write(text)
      failpoint('cell.after-output')
    } catch (error) {
      // A full disk must not take the act down that is being recorded; the end record says what is missing.
      this.#trouble = error
    }
  }

  async #finish(ended: Partial<CellEnded> & Pick<CellEnded, 'state' | 'summary'>): Promise<void> {
    const all = [this.#streams, ...this.#parts.values()]
    const streams = all.flatMap(({ stdout, stderr, own }) => [stdout, stderr, own])
    for (const stream of streams) {
      const rest = stream.redactor.push(stream.sanitiser.end()) + stream.redactor.end()
      this.#keep(stream, rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`)
    }
    this.#flush()
    let dropped = 0
    try {
      dropped = this.#file.finish()
    } catch (error) {
      this.#trouble ??= error
    }
    const lost = this.#trouble === null ? '' : ` (its output could not be stored: ${(this.#trouble as Error).message})`
    failpoint('cell.before-ended')
    await this.#run.append('cell.ended', {
      durationMs: Math.round(this.#deps.clock.monotonicMs() - this.#startedMs),
      exitCode: null,
      signal: null,
      cause: null,
      process: this.#process,
      probe: null,
      approvedBy: null,
      proofId: null,
      ...ended,
      cellId: this.cellId,
      summary: `${ended.summary}${lost}`,
      stdoutBytes: all.reduce((sum, { stdout }) => sum + stdout.bytes, 0),
      stderrBytes: all.reduce((sum, { stderr }) => sum + stderr.bytes, 0),
      truncated: dropped > 0 || this.#trouble !== null,
      outputFile: `cells/${this.cellId}/output.log`,
      redactions: streams.reduce((sum, { redactor }) => sum + redactor.count, 0),
    } satisfies CellEnded)
    failpoint('cell.ended')
  }
}

function marked(stream: Stream, text: string): string {
  const whole = text.endsWith('\n') ? text.slice(0, -1) : text
  const lines = whole.replaceAll('\n', `\n${stream.mark}`)
  return `${stream.isInLine ? '' : stream.mark}${lines}${text.endsWith('\n') ? '\n' : ''}`
}

/** For acts that come every few seconds and leave a record of their own (patrol): no cell records, no output file. */
export function quietCell(cellId: string): CellWriter {
  return { cellId, stdout: () => {}, stderr: () => {}, say: () => {}, end: async () => {} }
}
