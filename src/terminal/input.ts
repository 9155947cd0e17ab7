import { StringDecoder } from 'node:string_decoder'
import type { InputEvent, MouseInput } from './events.ts'
import { controlKey, csiKey, ss3Key, typedKey, withMeta } from './keys.ts'

/** Longest paste kept, in UTF-16 units; the rest is dropped and said so. */
export const PASTE_CAP = 1_048_576
/** Longest reply kept; the rest is swallowed (reliability 7: OSC and DCS payloads end at 4 KiB). */
const REPLY_CAP = 4096
const PASTE_END = '\u001b[201~'

/**
 * Decodes what a terminal sends into events. A pure state machine over the characters: any split of the bytes into
 * chunks gives the same events. It holds no timer; the owner calls `flush` when a lone Esc has waited long enough.
 */
export class InputParser {
  #decoder = new StringDecoder('utf8')
  #pending = ''
  #paste: string | null = null
  #isPasteCut = false

  /** Feeds bytes or text and returns what became complete. */
  push(chunk: Uint8Array | string): InputEvent[] {
    this.#pending += typeof chunk === 'string' ? chunk : this.#decoder.write(Buffer.from(chunk))
    return this.#drain()
  }

  /** What the parser waits for: the rest of an escape sequence, the end of a paste, or nothing. */
  waitingFor(): 'escape' | 'paste' | null {
    if (this.#paste !== null) return 'paste'
    return this.#pending === '' ? null : 'escape'
  }

  /**
   * The rest did not come: a lone Esc is the Esc key, Esc and one character is alt and that key, a longer torso is
   * dropped, and a paste without an end is handed over as cut.
   */
  flush(): InputEvent[] {
    if (this.#paste !== null) {
      this.#isPasteCut = true
      this.#keepPasted(this.#pending)
      this.#pending = ''
      return [this.#endPaste()]
    }
    const torso = this.#pending
    this.#pending = ''
    const first = torso.charCodeAt(0)
    if (torso.length === 0 || first !== 0x1b) return []
    const esc = controlKey(0x1b)
    if (torso.length === 1) return esc === null ? [] : [esc]
    if (torso.length === 2) return [withMeta(typedKey(torso[1] ?? ''))]
    return []
  }

  #drain(): InputEvent[] {
    const events: InputEvent[] = []
    for (;;) {
      if (this.#paste !== null) {
        if (!this.#drainPaste(events)) return events
        continue
      }
      if (this.#pending === '') return events
      const used = this.#pending.charCodeAt(0) === 0x1b ? this.#escape(events) : this.#characters(events)
      if (used === 0) return events
      this.#pending = this.#pending.slice(used)
    }
  }

  /** Plain characters up to the next Esc. Each code point is one key. */
  #characters(events: InputEvent[]): number {
    const text = this.#pending
    let at = 0
    while (at < text.length) {
      const code = text.codePointAt(at) ?? 0
      if (code === 0x1b) break
      // A high surrogate at the very end waits for its other half.
      if (code >= 0xd800 && code <= 0xdbff && at === text.length - 1) break
      at += code > 0xffff ? 2 : 1
      if (code < 0x20 || code === 0x7f) {
        const key = controlKey(code)
        if (key !== null) events.push(key)
      } else if (!(code >= 0x80 && code < 0xa0) && !(code >= 0xd800 && code <= 0xdfff) && code !== 0xfffd) {
        events.push(typedKey(String.fromCodePoint(code)))
      }
    }
    return at
  }

  /** One sequence that begins with Esc; 0 when it is not complete yet. */
  #escape(events: InputEvent[]): number {
    const text = this.#pending
    if (text.length < 2) return 0
    const second = text[1] ?? ''
    if (second === '[') return this.#csi(events)
    if (second === 'O') return this.#ss3(events)
    if (second === ']') return this.#string(events, 'osc')
    if (second === 'P' || second === 'X' || second === '^' || second === '_') return this.#string(events, 'dcs')
    if (second === '\u001b') {
      const esc = controlKey(0x1b)
      if (esc !== null) events.push(esc)
      return 1
    }
    const code = text.codePointAt(1) ?? 0
    if (code >= 0xd800 && code <= 0xdbff && text.length < 3) return 0
    if (code < 0x20 || code === 0x7f) {
      const key = controlKey(code)
      if (key !== null) events.push(withMeta(key))
    } else if (!(code >= 0x80 && code < 0xa0) && !(code >= 0xd800 && code <= 0xdfff)) {
      events.push(withMeta(typedKey(String.fromCodePoint(code))))
    }
    return code > 0xffff ? 3 : 2
  }

  #ss3(events: InputEvent[]): number {
    const letter = this.#pending[2]
    if (letter === undefined) return 0
    // Alt+Shift+O followed by another sequence: the Esc starts anew.
    if (letter < ' ') return this.#abandon(events, 2)
    const key = ss3Key(letter)
    if (key !== null) events.push(key)
    return 3
  }

