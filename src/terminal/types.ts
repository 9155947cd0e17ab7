import type { Capabilities } from './capabilities.ts'
import type { CopyResult, CopyWay } from './clipboard.ts'
import type { CursorPosition, FocusInput, KeyEvent, MouseInput, PasteInput, TerminalSize } from './events.ts'
import type { FrameSink } from './sink.ts'
import type { TtyInput, TtyOutput } from './tty.ts'
import type { WriterStats } from './writer.ts'

export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT'

export interface TerminalOptions {
  readonly stdin: TtyInput
  readonly stdout: TtyOutput
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onKey: (key: KeyEvent) => void
  readonly onMouse?: (mouse: MouseInput) => void
  readonly onPaste?: (paste: PasteInput) => void
  readonly onFocus?: (focus: FocusInput) => void
  /** The terminal told more about itself: synchronized output, background. At most a few times, soon after the start. */
  readonly onCapabilities?: (capabilities: Capabilities) => void
  /** A signal asks kx to end. The terminal is restored already. Without this the process dies of the signal. */
  readonly onSignal?: (signal: EndSignal) => void
  /** The terminal is gone (EPIPE, EIO, hang-up). Nothing is drawn any more; the process goes on until told otherwise. */
  readonly onDetach?: (reason: string) => void
  /** How long a lone Esc waits for the rest of a sequence; longer over a slow link. */
  readonly escTimeoutMs?: number
  /** Overrides of what would be detected, from configuration. */
  readonly capabilities?: Partial<Capabilities>
  /** Starts with the mouse captured; default true when `onMouse` is given. */
  readonly hasMouse?: boolean
  /** Where a copied text goes that no clipboard takes. */
  readonly copyFolder?: string
}

export interface TerminalStats extends WriterStats {
  readonly droppedChunks: number
  readonly isDetached: boolean
}

/** What draws: asked to flush before a resized frame is painted, and (cure A only) to draw itself anew. */
export interface Renderer {
  readonly flush: () => Promise<void>
  readonly redraw?: () => void
}

export interface Terminal {
  readonly sink: FrameSink
  readonly inkStdin: NodeJS.ReadStream
  readonly capabilities: Capabilities
  /** Which cure of handbook terminal 3 draws: our writer, or Ink itself (`KX_RENDERER=ink`). */
  readonly renderer: 'writer' | 'ink'
  size(): TerminalSize
  /** Where the text cursor shows; null hides it. */
  setCursor(position: CursorPosition | null): void
  /** Ctrl-L: modes asserted anew, size read anew, everything painted. Never held back. */
  forceRepaint(): void
  /** Hands the terminal to `action` (an editor, a pager), then takes it back and repaints. */
  release<T>(action: () => Promise<T> | T): Promise<T>
  /** Ctrl-Z: restores the terminal, stops this process with its group, and comes back when it is continued. */
  suspend(): void
  setMouse(isOn: boolean): void
  /** How long a lone Esc waits for the rest of a sequence, from now on. */
  setEscTimeout(milliseconds: number): void
  /** How texts are copied from now on. */
  setClipboard(way: CopyWay): void
  /** Rings the terminal's bell. */
  bell(): void
  /** Draws nothing outside ASCII from now on, or again. */
  setAscii(isAscii: boolean): void
  copy(text: string): Promise<CopyResult>
  stats(): TerminalStats
  /** Called by `mountInk`. */
  attach(renderer: Renderer): void
  /** Restores the terminal and lets go of it. Idempotent; also runs on exit, crash and signals. */
  close(): void
}
