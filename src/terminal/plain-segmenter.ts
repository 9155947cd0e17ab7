import { isSimpleNarrow } from './simple-width.ts'

// Taken apart so that the build, which puts this class in the place of `Intl.Segmenter`, leaves this one alone.
const { Segmenter } = Intl
const ESCAPE = 0x1b
/** A control of its own; only a carriage return before it would join it, and that is not plain. */
const NEWLINE = 0x0a

/** True when every UTF-16 unit is a grapheme of its own: simple characters, line ends, and the escape that styles begin with. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i)
    if (code !== ESCAPE && code !== NEWLINE && !isSimpleNarrow(code)) return false
  }
  return true
}

/** The segments of plain text: its characters. */
class PlainSegments implements Iterable<Intl.SegmentData> {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  containing(index = 0): Intl.SegmentData | undefined {
    const at = Math.trunc(index)
    const text = this.#text
    return at < 0 || at >= text.length ? undefined : { segment: text.charAt(at), index: at, input: text }
  }

  [Symbol.iterator](): IterableIterator<Intl.SegmentData> {
    const input = this.#text
    let index = 0
    return {
      next: () => {
        if (index >= input.length) return { done: true, value: undefined }
        const value = { segment: input.charAt(index), index, input }
        index += 1
        return { done: false, value }
      },
      [Symbol.iterator]() {
        return this
      },
    }
  }
}

/**
 * Stands in the built program for `Intl.Segmenter`, for Ink too, which takes every row of every frame apart with it.
 * Text without anything that joins needs no tables of Unicode; setting those up takes longer than half a first frame,
 * so it waits for the first text that does.
 */
export class PlainSegmenter {
  readonly #make: () => Intl.Segmenter
  readonly #isGrapheme: boolean
  #whole: Intl.Segmenter | null = null

  constructor(locales?: Intl.LocalesArgument, options?: Intl.SegmenterOptions) {
    this.#make = () => new Segmenter(locales, options)
    this.#isGrapheme = (options?.granularity ?? 'grapheme') === 'grapheme'
  }

  segment(input: string): Intl.Segments | PlainSegments {
    const text = String(input)
    if (this.#isGrapheme && isPlain(text)) return new PlainSegments(text)
    this.#whole ??= this.#make()
    return this.#whole.segment(text)
  }

  resolvedOptions(): Intl.ResolvedSegmenterOptions {
    this.#whole ??= this.#make()
    return this.#whole.resolvedOptions()
  }
}
