export interface Decoder {
  push(chunk: Uint8Array | string): string
  /** What was cut off in the middle, as U+FFFD. */
  end(): string
}

/**
 * UTF-8 (or UTF-16 strings) in pieces to well-formed text in pieces. Invalid bytes become U+FFFD, the same for any split:
 * an unfinished sequence at the end of a piece waits for the next one. Lone surrogates are left to the caller.
 */
export function createDecoder(): Decoder {
  let made: InstanceType<typeof TextDecoder> | null = null
  // Most texts come as strings, and it costs as much as all else that is done with a short one.
  const utf8 = () => {
    made ??= new TextDecoder('utf-8', { ignoreBOM: true })
    return made
  }
  let tail: Uint8Array = new Uint8Array(0)
  let high = ''
  const flushBytes = () => {
    const text = tail.length > 0 ? utf8().decode(tail) : ''
    tail = new Uint8Array(0)
    return text
  }
  return {
    push(chunk) {
      if (chunk.length === 0) return ''
      if (typeof chunk === 'string') {
        const text = flushBytes() + high + chunk
        const isOpen = (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800
        high = isOpen ? text.slice(-1) : ''
        return isOpen ? text.slice(0, -1) : text
      }
      const before = high === '' ? '' : '\ufffd'
      high = ''
      let bytes = chunk
      if (tail.length > 0) {
        bytes = new Uint8Array(tail.length + chunk.length)
        bytes.set(tail)
        bytes.set(chunk, tail.length)
      }
      const keep = unfinishedBytes(bytes)
      tail = keep === 0 ? new Uint8Array(0) : bytes.slice(bytes.length - keep)
      return before + utf8().decode(keep === 0 ? bytes : bytes.subarray(0, bytes.length - keep))
    },
    end() {
      const text = flushBytes() + (high === '' ? '' : '\ufffd')
      high = ''
      return text
    },
  }
}

/** Number of bytes at the end (0 to 3) that are the valid beginning of a longer sequence. */
function unfinishedBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xc2 && byte <= 0xdf ? 2 : (byte & 0xf0) === 0xe0 ? 3 : byte >= 0xf0 && byte <= 0xf4 ? 4 : 1
    if (length <= back) return 0
    // The second byte decides about overlong forms, surrogates and values past U+10FFFF.
    const second = back > 1 ? (bytes[bytes.length - back + 1] ?? 0) : null
    if (second !== null) {
      const low = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
      const highest = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
      if (second < low || second > highest) return 0
    }
    return back
  }
  return 0
}
