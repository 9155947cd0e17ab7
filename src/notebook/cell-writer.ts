import { join } from 'node:path'
import type { CellRequest, CellWriter, Clock, RunHandle } from '../run/act.ts'
import { RunError } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { sha256Hex } from '../run/journal-line.ts'
import type { CellEnded, CellStarted } from '../run/types.ts'
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

interface Stream {
  readonly sanitiser: TextStage
  readonly redactor: MaskStage
  bytes: number
}

class OpenCell implements CellWriter {
  readonly cellId: string
  readonly #run: RunHandle
  readonly #file: ReturnType<typeof createOutputFile>
  readonly #deps: CellDeps
  readonly #startedMs: number
  readonly #streams: { readonly stdout: Stream; readonly stderr: Stream; readonly own: Stream }
  #buffer = ''
  #timer: NodeJS.Timeout | null = null
  #ending: Promise<void> | null = null
  #trouble: unknown = null

  constructor(run: RunHandle, cellId: string, file: ReturnType<typeof createOutputFile>, deps: CellDeps) {
    this.cellId = cellId
    this.#run = run
    this.#file = file
    this.#deps = deps
    this.#startedMs = deps.clock.monotonicMs()
    const stream = (): Stream => ({ sanitiser: deps.createSanitiser(), redactor: deps.createRedactor(), bytes: 0 })
    this.#streams = { stdout: stream(), stderr: stream(), own: stream() }
  }

  stdout(chunk: Uint8Array | string): void {
    this.#take(this.#streams.stdout, chunk)
  }

  stderr(chunk: Uint8Array | string): void {
    this.#take(this.#streams.stderr, chunk)
  }

  say(line: string): void {
    this.#take(this.#streams.own, `kx: ${line.replaceAll('\n', ' ')}\n`)
  }

  /** The first call ends the cell; later ones wait for it and change nothing. */
  end(ended: Partial<CellEnded> & Pick<CellEnded, 'state' | 'summary'>): Promise<void> {
    this.#ending ??= this.#finish(ended)
    return this.#ending
  }

  #take(stream: Stream, chunk: Uint8Array | string): void {
    stream.bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.byteLength
    // Output that comes after the end has nowhere to go; it is counted by nobody and stored nowhere.
    if (this.#ending !== null) return
    this.#keep(stream.redactor.push(stream.sanitiser.push(chunk)))
  }

  #keep(text: string): void {
    if (text === '') return
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
    const { stdout, stderr, own } = this.#streams
    for (const stream of [stdout, stderr, own]) {
      const rest = stream.redactor.push(stream.sanitiser.end()) + stream.redactor.end()
      this.#keep(rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`)
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
      process: null,
      probe: null,
      approvedBy: null,
      proofId: null,
      ...ended,
      cellId: this.cellId,
      summary: `${ended.summary}${lost}`,
      stdoutBytes: stdout.bytes,
      stderrBytes: stderr.bytes,
      truncated: dropped > 0 || this.#trouble !== null,
      outputFile: `cells/${this.cellId}/output.log`,
      redactions: stdout.redactor.count + stderr.redactor.count + own.redactor.count,
    } satisfies CellEnded)
    failpoint('cell.ended')
  }
}

/** For acts that come every few seconds and leave a record of their own (patrol): no cell records, no output file. */
export function quietCell(cellId: string): CellWriter {
  return { cellId, stdout: () => {}, stderr: () => {}, say: () => {}, end: async () => {} }
}
