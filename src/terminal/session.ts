import { toAscii } from '../text/ascii.ts'
import { type Capabilities, capabilitiesFromEnv, capabilitiesFromReply, isLastReply, QUERIES } from './capabilities.ts'
import { type CopyResult, type CopyWay, copyText } from './clipboard.ts'
import type { CursorPosition, FocusInput, TerminalReply, TerminalSize } from './events.ts'
import { silentStdin } from './ink-stdin.ts'
import { InputSource } from './input-source.ts'
import { TerminalModes } from './modes.ts'
import { ProcessEvents } from './process-events.ts'
import { RepaintLimiter, watchClock } from './repaint.ts'
import { Resizing } from './resizing.ts'
import { FrameSink } from './sink.ts'
import { drained, setBlocking, sizeOf, writeLast } from './tty.ts'
import type { EndSignal, Renderer, Terminal, TerminalOptions, TerminalStats } from './types.ts'
import { clusterWidth } from './width.ts'
import { FrameWriter } from './writer.ts'

export { mountInk } from './mount.ts'
export type { EndSignal, Renderer, Terminal, TerminalOptions, TerminalStats } from './types.ts'

/** A lone Esc waits this long by default (handbook terminal 8.1). */
const ESC_TIMEOUT_MS = 30
/** Without a stop within this time the kernel ignored the request: there is no shell to come back from. */
const SUSPEND_GRACE_MS = 300
const DRAIN_MS = 500

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
  #resizing: Resizing
  #events: ProcessEvents
  #stopClock: () => void
  #attached: Renderer | null = null
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
    this.#resizing = new Resizing({
      sink: this.sink,
      writer: this.#writer,
      sizeNow: () => sizeOf(stdout),
      flush: () => this.#attached?.flush(),
      onSettled: () => this.#onSettled(),
    })
    this.#stopClock = watchClock(() => this.#onContinue())
    this.#events = new ProcessEvents({
      onEnd: this.#onEnd,
      onContinue: this.#onContinue,
      onStop: () => this.suspend(),
      onResize: this.#onResize,
      onExit: () => this.close(),
    })
    this.#events.listen()
    stdout.on('resize', this.#onResize)
    // Stays for the life of the process: a late EPIPE must not become a crash.
    stdout.on('error', (error: Error) => this.#detach(`writing to the terminal failed: ${error.message}`))
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
    await drained(this.#options.stdout, DRAIN_MS)
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
    this.#events.letStop()
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
    this.#resizing.close(true)
    if (this.#graceTimer !== null) clearTimeout(this.#graceTimer)
    this.#writer.close()
    if (isOurs) this.#give()
    this.#options.stdin.unref?.()
    this.#events.close()
    this.#options.stdout.off('resize', this.#onResize)
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
    this.#events.hearStop()
    this.#comeBack()
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

  #onResize = (): void => {
    if (this.#state !== 'closed' && !this.#isDetached) this.#resizing.signal()
  }

  #onSettled(): void {
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
    this.#events.hearEnds()
    onSignal(signal as EndSignal)
  }

  #detach = (reason: string): void => {
    if (this.#isDetached || this.#state === 'closed') return
    this.#modes.forget()
    this.#writer.close()
    this.#input.stop()
    this.#stopClock()
    this.#resizing.close(false)
    this.#limiter.close()
    this.#noteGone(reason)
  }

  #noteGone(reason: string): void {
    if (this.#isDetached) return
    this.#isDetached = true
    this.#options.onDetach?.(reason)
  }
}