  #csi(events: InputEvent[]): number {
    const text = this.#pending
    // The mouse report of terminals without SGR mode: three raw characters follow. We never ask for it; swallow it.
    if (text[2] === 'M') return text.length < 6 ? 0 : 6
    // The Linux console's function keys: CSI [ A … E.
    if (text[2] === '[') {
      const letter = text[3]
      if (letter === undefined) return 0
      const index = 'ABCDE'.indexOf(letter)
      const key = index >= 0 ? csiKey(String(11 + index), '~') : null
      if (key !== null) events.push(key)
      return 4
    }
    let at = 2
    while (at < text.length && at < REPLY_CAP) {
      const code = text.charCodeAt(at)
      if (code >= 0x40 && code <= 0x7e) break
      // Anything that cannot stand inside a control sequence ends it: drop the torso, look at this character afresh.
      if (code < 0x20 || code > 0x7e) return this.#abandon(events, at)
      at += 1
    }
    if (at >= REPLY_CAP) return at
    if (at >= text.length) return 0
    const body = text.slice(2, at)
    const final = text[at] ?? ''
    this.#complete(events, body, final)
    return at + 1
  }

  /** A sequence broke off. Its two-character start alone is a key with alt; a longer torso says nothing. */
  #abandon(events: InputEvent[], length: number): number {
    if (length === 2) events.push(withMeta(typedKey(this.#pending[1] ?? '')))
    return length
  }

  #complete(events: InputEvent[], body: string, final: string): void {
    if (body === '200' && final === '~') {
      this.#paste = ''
      this.#isPasteCut = false
      return
    }
    if (body === '201' && final === '~') return
    if (body === '' && (final === 'I' || final === 'O')) {
      events.push({ type: 'focus', isFocused: final === 'I' })
      return
    }
    if (body.startsWith('<') && (final === 'M' || final === 'm')) {
      const mouse = mouseOf(body.slice(1), final === 'm')
      if (mouse !== null) events.push(mouse)
      return
    }
    const key = csiKey(body, final)
    events.push(key ?? { type: 'reply', kind: 'csi', body: body + final })
  }

  /** OSC, DCS, APC, PM and SOS run to ST; OSC also to BEL. */
  #string(events: InputEvent[], kind: 'osc' | 'dcs'): number {
    const text = this.#pending
    for (let at = 2; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (code === 0x18 || code === 0x1a) return at + 1
      if (kind === 'osc' && code === 0x07) {
        events.push({ type: 'reply', kind, body: text.slice(2, at).slice(0, REPLY_CAP) })
        return at + 1
      }
      if (code === 0x1b) {
        if (at + 1 >= text.length) return 0
        if (text[at + 1] !== '\\') return this.#abandon(events, at)
        events.push({ type: 'reply', kind, body: text.slice(2, at).slice(0, REPLY_CAP) })
        return at + 2
      }
    }
    // Endless strings must not pile up: what is past the cap would be cut from the reply anyway.
    if (text.length > 2 * REPLY_CAP) {
      this.#pending = text.slice(0, 2 + REPLY_CAP) + (text.endsWith('\u001b') ? '\u001b' : '')
    }
    return 0
  }

  /** True when the end of the paste was found. Keeps back what might be the beginning of the end marker. */
  #drainPaste(events: InputEvent[]): boolean {
    const end = this.#pending.indexOf(PASTE_END)
    if (end >= 0) {
      this.#keepPasted(this.#pending.slice(0, end))
      this.#pending = this.#pending.slice(end + PASTE_END.length)
      events.push(this.#endPaste())
      return true
    }
    let held = 0
    for (let length = Math.min(PASTE_END.length - 1, this.#pending.length); length > 0; length -= 1) {
      if (PASTE_END.startsWith(this.#pending.slice(-length))) {
        held = length
        break
      }
    }
    this.#keepPasted(this.#pending.slice(0, this.#pending.length - held))
    this.#pending = this.#pending.slice(this.#pending.length - held)
    return false
  }

  #keepPasted(text: string): void {
    const have = this.#paste ?? ''
    if (have.length + text.length > PASTE_CAP) this.#isPasteCut = true
    this.#paste = (have + text).slice(0, PASTE_CAP)
  }

  #endPaste(): InputEvent {
    const text = cleanPaste(this.#paste ?? '')
    this.#paste = null
    return { type: 'paste', text, isTruncated: this.#isPasteCut }
  }
}

/** A paste types text: newlines become LF, every other control character but tab goes. */
function cleanPaste(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .toWellFormed()
}

function mouseOf(body: string, isRelease: boolean): MouseInput | null {
  const parts = /^(\d{1,4});(\d{1,6});(\d{1,6})$/.exec(body)
  if (parts === null) return null
  const bits = Number(parts[1])
  const base = {
    type: 'mouse' as const,
    column: Math.max(0, Number(parts[2]) - 1),
    row: Math.max(0, Number(parts[3]) - 1),
    shift: (bits & 4) !== 0,
    meta: (bits & 8) !== 0,
    ctrl: (bits & 16) !== 0,
    count: 1,
  }
  if ((bits & 64) !== 0) {
    const direction = (['up', 'down', 'left', 'right'] as const)[bits & 3] ?? 'up'
    return { ...base, kind: 'wheel', button: 'none', direction }
  }
  const button = (['left', 'middle', 'right', 'none'] as const)[bits & 3] ?? 'none'
  const isMotion = (bits & 32) !== 0
  const kind = isMotion ? (button === 'none' ? 'move' : 'drag') : isRelease ? 'release' : 'press'
  return { ...base, kind, button, direction: null }
}
