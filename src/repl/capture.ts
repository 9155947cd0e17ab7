import { Console } from 'node:console'
import { Writable } from 'node:stream'

/** Most that waits before it is told, and most of one line end to the next that is held. */
const pieceChars = 16_384

/**
 * Everything that the code prints, by the console or by itself, goes to `take`: nothing may reach the terminal, which is
 * somebody else's. Warnings of the engine about itself are let go.
 */
export function captureOutput(take: (text: string) => void): void {
  const write = (chunk: unknown): void => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString()
    for (let at = 0; at < text.length; at += pieceChars) take(text.slice(at, at + pieceChars))
  }
  const sink = () =>
    new Writable({
      decodeStrings: false,
      write: (chunk, _encoding, done) => {
        write(chunk)
        done()
      },
    })
  globalThis.console = new Console({ stdout: sink(), stderr: sink(), colorMode: false }) as typeof console
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = ((chunk: unknown, ...more: unknown[]) => {
      write(chunk)
      const done = more.find((each) => typeof each === 'function') as (() => void) | undefined
      if (done !== undefined) queueMicrotask(done)
      return true
    }) as typeof stream.write
  }
  const emitWarning = process.emitWarning.bind(process) as (...args: unknown[]) => void
  process.emitWarning = ((...args: unknown[]) => {
    if (!args.includes('ExperimentalWarning')) emitWarning(...args)
  }) as typeof process.emitWarning
}
