import type { Hint, Overlay } from '../snapshot.ts'

/** Something that may lie over the screen and take its keys. */
export interface Layer {
  readonly isOpen: boolean
  key(chord: string, text: string): void
  /** Pasted text, as it is: line ends in it run nothing. */
  paste(text: string): void
  /** What its keys do. */
  hints(): readonly Hint[]
  /** What it draws over the panes; null where it draws elsewhere. */
  overlay(): Overlay | null
}

/** `Tab next, Esc cancel` as hints. */
export function hintsOf(text: string): readonly Hint[] {
  return text.split(', ').map((pair): Hint => {
    const [key = '', ...words] = pair.split(' ')
    return { key, text: words.join(' '), isDisabled: false }
  })
}
