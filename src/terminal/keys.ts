import type { KeyEvent } from './events.ts'

/** Final letter of `CSI … letter` and `SS3 letter` to key name. */
const byLetter: Record<string, string> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  E: 'begin',
  F: 'end',
  H: 'home',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'tab',
}

/** Number of `CSI number ~` to key name. */
const byNumber: Record<number, string> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
  11: 'f1',
  12: 'f2',
  13: 'f3',
  14: 'f4',
  15: 'f5',
  17: 'f6',
  18: 'f7',
  19: 'f8',
  20: 'f9',
  21: 'f10',
  23: 'f11',
  24: 'f12',
  25: 'f13',
  26: 'f14',
  28: 'f15',
  29: 'f16',
  31: 'f17',
  32: 'f18',
  33: 'f19',
  34: 'f20',
}

/** Keypad letters that terminals in application mode send as `SS3 letter`. */
const keypad: Record<string, string> = {
  j: '*',
  k: '+',
  l: ',',
  m: '-',
  n: '.',
  o: '/',
  p: '0',
  q: '1',
  r: '2',
  s: '3',
  t: '4',
  u: '5',
  v: '6',
  w: '7',
  x: '8',
  y: '9',
}

interface Modifiers {
  readonly ctrl: boolean
  readonly meta: boolean
  readonly shift: boolean
}

const plain: Modifiers = { ctrl: false, meta: false, shift: false }

/** xterm's modifier parameter: 1 + shift 1 + alt 2 + ctrl 4 + super/meta 8 (and more, ignored). */
function modifiersOf(parameter: number | undefined): Modifiers {
  if (parameter === undefined || parameter < 2) return plain
  const bits = parameter - 1
  return { shift: (bits & 1) !== 0, meta: (bits & 2) !== 0, ctrl: (bits & 4) !== 0 }
}

function named(name: string, modifiers: Modifiers = plain): KeyEvent {
  return { type: 'key', name, text: name === 'space' ? ' ' : '', ...modifiers }
}

/** A printable character with no modifier but shift, which the character itself shows. */
export function typedKey(character: string): KeyEvent {
  if (character === ' ') return named('space')
  const lower = character.toLowerCase()
  return {
    type: 'key',
    name: lower,
    text: character,
    ctrl: false,
    meta: false,
    shift: lower !== character && character.toUpperCase() === character,
  }
}

/** A C0 control character (or DEL) to the key that sends it; null for those no key sends. */
export function controlKey(code: number): KeyEvent | null {
  if (code === 0x0d) return named('enter')
  if (code === 0x09) return named('tab')
  if (code === 0x7f || code === 0x08) return named('backspace')
  if (code === 0x1b) return named('esc')
  if (code === 0) return { ...named('space', { ...plain, ctrl: true }), text: '' }
  if (code < 0x1b) return named(String.fromCharCode(code + 0x60), { ...plain, ctrl: true })
  if (code < 0x20) return named(String.fromCharCode(code + 0x40).toLowerCase(), { ...plain, ctrl: true })
  return null
}

/** The same key with alt held. */
export const withMeta = (key: KeyEvent): KeyEvent => ({ ...key, meta: true, text: '' })

/** A code point with a modifier parameter, as kitty's `CSI code;mod u` and xterm's `CSI 27;mod;code ~` send it. */
function codeKey(code: number, modifier: number | undefined): KeyEvent | null {
  const modifiers = modifiersOf(modifier)
  const isHeld = modifiers.ctrl || modifiers.meta
  if (code < 0x20 || code === 0x7f) {
    const key = controlKey(code)
    return key === null ? null : { ...key, ...modifiers, ctrl: key.ctrl || modifiers.ctrl }
  }
  // Kitty's functional keys live in the private use area; those that matter also arrive in the legacy form.
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xf8ff) || (code >= 0x80 && code < 0xa0)) return null
  const character = String.fromCodePoint(code)
  if (character === ' ') return { ...named('space', modifiers), text: isHeld ? '' : ' ' }
  const typed = modifiers.shift ? character.toUpperCase() : character
  const key = typedKey(typed)
  return isHeld ? { ...key, text: '', ...modifiers } : { ...key, shift: key.shift || modifiers.shift }
}

/**
 * A complete `CSI parameters final` to the key it stands for; null when it is none (a reply, an unknown sequence).
 * Knows the legacy xterm and VT forms, modifyOtherKeys and the kitty keyboard protocol's plain presses.
 */
export function csiKey(parameters: string, final: string): KeyEvent | null {
  if (!/^[\d;:]*$/.test(parameters)) return null
  const groups = parameters === '' ? [] : parameters.split(';')
  const numbers = groups.map((group) => Number.parseInt(group.split(':')[0] ?? '', 10))
  // Kitty puts the event type behind a colon: 3 is a release, which types nothing.
  const eventType = groups[1]?.split(':')[1]
  if (eventType === '3') return null
  const modifier = Number.isNaN(numbers[1] ?? Number.NaN) ? undefined : numbers[1]
  if (final === 'u') return numbers[0] === undefined ? null : codeKey(numbers[0], modifier)
  if (final === '~') {
    if (numbers[0] === 27) return numbers[2] === undefined ? null : codeKey(numbers[2], modifier)
    const name = byNumber[numbers[0] ?? -1]
    return name === undefined ? null : named(name, modifiersOf(modifier))
  }
  if (final === 'Z') return named('tab', { ...modifiersOf(modifier), shift: true })
  const name = byLetter[final]
  if (name === undefined) return null
  // `CSI row;column R` is a cursor report, not F3: a key has 1 or nothing in the first place.
  if (numbers[0] !== undefined && numbers[0] !== 1 && !Number.isNaN(numbers[0])) return null
  return named(name, modifiersOf(modifier))
}

/** `SS3 letter` to the key it stands for; null when it is none. */
export function ss3Key(letter: string): KeyEvent | null {
  if (letter === 'M') return named('enter')
  if (letter === 'I') return named('tab')
  const name = byLetter[letter]
  if (name !== undefined) return named(name)
  const typed = keypad[letter]
  return typed === undefined ? null : typedKey(typed)
}
