import type { Host } from '../types.ts'
import { failed, lost, TransferError } from './errors.ts'
import { openStream } from './stream.ts'

export interface SendOptions {
  readonly signal: AbortSignal
  /** Default 60. */
  readonly silenceSeconds?: number
  /** Bytes that the link took. */
  readonly onBytes?: (bytes: number) => void
}

export interface Sent {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const mostSaidBytes = 4096

/**
 * Runs a program there that reads what `content` gives, and says how it ended. Held back where the link is slower than
 * the disk; a link that takes nothing for too long is lost.
 *
 * @throws TransferError, or the reason of the signal
 */
export async function sendTo(
  host: Host,
  argv: readonly string[],
  content: AsyncIterable<Uint8Array>,
  { signal, silenceSeconds = 60, onBytes }: SendOptions,
): Promise<Sent> {
  signal.throwIfAborted()
  let stdout = ''
  let stderr = ''
  const stream = await openStream(host, argv, {
    startSeconds: 60,
    onStdout: (chunk) => {
      stdout = (stdout + Buffer.from(chunk).toString('utf8')).slice(0, mostSaidBytes)
    },
    onStderr: (chunk) => {
      stderr = (stderr + Buffer.from(chunk).toString('utf8')).slice(-mostSaidBytes)
    },
  })
  let isOver = false
  void stream.ending.then(() => {
    isOver = true
  })
  const bounded = async <T>(work: Promise<T>, seconds: number): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const { promise, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(lost('given up'))
    signal.addEventListener('abort', onAbort, { once: true })
    timer = setTimeout(() => reject(lost(`nothing moved for ${seconds} seconds`)), seconds * 1000)
    try {
      return await Promise.race([work, promise])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
  try {
    for await (const chunk of content) {
      signal.throwIfAborted()
      // It ended by itself: what it said tells why, and the rest is not wanted.
      if (isOver) break
      if (!stream.write(chunk)) await bounded(stream.drained(), silenceSeconds)
      onBytes?.(chunk.byteLength)
    }
    stream.endInput()
    // Syncing and hashing what came may take longer than a silence on the way.
    const ending = await bounded(stream.ending, 10 * silenceSeconds)
    if (ending.kind === 'unknown') throw lost(ending.reason)
    if (ending.kind === 'signalled') throw failed(`what takes it there was ended by ${ending.signal}`)
    return { code: ending.code, stdout, stderr }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof TransferError) throw error
    throw failed(error instanceof Error ? error.message : String(error), error)
  } finally {
    stream.close()
  }
}
