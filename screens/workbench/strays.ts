import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { sanitise } from '../../src/text/sanitise.ts'

/** Kept small: it is for the person who looks into a fault, not a log of events. */
const maxBytes = 256 * 1024

/**
 * Keeps stray writes off the screen: warnings of Node and of libraries go to stderr, which is the same terminal, and would
 * scroll or overwrite what is drawn. They go to `strays.log` in the user's state folder instead, masked. Returns how to undo it.
 */
export function catchStrays(stateFolder: string, mask: (text: string) => string): () => void {
  const file = join(stateFolder, 'strays.log')
  const write = process.stderr.write
  let bytes = 0
  const keep = (chunk: unknown): void => {
    const text = mask(
      sanitise(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : String(chunk), { allowSgr: false }),
    )
    bytes += text.length
    if (bytes > maxBytes) return
    try {
      appendFileSync(file, text, { mode: 0o600 })
    } catch {
      // There is nowhere left to say it; what is drawn matters more.
    }
  }
  process.stderr.write = ((chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    keep(chunk)
    const done = typeof encoding === 'function' ? encoding : callback
    if (typeof done === 'function') queueMicrotask(() => (done as () => void)())
    return true
  }) as typeof process.stderr.write
  const consoles = ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const
  const before = consoles.map((name) => console[name])
  for (const name of consoles) console[name] = (...args: unknown[]) => keep(`${args.map(String).join(' ')}\n`)
  return () => {
    process.stderr.write = write
    consoles.forEach((name, i) => {
      console[name] = before[i] as typeof console.log
    })
  }
}
