/** What a person does at the terminal, decoded once. Everything above this room hears these and never sees an escape sequence. */

/**
 * One key press.
 *
 * `name` is the printable character in lower case, or one of: `enter`, `tab`, `backspace`, `delete`, `insert`, `esc`,
 * `space`, `up`, `down`, `left`, `right`, `home`, `end`, `pageup`, `pagedown`, `f1` … `f24`.
 * `text` is what a text field should insert, empty when the key types nothing.
 */
export interface KeyEvent {
  readonly type: 'key'
  readonly name: string
  readonly text: string
  readonly ctrl: boolean
  readonly meta: boolean
  readonly shift: boolean
}

/** One mouse report. Column and row count from 0. Wheel reports in one direction that arrive together are added up in `count`. */
export interface MouseInput {
  readonly type: 'mouse'
  readonly kind: 'press' | 'release' | 'drag' | 'move' | 'wheel'
  readonly button: 'left' | 'middle' | 'right' | 'none'
  readonly direction: 'up' | 'down' | 'left' | 'right' | null
  readonly count: number
  readonly column: number
  readonly row: number
  readonly ctrl: boolean
  readonly meta: boolean
  readonly shift: boolean
}

/** One bracketed paste: printable text, newlines and tabs only. `isTruncated` when it was longer than the cap or never ended. */
export interface PasteInput {
  readonly type: 'paste'
  readonly text: string
  readonly isTruncated: boolean
}

export interface FocusInput {
  readonly type: 'focus'
  readonly isFocused: boolean
}

/** An answer of the terminal to a query; never a key. `body` is what stood between introducer and terminator. */
export interface TerminalReply {
  readonly type: 'reply'
  readonly kind: 'csi' | 'osc' | 'dcs'
  readonly body: string
}

export type InputEvent = KeyEvent | MouseInput | PasteInput | FocusInput | TerminalReply

/** Size in cells. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** Where the cursor should stand, counted from 0. */
export interface CursorPosition {
  readonly column: number
  readonly row: number
}

/**
 * The chord of a key as key bindings write it: `g`, `G`, `ctrl+l`, `alt+x`, `shift+tab`, `enter`, `f5`, `space`.
 * Shift is spelled out only where the typed character does not already show it.
 */
export function chordOf(key: KeyEvent): string {
  const isTyped = key.text !== '' && key.name !== 'space'
  const base = isTyped ? key.text : key.name
  const shift = key.shift && !isTyped ? 'shift+' : ''
  return `${key.ctrl ? 'ctrl+' : ''}${key.meta ? 'alt+' : ''}${shift}${base}`
}
