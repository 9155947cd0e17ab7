import { createDecoder } from './decode.ts'

export interface SanitiserOptions {
  /** Longest line that is kept, in UTF-16 units; the rest of the line is dropped. Default 65,536 (handbook reliability 7). */
  readonly maxLineLength?: number
  /** Longest OSC, DCS, APC, PM or SOS payload that is swallowed before text resumes. Default 4,096. */
  readonly maxPayload?: number
  /** Whether colours and attributes (SGR) pass. Default true. */
  readonly allowSgr?: boolean
  /** What stands where something was dropped; neighbouring drops share one. Default `␛`. */
  readonly mark?: string
}

export interface Sanitiser {
  /** Takes a piece of the stream and returns the lines that are complete. Pieces may be cut anywhere. */
  push(chunk: Uint8Array | string): string
  /** Returns what is left: the last line without its newline. */
  end(): string
  /** The line that is not complete yet, safe to show. */
  readonly pending: string
  /** Controls, sequences and characters that were dropped, plus one for each line that was cut. */
  readonly dropped: number
}

/** Characters that need a look. Everything else is printable, newline or tab. Arabic number signs are visible: they pass. */
const special =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]/g

const maxSequence = 128
const maxSgrParameters = 16

type State = 'ground' | 'escape' | 'escape-intermediate' | 'csi' | 'string' | 'string-escape'

/**
 * Makes foreign text safe for a terminal and for a file: an ECMA-48 state machine with an allow-list of printable
 * characters, newline, tab and SGR with at most 16 parameters. The result is the same for any split of the input.
 *
 * A carriage return rewrites its line, as a progress bar means it; a newline ends an unfinished control string, so that
 * a stray introducer cannot hide the rest of a log. Colours end with their line, so every line can be shown alone.
 * Source: handbook reliability 7.
 */
export function createSanitiser(options: SanitiserOptions = {}): Sanitiser {
  const maxLine = options.maxLineLength ?? 65_536
  const maxPayload = options.maxPayload ?? 4096
  const allowSgr = options.allowSgr ?? true
  const mark = options.mark ?? '␛'
  const decode = createDecoder()
  let state: State = 'ground'
  let out = ''
  let line = ''
  let isCut = false
  let isSgrOpen = false
  let isMarked = false
  let isReturned = false
  let sequence = ''
  let payload = 0
  let dropped = 0

  const rewind = () => {
    line = ''
    isCut = false
    isSgrOpen = false
    isMarked = false
    isReturned = false
  }
  const cut = () => {
    isCut = true
    dropped++
    line += '…'
  }
  /** Appends text without newline. A surrogate pair is never cut in two. */
  const append = (text: string) => {
    if (isReturned) rewind()
    isMarked = false
    if (isCut) return
    const room = maxLine - line.length
    if (text.length <= room) {
      line += text
      return
    }
    const isPair = room > 0 && (text.charCodeAt(room - 1) & 0xfc00) === 0xd800
    line += text.slice(0, isPair ? room - 1 : room)
    cut()
  }
  const closed = () => (isSgrOpen ? `${line}\x1b[0m` : line)
  const newline = () => {
    out += `${closed()}\n`
    rewind()
  }
  /** Appends text that is known to be clean, newlines included. */
  const appendRun = (text: string) => {
    if (text.length === 0) return
    const last = text.lastIndexOf('\n')
    if (last === -1) {
      append(text)
      return
    }
    if (!isCut && !isSgrOpen && !isReturned && line.length + text.length <= maxLine) {
      out += line + text.slice(0, last + 1)
      rewind()
      if (last + 1 < text.length) append(text.slice(last + 1))
      return
    }
    let from = 0
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      if (to > from) append(text.slice(from, to))
      newline()
      from = to + 1
    }
    if (from < text.length) append(text.slice(from))
  }
  const drop = () => {
    dropped++
    if (isReturned) rewind()
    if (isMarked || mark === '') return
    append(mark)
    isMarked = true
  }
  const abandon = () => {
    state = 'ground'
    sequence = ''
    drop()
  }
  const finishCsi = (final: string) => {
    const sgr = sequence
    state = 'ground'
    sequence = ''
    if (final !== 'm' || !allowSgr || !isAllowedSgr(sgr)) {
      drop()
      return
    }
    append(`\x1b[${sgr}m`)
    if (!isCut) isSgrOpen = !/^[0;:]*$/.test(sgr)
  }
  const startString = () => {
    state = 'string'
    payload = 0
  }
  const startC1 = (code: number) => {
    if (code === 0x9b) state = 'csi'
    else if (code === 0x90 || code === 0x98 || code >= 0x9d) startString()
    else drop()
    // An introducer in its 8-bit form is never passed on, SGR or not.
    if (code === 0x9b) sequence = '!'
  }
  /** Looks at one special character in the ground state; returns how many UTF-16 units it took. */
  const ground = (text: string, at: number): number => {
    const code = text.charCodeAt(at)
    if (code === 0x0d) isReturned = true
    else if (code === 0x1b) state = 'escape'
    else if (code >= 0x80 && code <= 0x9f) startC1(code)
    else if (code >= 0xd800 && code <= 0xdfff) {
      const point = text.codePointAt(at) ?? code
      if (point <= 0xffff) {
        append('\ufffd')
        return 1
      }
      if (isDroppedAstral(point)) drop()
      else append(text.slice(at, at + 2))
      return 2
    } else drop()
    return 1
  }
  /** One character inside a sequence; returns 1 when it was taken, 0 when the ground state must look at it again. */
  const inside = (code: number, char: string): 0 | 1 => {
    if (code === 0x0a || code === 0x18 || code === 0x1a) {
      abandon()
      return code === 0x0a ? 0 : 1
    }
    if (state === 'string') {
      if (code === 0x1b) state = 'string-escape'
      else if (code === 0x07 || code === 0x9c || ++payload > maxPayload) abandon()
      return 1
    }
    if (state === 'string-escape') {
      if (code === 0x5c) {
        abandon()
        return 1
      }
      if (code === 0x1b) {
        // tmux passthrough doubles every escape of its payload.
        state = 'string'
        payload += 2
        if (payload > maxPayload) abandon()
        return 1
      }
      abandon()
      state = 'escape'
      return inside(code, char)
    }
    if (code === 0x1b) {
      abandon()
      state = 'escape'
      return 1
    }
    if (code === 0x0d || code === 0x09 || code >= 0x7f) {
      abandon()
      return 0
    }
    if (code < 0x20) {
      dropped++
      return 1
    }
    if (state === 'csi') {
      if (code >= 0x40) finishCsi(char)
      else {
        sequence += char
        if (sequence.length > maxSequence) abandon()
      }
      return 1
    }
    if (code <= 0x2f) {
      state = 'escape-intermediate'
      sequence += char
      if (sequence.length > maxSequence) abandon()
      return 1
    }
    if (state === 'escape' && char === '[') state = 'csi'
    else if (state === 'escape' && 'PX]^_k'.includes(char)) startString()
    else abandon()
    return 1
  }
  const feed = (text: string) => {
    let at = 0
    while (at < text.length) {
      if (state !== 'ground') {
        at += inside(text.charCodeAt(at), text.charAt(at))
        continue
      }
      special.lastIndex = at
      const next = special.test(text) ? special.lastIndex - 1 : text.length
      appendRun(at === 0 && next === text.length ? text : text.slice(at, next))
      at = next
      if (at < text.length) at += ground(text, at)
    }
  }
  const take = () => {
    const result = out
    out = ''
    return result
  }
  return {
    push(chunk) {
      feed(decode.push(chunk))
      return take()
    },
    end() {
      feed(decode.end())
      if (state !== 'ground') abandon()
      const result = take() + closed()
      rewind()
      return result
    },
    get pending() {
      return closed()
    },
    get dropped() {
      return dropped
    },
  }
}

