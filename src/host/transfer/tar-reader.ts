import { failed } from './errors.ts'

const block = 512
/** Of a long name that comes as an entry of its own. */
const mostNameBytes = 8192

export interface TarFile {
  /** As asked for, without `./` before it. */
  readonly path: string
  readonly bytes: Buffer
}

/**
 * Takes the files that were asked for out of a stream of tar archives, one behind the other, and nothing else. Strict:
 * what is not a plain old header with a right sum ends it. A file comes with exactly the asked number of bytes, each once;
 * entries of other kinds, names or sizes are passed over, so nothing that the other side makes up gets anywhere.
 * Archives are those of GNU tar and busybox; the names are read, never followed.
 */
export class TarReader {
  readonly #asked: Map<string, number>
  readonly #onFile: (file: TarFile) => void
  #held: Buffer[] = []
  #heldBytes = 0
  /** What is awaited: a header, or the body of an entry. */
  #need = block
  #entry: { readonly path: string | null; readonly size: number; readonly isName: boolean } | null = null
  #skip = 0
  #longName: string | null = null

  /** `asked`: path and exact size. Each must fit into memory. */
  constructor(asked: ReadonlyMap<string, number>, onFile: (file: TarFile) => void) {
    this.#asked = new Map(asked)
    this.#onFile = onFile
  }

  /** Files that did not come yet. */
  get missing(): number {
    return this.#asked.size
  }

  /** @throws TransferError when it is no archive of ours */
  take(chunk: Uint8Array): void {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    while (bytes.byteLength > 0) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, bytes.byteLength)
        this.#skip -= passed
        bytes = bytes.subarray(passed)
        continue
      }
      const wanted = this.#need - this.#heldBytes
      const part = bytes.subarray(0, wanted)
      bytes = bytes.subarray(part.byteLength)
      this.#held.push(part)
      this.#heldBytes += part.byteLength
      if (this.#heldBytes < this.#need) return
      // A copy where the piece is a part of a larger chunk: what is kept for later must not keep all of that alive.
      const whole = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
      this.#held = []
      this.#heldBytes = 0
      if (this.#entry === null) this.#header(whole)
      else this.#body(whole, this.#entry)
    }
  }

  #header(bytes: Buffer): void {
    // Zeros end an archive; the next one of the stream begins behind them.
    if (bytes[0] === 0 && bytes.every((byte) => byte === 0)) return
    const head = readHeader(bytes)
    if (head === null) throw failed('the stream of files is not of the form that was asked for')
    const { size, type } = head
    if (type === 'L') {
      if (size > mostNameBytes || size === 0 || this.#longName !== null)
        throw failed('a name in the stream is too long')
      return this.#await({ path: null, size, isName: true })
    }
    const name = this.#longName ?? head.name
    this.#longName = null
    const path = name.startsWith('./') ? name.slice(2) : name
    const isAsked = type === '0' && this.#asked.get(path) === size
    if (!isAsked) {
      // Links and folders have no body, whatever their size says.
      this.#skip = type === '0' ? padded(size) : 0
      return
    }
    this.#asked.delete(path)
    if (size === 0) this.#onFile({ path, bytes: Buffer.alloc(0) })
    else this.#await({ path, size, isName: false })
  }

  #await(entry: { readonly path: string | null; readonly size: number; readonly isName: boolean }): void {
    this.#entry = entry
    this.#need = entry.size
  }

  #body(bytes: Buffer, entry: { readonly path: string | null; readonly size: number; readonly isName: boolean }): void {
    this.#entry = null
    this.#need = block
    this.#skip = padded(entry.size) - entry.size
    if (entry.isName) this.#longName = bytes.subarray(0, -1).toString('utf8')
    else if (entry.path !== null) this.#onFile({ path: entry.path, bytes })
  }
}

const padded = (size: number) => Math.ceil(size / block) * block

interface Header {
  readonly name: string
  readonly size: number
  readonly type: '0' | 'L' | 'other'
}

/** One header block; null when it is none: wrong magic, wrong sum, a number that is none. */
export function readHeader(bytes: Buffer): Header | null {
  const magic = bytes.toString('latin1', 257, 265)
  if (magic !== 'ustar  \0' && magic !== 'ustar\x0000') return null
  const sum = octal(bytes, 148, 8)
  const size = octal(bytes, 124, 12)
  if (sum === null || size === null) return null
  let found = 8 * 0x20
  for (let i = 0; i < block; i += 1) if (i < 148 || i >= 156) found += bytes[i] as number
  if (found !== sum) return null
  const kind = String.fromCharCode(bytes[156] as number)
  const type = kind === '0' || kind === '\0' ? '0' : kind === 'L' ? 'L' : /^[1-7]$/.test(kind) ? 'other' : null
  if (type === null) return null
  const name = text(bytes, 0, 100)
  const before = magic === 'ustar\x0000' ? text(bytes, 345, 155) : ''
  return { name: before === '' ? name : `${before}/${name}`, size, type }
}

function text(bytes: Buffer, at: number, length: number): string {
  const field = bytes.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}

function octal(bytes: Buffer, at: number, length: number): number | null {
  const field = /^ *([0-7]{1,12})[ \0]*$/.exec(bytes.toString('latin1', at, at + length))
  return field === null ? null : Number.parseInt(field[1] as string, 8)
}
