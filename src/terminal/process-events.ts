import type { EndSignal } from './types.ts'

const endSignals: readonly EndSignal[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']

/** What a session does when the process is told something. Each must be the same function for as long as it listens. */
export interface ProcessHandlers {
  readonly onEnd: (signal: NodeJS.Signals) => void
  readonly onContinue: () => void
  readonly onStop: () => void
  readonly onResize: () => void
  readonly onExit: () => void
}

/** Signals and ends of this process, listened for and let go of together. */
export class ProcessEvents {
  readonly #handlers: ProcessHandlers

  constructor(handlers: ProcessHandlers) {
    this.#handlers = handlers
  }

  listen(): void {
    const { onEnd, onContinue, onStop, onResize, onExit } = this.#handlers
    for (const signal of endSignals) process.on(signal, onEnd)
    process.on('SIGCONT', onContinue)
    process.on('SIGTSTP', onStop)
    // Node announces a resize only when the size differs; a tmux re-attach may end with the same one.
    process.on('SIGWINCH', onResize)
    process.on('exit', onExit)
    process.on('uncaughtExceptionMonitor', onExit)
  }

  /** The next SIGTSTP does what the kernel does by default: our own listener would swallow it. */
  letStop(): void {
    process.off('SIGTSTP', this.#handlers.onStop)
  }

  hearStop(): void {
    process.on('SIGTSTP', this.#handlers.onStop)
  }

  /** Listens for the ends again where it was let go of. */
  hearEnds(): void {
    const { onEnd } = this.#handlers
    for (const each of endSignals) if (!process.listeners(each).includes(onEnd)) process.on(each, onEnd)
  }

  close(): void {
    const { onEnd, onContinue, onStop, onResize, onExit } = this.#handlers
    for (const signal of endSignals) process.off(signal, onEnd)
    process.off('SIGCONT', onContinue)
    process.off('SIGTSTP', onStop)
    process.off('SIGWINCH', onResize)
    process.off('exit', onExit)
    process.off('uncaughtExceptionMonitor', onExit)
  }
}