function isAllowedSgr(parameters: string): boolean {
  return /^(?:\d{0,4}[;:])*\d{0,4}$/.test(parameters) && parameters.replace(/[^;:]/g, '').length + 1 <= maxSgrParameters
}

/** Tag characters, musical and shorthand format controls, and the non-characters that end each plane. */
function isDroppedAstral(point: number): boolean {
  return (
    (point >= 0xe0000 && point <= 0xe007f) ||
    (point >= 0x1d173 && point <= 0x1d17a) ||
    (point >= 0x1bca0 && point <= 0x1bca3) ||
    (point & 0xfffe) === 0xfffe
  )
}

/** A whole text at once: see `createSanitiser`. */
export function sanitise(text: string | Uint8Array, options?: SanitiserOptions): string {
  const sanitiser = createSanitiser(options)
  return sanitiser.push(text) + sanitiser.end()
}

/**
 * One field for one line, such as a file name, a host name or a title: no newline, no tab, no colour.
 * White space becomes one blank; longer than `maxLength` UTF-16 units is cut and ends with `…`.
 */
export function sanitiseLine(text: string | Uint8Array, maxLength = 4096): string {
  // Nearly every name: what has neither a control character nor anything beyond ASCII is as it will be.
  if (typeof text === 'string' && text.length <= Math.min(maxLength, 4096) && /^[ -~]*$/.test(text)) return text
  const decoder = createDecoder()
  const source = decoder.push(text) + decoder.end()
  const clean = sanitise(source.slice(0, 1_048_576).replace(/[\r\n\t]+/g, '\n'), { allowSgr: false }).replace(
    /\n/g,
    ' ',
  )
  if (clean.length <= maxLength) return clean
  const isPair = (clean.charCodeAt(maxLength - 2) & 0xfc00) === 0xd800
  return `${clean.slice(0, Math.max(0, isPair ? maxLength - 2 : maxLength - 1))}…`
}
