import { Broken } from './kit.ts'

const maxDepth = 256
const [value, firstItem, firstKey, key, colon, after, inString, afterBackslash, hex, number, word] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
]
const words = ['true', 'false', 'null', 'NaN', 'Infinity']
/** Parts of a number: what may come next in each, by RFC 8259. */
type NumberPart = 'minus' | 'zero' | 'digits' | 'point' | 'fraction' | 'e' | 'sign' | 'exponent'
const complete: readonly NumberPart[] = ['zero', 'digits', 'fraction', 'exponent']

/**
 * A JSON validator that is fed in pieces and keeps no content, so that files of any size can be walked to the end.
 * Python's bare `NaN` and `Infinity` are accepted and counted: such a file is whole, though not strict JSON.
 */
export class JsonScanner {
  records = 0
  /** Lines that end inside a value (`lines` only): what a killed writer leaves when it goes on with a line of its own. */
  torn = 0
  nonFinite = 0
  private readonly isLines: boolean
  private readonly stack = new Uint8Array(maxDepth)
  private depth = 0
  private state = value
  private isKey = false
  private hexLeft = 0
  private part: NumberPart = 'zero'
  private word = ''
  private wordAt = 0
  private seen = 0
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true })

  /** `lines`: one value a line, each line closed by a newline (JSONL). */
  constructor(mode: 'one' | 'lines') {
    this.isLines = mode === 'lines'
  }

  push(bytes: Uint8Array): void {
    try {
      this.utf8.decode(bytes, { stream: true })
    } catch {
      throw new Broken(`bytes that are not UTF-8 in the first ${this.seen + bytes.length} bytes`)
    }
    let i = 0
    if (this.seen === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) i = 3
    for (; i < bytes.length; i += 1) {
      const byte = bytes[i] as number
      if (byte === 0x0a && this.isLines && this.isInside()) {
        this.torn += 1
        this.reset()
        continue
      }
      if (this.state === inString) {
        if (byte === 0x22) this.endString()
        else if (byte === 0x5c) this.state = afterBackslash
        else if (byte < 0x20) this.fail(i, 'a control character inside a string')
        continue
      }
      this.step(byte, i)
    }
    this.seen += bytes.length
  }

  /** Call after the last byte. */
  end(): void {
    try {
      this.utf8.decode()
    } catch {
      throw new Broken('the last character is cut')
    }
    if (this.seen === 0) throw new Broken('the file is empty')
    if (this.isLines) {
      if (this.depth > 0 || this.state !== value) throw new Broken('the last line does not end in a newline: cut')
      return
    }
    if (this.state === number && this.depth === 0) this.endNumber(0)
    if (this.depth > 0 || this.state !== after) throw new Broken('the value is not closed: the file ends too early')
    this.records = 1
  }

  /** True when a value has begun and is not known to be complete. */
  private isInside(): boolean {
    if (this.depth > 0) return true
    if (this.state === number) return !complete.includes(this.part)
    return this.state !== value && this.state !== after
  }

  private reset(): void {
    this.depth = 0
    this.state = value
    this.isKey = false
  }

  private step(byte: number, i: number): void {
    if (this.state === number && this.numberStep(byte, i)) return
    if (this.state === word) {
      if (byte !== this.word.charCodeAt(this.wordAt)) this.fail(i, 'an unknown word')
      this.wordAt += 1
      if (this.wordAt === this.word.length) this.state = after
      return
    }
    if (this.state === afterBackslash) {
      if (byte === 0x75) {
        this.state = hex
        this.hexLeft = 4
      } else if ('"\\/bfnrt'.includes(String.fromCharCode(byte))) this.state = inString
      else this.fail(i, 'an unknown escape')
      return
    }
    if (this.state === hex) {
      if (!/[0-9a-fA-F]/.test(String.fromCharCode(byte))) this.fail(i, 'a broken \\u escape')
      this.hexLeft -= 1
      if (this.hexLeft === 0) this.state = inString
      return
    }
    if (byte === 0x0a && this.isLines && this.depth === 0) {
      if (this.state === after) {
        this.records += 1
        this.state = value
        return
      }
      if (this.state === value) return
    }
    if (byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d) {
      return
    }
    this.structural(byte, i)
  }

  private structural(byte: number, i: number): void {
    const state = this.state
    if (state === value || state === firstItem) {
      if (state === firstItem && byte === 0x5d) this.close(2, i)
      else this.beginValue(byte, i)
    } else if (state === firstKey || state === key) {
      if (byte === 0x22) {
        this.isKey = true
        this.state = inString
      } else if (byte === 0x7d && state === firstKey) this.close(1, i)
      else this.fail(i, 'a key was expected')
    } else if (state === colon) {
      if (byte !== 0x3a) this.fail(i, 'a colon was expected')
      this.state = value
    } else if (this.depth === 0) this.fail(i, 'something after the end of the value')
    else if (byte === 0x2c) this.state = this.stack[this.depth - 1] === 1 ? key : value
    else if (byte === 0x7d) this.close(1, i)
    else if (byte === 0x5d) this.close(2, i)
    else this.fail(i, 'a comma or a closing bracket was expected')
  }

  private beginValue(byte: number, i: number): void {
    if (byte === 0x7b || byte === 0x5b) {
      if (this.depth >= maxDepth) this.fail(i, `nesting deeper than ${maxDepth}`)
      this.stack[this.depth] = byte === 0x7b ? 1 : 2
      this.depth += 1
      this.state = byte === 0x7b ? firstKey : firstItem
    } else if (byte === 0x22) {
      this.isKey = false
      this.state = inString
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.state = number
      this.part = byte === 0x2d ? 'minus' : byte === 0x30 ? 'zero' : 'digits'
    } else this.beginWord(byte, i)
  }

  private beginWord(byte: number, i: number): void {
    const found = words.find((w) => w.charCodeAt(0) === byte)
    if (found === undefined) this.fail(i, 'a value was expected')
    if (found === 'NaN' || found === 'Infinity') this.nonFinite += 1
    this.word = found as string
    this.wordAt = 1
    this.state = word
  }

  private endString(): void {
    this.state = this.isKey ? colon : after
    this.isKey = false
  }

  private close(kind: 1 | 2, i: number): void {
    if (this.stack[this.depth - 1] !== kind) this.fail(i, 'brackets do not match')
    this.depth -= 1
    this.state = after
  }

  /** True when the byte belonged to the number. */
  private numberStep(byte: number, i: number): boolean {
    const isDigit = byte >= 0x30 && byte <= 0x39
    const part = this.part
    if (isDigit) {
      if (part === 'zero') this.fail(i, 'a number with a leading zero')
      if (part === 'minus') this.part = byte === 0x30 ? 'zero' : 'digits'
      else if (part === 'point') this.part = 'fraction'
      else if (part === 'e' || part === 'sign') this.part = 'exponent'
      return true
    }
    if (byte === 0x49 && part === 'minus') {
      this.beginWord(byte, i)
      return true
    }
    if (byte === 0x2e && (part === 'zero' || part === 'digits')) {
      this.part = 'point'
      return true
    }
    if ((byte === 0x65 || byte === 0x45) && (part === 'zero' || part === 'digits' || part === 'fraction')) {
      this.part = 'e'
      return true
    }
    if ((byte === 0x2b || byte === 0x2d) && part === 'e') {
      this.part = 'sign'
      return true
    }
    this.endNumber(i)
    return false
  }

  private endNumber(i: number): void {
    if (!complete.includes(this.part)) this.fail(i, 'a number that is cut')
    this.state = after
  }

  private fail(i: number, what: string): never {
    throw new Broken(`${what} at byte ${this.seen + i}`)
  }
}
