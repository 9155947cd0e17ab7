import type { CellWriter } from '../run/act.ts'
import { createRedactor, type SecretSet } from '../text/redact.ts'
import { createSanitiser } from '../text/sanitise.ts'
import type { DisplayLine, OnLines } from './types.ts'

/** Lines of one entry that are shown as they come; the cell holds them all. */
const mostLiveLines = 2000
/** What has no line end yet is shown after so long. */
const unfinishedAfterMs = 250
/** Printed before there is a cell to put it into. */
const mostEarly = 1024 * 1024
/** Entries that are over and may still print. */
const mostLateEntries = 50

type Stream = 'stdout' | 'stderr'

interface Shown {
  writer: CellWriter | null
  /** What was printed before its cell was opened; null once that is known. */
  early: { readonly stream: Stream; readonly chunk: Uint8Array | string }[] | null
  earlyLength: number
  lines: number
  isOver: boolean
  readonly streams: Map<Stream, LineStream>
}

/** Pieces of text in, whole lines out, safe to show: what stands in two pieces is masked like what stands in one. */
class LineStream {
  readonly #sanitiser = createSanitiser({ allowSgr: false, mark: '' })
  readonly #redactor
  readonly #onLines: (lines: readonly string[]) => void
  #rest = ''
  #timer: NodeJS.Timeout | undefined

  constructor(secrets: SecretSet | null, onLines: (lines: readonly string[]) => void) {
    this.#redactor = createRedactor(secrets)
    this.#onLines = onLines
  }

  take(chunk: Uint8Array | string): void {
    this.#add(this.#redactor.push(this.#sanitiser.push(chunk)))
    clearTimeout(this.#timer)
    if (this.#rest !== '') this.#timer = setTimeout(() => this.#flush(), unfinishedAfterMs).unref()
  }

  end(): void {
    this.#add(this.#redactor.push(this.#sanitiser.end()) + this.#redactor.end())
    this.#flush()
  }

  #add(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    if (lines.length > 0) this.#onLines(lines)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    const rest = this.#rest
    this.#rest = ''
    if (rest !== '') this.#onLines([rest])
  }
}

/** What entries print while they run, and after it: into their cells, and safe lines to whoever looks. */
export class LiveOutput {
  readonly #secrets: SecretSet | null
  readonly #onLines: OnLines
  readonly #shown = new Map<number, Shown>()

  constructor(secrets: SecretSet | null, onLines: OnLines) {
    this.#secrets = secrets
    this.#onLines = onLines
  }

  begin(cell: number): void {
    this.#shown.set(cell, {
      ...{ writer: null, early: [], earlyLength: 0 },
      ...{ lines: 0, isOver: false, streams: new Map() },
    })
  }

  /** From now on what it prints goes into this cell too. */
  recordIn(cell: number, writer: CellWriter | null): void {
    const shown = this.#shown.get(cell)
    if (shown === undefined) return
    // A look is put on record after it was shown.
    for (const { stream, chunk } of shown.early ?? []) writer?.[stream](chunk)
    shown.early = null
    if (!shown.isOver) shown.writer = writer
  }

  take(cell: number, stream: Stream, chunk: Uint8Array | string): void {
    if (!this.#shown.has(cell)) {
      this.begin(cell)
      const late = this.#shown.get(cell)
      if (late !== undefined) late.isOver = true
    }
    const shown = this.#shown.get(cell)
    if (shown === undefined) return
    if (shown.writer !== null) shown.writer[stream](chunk)
    else if (!shown.isOver && shown.early !== null && shown.earlyLength < mostEarly) {
      shown.early.push({ stream, chunk })
      shown.earlyLength += chunk.length
    }
    let lines = shown.streams.get(stream)
    if (lines === undefined) {
      lines = new LineStream(this.#secrets, (all) => this.#show(cell, shown, all))
      shown.streams.set(stream, lines)
    }
    lines.take(chunk)
  }

  /** Everything that was held back is shown. What comes later is said to be late. */
  end(cell: number): void {
    const shown = this.#shown.get(cell)
    if (shown === undefined) return
    for (const stream of shown.streams.values()) stream.end()
    shown.streams.clear()
    shown.isOver = true
    shown.writer = null
    shown.lines = 0
    for (const [old, { isOver }] of this.#shown) {
      if (this.#shown.size <= mostLateEntries) break
      if (isOver) this.#shown.delete(old)
    }
  }

  #show(cell: number, shown: Shown, texts: readonly string[]): void {
    const room = mostLiveLines - shown.lines
    if (room <= 0) return
    shown.lines += texts.length
    const lines = texts.slice(0, room).map((text): DisplayLine => [{ text, tone: 'plain' }])
    if (shown.lines >= mostLiveLines) lines.push([{ text: '… more of it is in the cell of this entry', tone: 'muted' }])
    this.#onLines(cell, lines, shown.isOver)
  }
}
