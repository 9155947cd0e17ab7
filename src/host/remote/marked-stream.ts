import { constants } from 'node:os'
import { BoundedBytes } from '../bounded-bytes.ts'
import type { Ending, ProcessIdentity } from '../types.ts'

/** Noise before the begin that is kept, to show why nothing began. */
const maxNoiseBytes = 4096
/** Longer than any line of ours: a begin or an end without its line end by then is none. */
const maxLineBytes = 256

/**
 * One output stream of a command that `remoteCommandOf` made: takes the bytes between begin and end, whatever chunks
 * they come in, and hands them on as soon as they cannot be a part of the end any more.
 */
export class MarkedStream {
  readonly #begin: Buffer
  readonly #end: Buffer
  readonly #bytes: BoundedBytes
  readonly #noise = new BoundedBytes(maxNoiseBytes)
  readonly #listener: ((chunk: Uint8Array) => void) | undefined
  #held: Buffer = Buffer.alloc(0)
  /** Words after `begin`; null while it has not come. */
  begun: readonly string[] | null = null
  /** Words after `end`; null while it has not come. */
  ended: readonly string[] | null = null

  constructor(mark: string, maxBytes: number, listener?: (chunk: Uint8Array) => void) {
    this.#begin = Buffer.from(`\n${mark} begin`)
    this.#end = Buffer.from(`\n${mark} end `)
    this.#bytes = new BoundedBytes(maxBytes)
    this.#listener = listener
  }

  get total(): number {
    return this.#bytes.total
  }

  bytes(): Uint8Array {
    return this.#bytes.bytes()
  }

  /** What came outside of the marks: rc files, or ssh itself saying why. */
  noise(): string {
    return new TextDecoder().decode(this.#noise.bytes()).trim()
  }

  take(chunk: Buffer): void {
    let bytes = this.#held.byteLength === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = Buffer.alloc(0)
    if (this.begun === null) {
      const found = this.#find(bytes, this.#begin, (part) => this.#noise.add(part))
      if (found === null) return
      this.begun = found.words
      bytes = found.rest
    }
    if (this.ended === null) {
      const found = this.#find(bytes, this.#end, (part) => this.#payload(part))
      if (found === null) return
      this.ended = found.words
      bytes = found.rest
    }
    this.#noise.add(bytes)
  }

  /** No more comes: what was held back because it looked like the beginning of an end is output after all. */
  flush(): void {
    if (this.begun === null) this.#noise.add(this.#held)
    else this.#payload(this.#held)
    this.#held = Buffer.alloc(0)
  }

  #payload(part: Uint8Array): void {
    if (part.byteLength === 0) return
    this.#bytes.add(part)
    this.#listener?.(part)
  }

  /** Passes on what comes before a line of ours; null, with the rest held, until the whole line is there. */
  #find(
    bytes: Buffer,
    start: Buffer,
    pass: (part: Buffer) => void,
  ): { readonly words: readonly string[]; readonly rest: Buffer } | null {
    const at = bytes.indexOf(start)
    if (at >= 0) {
      const end = bytes.indexOf('\n', at + start.byteLength)
      if (end >= 0) {
        pass(bytes.subarray(0, at))
        const words = bytes
          .toString('latin1', at + start.byteLength, end)
          .trim()
          .split(' ')
        return { words, rest: bytes.subarray(end + 1) }
      }
      if (bytes.byteLength - at < maxLineBytes) return this.#hold(bytes, at, pass)
    }
    let keep = bytes.byteLength
    for (
      let line = bytes.indexOf(0x0a, Math.max(0, bytes.byteLength - start.byteLength + 1));
      line >= 0;
      line = bytes.indexOf(0x0a, line + 1)
    )
      if (start.subarray(0, bytes.byteLength - line).equals(bytes.subarray(line))) {
        keep = line
        break
      }
    return this.#hold(bytes, keep, pass)
  }

  #hold(bytes: Buffer, from: number, pass: (part: Buffer) => void): null {
    if (from > 0) pass(bytes.subarray(0, from))
    // A copy: a slice would keep the whole chunk alive.
    this.#held = Buffer.from(bytes.subarray(from))
    return null
  }
}

/** Who the group leader of a command is, from the words after `begin`; null where its kernel does not tell. */
export function processOf(words: readonly string[] | null): (ProcessIdentity & { readonly group: number }) | null {
  if (words?.length !== 4) return null
  const [pid, group, startTicks] = words.map(Number)
  const bootId = words[3] as string
  if (![pid, group, startTicks].every((n) => Number.isSafeInteger(n) && (n as number) > 0) || bootId === '-')
    return null
  return { pid: pid as number, group: group as number, startTicks: startTicks as number, bootId }
}

const signals = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]))

/** How a command ended, from the words after `end`; null when they are no end. */
export function endingOf(words: readonly string[] | null): Ending | null {
  if (words?.length !== 2 || !/^\d{1,3}$/.test(words[0] as string)) return null
  const code = Number(words[0])
  if (words[1] === 'code') return { kind: 'exited', code }
  if (words[1] !== 'signal') return null
  return { kind: 'signalled', signal: signals.get(code - 128) ?? `SIG${code - 128}` }
}
