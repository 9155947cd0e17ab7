/** The terminal modes kx switches, declared once: what enters each and what undoes it. */
interface Mode {
  readonly enter: string
  readonly restore: string
}

const ESC = '\u001b'

export const modes = {
  alternateScreen: { enter: `${ESC}[?1049h`, restore: `${ESC}[?1049l` },
  /** Auto-wrap off: a width mistake damages its own row only (handbook terminal 3.4). */
  noAutoWrap: { enter: `${ESC}[?7l`, restore: `${ESC}[?7h` },
  hiddenCursor: { enter: `${ESC}[?25l`, restore: `${ESC}[?25h` },
  focusReports: { enter: `${ESC}[?1004h`, restore: `${ESC}[?1004l` },
  bracketedPaste: { enter: `${ESC}[?2004h`, restore: `${ESC}[?2004l` },
  /** Press, release and wheel in SGR form; no motion, so an idle mouse sends nothing. */
  mouse: { enter: `${ESC}[?1000h${ESC}[?1006h`, restore: `${ESC}[?1006l${ESC}[?1000l` },
} as const satisfies Record<string, Mode>

export type ModeName = keyof typeof modes

/** Ends a frame that was cut in the middle, then drops colours: safe to send in any state. */
const CALM = `${ESC}[?2026l${ESC}[0m`
const order: readonly ModeName[] = [
  'alternateScreen',
  'noAutoWrap',
  'hiddenCursor',
  'focusReports',
  'bracketedPaste',
  'mouse',
]

/** Remembers which modes are wanted and whether they are in force. Returns bytes; writes nothing itself. */
export class TerminalModes {
  #wanted: Set<ModeName>
  #isEntered = false

  constructor(hasMouse: boolean) {
    this.#wanted = new Set(order.filter((name) => hasMouse || name !== 'mouse'))
  }

  get isEntered(): boolean {
    return this.#isEntered
  }

  /** Bytes that put every wanted mode in force. May be sent again at any time to re-assert them. */
  enter(): string {
    this.#isEntered = true
    return order
      .filter((name) => this.#wanted.has(name))
      .map((name) => modes[name].enter)
      .join('')
  }

  /** Bytes that undo all of them, newest first; empty when nothing is in force, so that every exit path may ask. */
  restore(): string {
    if (!this.#isEntered) return ''
    this.#isEntered = false
    return (
      CALM +
      order
        .filter((name) => this.#wanted.has(name))
        .map((name) => modes[name].restore)
        .reverse()
        .join('')
    )
  }

  /** The terminal is gone: there is nothing to restore. */
  forget(): void {
    this.#isEntered = false
  }

  /** Wants or unwants one mode; the bytes to send now, empty when nothing is in force or nothing changes. */
  set(name: ModeName, isOn: boolean): string {
    if (this.#wanted.has(name) === isOn) return ''
    if (isOn) this.#wanted.add(name)
    else this.#wanted.delete(name)
    if (!this.#isEntered) return ''
    return isOn ? modes[name].enter : modes[name].restore
  }
}
