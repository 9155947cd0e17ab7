import { toAscii } from '../text/ascii.ts'
import { type Capabilities, capabilitiesFromEnv, capabilitiesFromReply, isLastReply, QUERIES } from './capabilities.ts'
import { type CopyResult, type CopyWay, copyText } from './clipboard.ts'
import type {
  CursorPosition,
  FocusInput,
  KeyEvent,
  MouseInput,
  PasteInput,
  TerminalReply,
  TerminalSize,
} from './events.ts'
import { silentStdin } from './ink-stdin.ts'
import { InputSource } from './input-source.ts'
import { TerminalModes } from './modes.ts'
import { RepaintLimiter, Settler, watchClock } from './repaint.ts'
import { FrameSink } from './sink.ts'
import { setBlocking, sizeOf, type TtyInput, type TtyOutput, writeLast } from './tty.ts'
import { clusterWidth } from './width.ts'
import { FrameWriter, type WriterStats } from './writer.ts'

export { mountInk } from './mount.ts'

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

/** A lone Esc waits this long by default (handbook terminal 8.1). */
const ESC_TIMEOUT_MS = 30
/** Without a stop within this time the kernel ignored the request: there is no shell to come back from. */
const SUSPEND_GRACE_MS = 300
const DRAIN_MS = 500
const endSignals: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** Takes the terminal: modes, raw input, our writer behind a stand-in for stdout. Synchronous; asks no network. */
export function openTerminal(options: TerminalOptions): Terminal {
  return new Session(options)
}

type State = 'open' | 'released' | 'suspended' | 'closed'

class Session implements Terminal {
  readonly sink: FrameSink
  readonly inkStdin = silentStdin()
  readonly renderer: 'writer' | 'ink'
  #options: TerminalOptions
  #state: State = 'open'
  #isDetached = false
  #isAscii = false
  #copyWay: CopyWay = 'auto'
  #capabilities: Capabilities
  #modes: TerminalModes
  #writer: FrameWriter
  #input: InputSource
  #limiter: RepaintLimiter
  #settler: Settler
  #stopClock: () => void
  #attached: Renderer | null = null
  #isResizing = false
  #resizeCount = 0
  #graceTimer: NodeJS.Timeout | null = null

  constructor(options: TerminalOptions) {
    this.#options = options
    const { stdin, stdout, env } = options
    this.renderer = env.KX_RENDERER === 'ink' ? 'ink' : 'writer'
    this.#capabilities = { ...capabilitiesFromEnv(env), ...options.capabilities }
    const size = sizeOf(stdout)
    this.#writer = new FrameWriter({ target: stdout, size, colorDepth: this.#capabilities.colorDepth })
    this.sink = new FrameSink(
      size,
      this.renderer === 'ink'
        ? this.#passThrough
        : (frame) => this.#writer.accept(this.#isAscii ? toAscii(frame, clusterWidth) : frame),
    )
    if (this.renderer === 'ink') this.sink.keepControls = true
    const { onMouse, onPaste } = options
    this.#modes = new TerminalModes(onMouse !== undefined && options.hasMouse !== false)
    this.#input = new InputSource(
      stdin,
      { onKey: options.onKey, onMouse, onPaste, onFocus: this.#onFocus, onReply: this.#onReply, onGone: this.#detach },
      options.escTimeoutMs ?? ESC_TIMEOUT_MS,
    )
    this.#limiter = new RepaintLimiter(() => this.#repaint())
    this.#settler = new Settler(() => void this.#settle())
    this.#stopClock = watchClock(() => this.#onContinue())
    this.#listen()
    // A terminal that was closed before in this process let go of the event loop.
    stdin.ref?.()
    this.#take()
    this.#writer.control(QUERIES)
  }

  get capabilities(): Capabilities {
    return this.#capabilities
  }

  size(): TerminalSize {
    return { columns: this.sink.columns, rows: this.sink.rows }
  }

  setCursor(position: CursorPosition | null): void {
    this.#writer.setCursor(position)
  }

  forceRepaint(): void {
    if (this.#state !== 'open') return
    this.#writer.control(this.#modes.enter())
    this.#limiter.demand()
  }

  setAscii(isAscii: boolean): void {
    this.#isAscii = isAscii
  }

  setMouse(isOn: boolean): void {
    this.#writer.control(this.#modes.set('mouse', isOn))
  }

  setEscTimeout(milliseconds: number): void {
    this.#input.setEscTimeout(milliseconds)
  }

  setClipboard(way: CopyWay): void {
    this.#copyWay = way
  }

  bell(): void {
    if (this.#state === 'open') this.#writer.control('\u0007')
  }

  copy(text: string): Promise<CopyResult> {
    const { env, copyFolder } = this.#options
    const send = (bytes: string) => this.#writer.control(bytes)
    const way = this.#copyWay
    return copyText(text, copyFolder === undefined ? { env, send, way } : { env, send, way, folder: copyFolder })
  }

  stats(): TerminalStats {
    return { ...this.#writer.stats, droppedChunks: this.sink.droppedChunks, isDetached: this.#isDetached }
  }

  attach(renderer: Renderer): void {
    this.#attached = renderer
    // The first frame is there already; nothing is gained by letting it wait for its turn.
    this.#writer.paint()
  }

  async release<T>(action: () => Promise<T> | T): Promise<T> {
    if (this.#state !== 'open') throw new Error(`The terminal cannot be handed over: it is ${this.#state}.`)
    this.#state = 'released'
    await this.#drained()
    this.#give()
    try {
      return await action()
    } finally {
      if (this.#state === 'released') this.#comeBack()
    }
  }

  suspend(): void {
    if (this.#state !== 'open') return
    this.#state = 'suspended'
    this.#give()
    this.#graceTimer = setTimeout(() => this.#resume(), SUSPEND_GRACE_MS)
    // Our own listener would swallow the signal; the kernel's default action is what stops us.
    process.off('SIGTSTP', this.#onStop)
    // The whole foreground group, as the terminal itself would: npm and sh that wait for us must stop too, or the shell
    // never gets its turn. What must go on (boxes, kept shells) has a group of its own.
    process.kill(0, 'SIGTSTP')
  }

  close(): void {
    if (this.#state === 'closed') return
    const isOurs = this.#state === 'open'
    this.#state = 'closed'
    this.#stopClock()
    this.#limiter.close()
    this.#settler.close()
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer)
    this.#writer.close()
    if (isOurs) this.#give()
    this.#options.stdin.unref?.()
    for (const signal of endSignals) process.off(signal, this.#onEnd)
    process.off('SIGCONT', this.#onContinue)
    process.off('SIGTSTP', this.#onStop)
    process.off('SIGWINCH', this.#onResize)
    process.off('exit', this.#onExit)
    process.off('uncaughtExceptionMonitor', this.#onExit)
    this.#options.stdout.off('resize', this.#onResize)
  }

  #listen(): void {
    for (const signal of endSignals) process.on(signal, this.#onEnd)
    process.on('SIGCONT', this.#onContinue)
    process.on('SIGTSTP', this.#onStop)
    // Node announces a resize only when the size differs; a tmux re-attach may end with the same one.
    process.on('SIGWINCH', this.#onResize)
    process.on('exit', this.#onExit)
    process.on('uncaughtExceptionMonitor', this.#onExit)
    this.#options.stdout.on('resize', this.#onResize)
    // Stays for the life of the process: a late EPIPE must not become a crash.
    this.#options.stdout.on('error', (error: Error) => this.#detach(`writing to the terminal failed: ${error.message}`))
  }

  /** Modes and raw input in force; also asserts them anew. */
  #take(): void {
    setBlocking(this.#options.stdout, false)
    this.#input.start()
    this.#writer.control(this.#modes.enter())
  }

  /** The terminal as it was before us. The writer is held until it is taken again. */
  #give(): void {
    this.#writer.hold()
    this.#input.stop()
    setBlocking(this.#options.stdout, true)
    writeLast(this.#options.stdout, this.#modes.restore())
  }

  #comeBack(): void {
    this.#state = 'open'
    this.#take()
    this.#writer.resume()
    this.#onResize()
  }

  #resume(): void {
    if (this.#state !== 'suspended') return
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer)
    this.#graceTimer = null
    process.on('SIGTSTP', this.#onStop)
    this.#comeBack()
  }

  #drained(): Promise<void> {
    const { stdout } = this.#options
    if ((stdout.writableLength ?? 0) === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, DRAIN_MS)
      stdout.once('drain', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #repaint(): void {
    if (this.#state !== 'open' || this.#isDetached) return
    const size = sizeOf(this.#options.stdout)
    if (size.columns !== this.sink.columns || size.rows !== this.sink.rows) {
      this.#onResize()
      return
    }
    if (this.#attached?.redraw !== undefined) this.#attached.redraw()
    else {
      this.#writer.force()
      this.#writer.paint()
    }
  }

  /** Painting stops until the size has been quiet; frames that Ink makes meanwhile only replace each other. */
  #onResize = (): void => {
    if (this.#state === 'closed' || this.#isDetached) return
    this.#resizeCount += 1
    if (!this.#isResizing) {
      this.#isResizing = true
      this.#writer.hold()
    }
    this.#settler.signal()
  }

  async #settle(): Promise<void> {
    const mine = this.#resizeCount
    const size = sizeOf(this.#options.stdout)
    if (size.columns !== this.sink.columns || size.rows !== this.sink.rows) {
      this.sink.setSize(size)
      await this.#attached?.flush()
    }
    // A newer signal came meanwhile: its own settling paints.
    if (mine !== this.#resizeCount || this.#state === 'closed') return
    this.#isResizing = false
    this.#writer.resize(size)
    this.#writer.resume()
    this.#limiter.note()
    if (this.#state !== 'open') return
    if (this.#attached?.redraw !== undefined) this.#attached.redraw()
    else this.#writer.paint()
  }

  /** Frames of cure A: Ink's own bytes, except while somebody else owns the terminal. */
  #passThrough = (bytes: string): void => {
    if (this.#state === 'open' && !this.#isDetached) this.#writer.control(bytes)
  }

  #onFocus = (focus: FocusInput): void => {
    if (focus.isFocused) this.#limiter.focusIn()
    this.#options.onFocus?.(focus)
  }

  #onReply = (reply: TerminalReply): void => {
    if (isLastReply(reply)) return
    const more = capabilitiesFromReply(reply)
    if (more === null) return
    this.#capabilities = { ...this.#capabilities, ...more, ...this.#options.capabilities }
    this.#writer.setSync(this.#capabilities.sync)
    this.#options.onCapabilities?.(this.#capabilities)
  }

  /** Continued after a stop, or woken after sleep: whoever was here meanwhile may have changed every mode. */
  #onContinue = (): void => {
    if (this.#state === 'suspended') this.#resume()
    else if (this.#state === 'open' && !this.#isDetached) {
      this.#take()
      this.#limiter.request()
    }
  }

  #onStop = (): void => this.suspend()

  #onEnd = (signal: NodeJS.Signals): void => {
    // Ctrl-C in an editor reaches us too; it is meant for the editor.
    if ((signal === 'SIGINT' || signal === 'SIGQUIT') && this.#state === 'released') return
    this.close()
    if (signal === 'SIGHUP') this.#noteGone('the terminal hung up')
    const { onSignal } = this.#options
    if (onSignal === undefined) {
      process.kill(process.pid, signal)
      return
    }
    // Ink's own exit hook kills the process when it finds itself the only listener left: stay one.
    for (const each of endSignals) if (!process.listeners(each).includes(this.#onEnd)) process.on(each, this.#onEnd)
    onSignal(signal as EndSignal)
  }

  #onExit = (): void => this.close()

  #detach = (reason: string): void => {
    if (this.#isDetached || this.#state === 'closed') return
    this.#modes.forget()
    this.#writer.close()
    this.#input.stop()
    this.#stopClock()
    this.#settler.close()
    this.#limiter.close()
    this.#noteGone(reason)
  }

  #noteGone(reason: string): void {
    if (this.#isDetached) return
    this.#isDetached = true
    this.#options.onDetach?.(reason)
  }
}
