import { createInflateRaw } from 'node:zlib'
import { Broken } from './kit.ts'

/**
 * Inflates a raw deflate stream in bounded memory and tells where it ended. The caller's `onData` may throw to stop
 * (a size beyond what was declared, for instance).
 */
export async function inflateRaw(
  source: AsyncIterable<Uint8Array>,
  onData: (piece: Uint8Array) => void,
): Promise<{ readonly consumedBytes: number; readonly producedBytes: number }> {
  const engine = createInflateRaw({ chunkSize: 65_536 })
  let producedBytes = 0
  let isDone = false
  const reading = (async () => {
    for await (const piece of engine as AsyncIterable<Uint8Array>) {
      producedBytes += piece.length
      onData(piece)
    }
  })()
  const settled = reading.then(
    () => {
      isDone = true
    },
    () => {
      isDone = true
    },
  )
  try {
    for await (const piece of source) {
      if (isDone) break
      if (!engine.write(piece)) await Promise.race([new Promise((resolve) => engine.once('drain', resolve)), settled])
      if (isDone) break
    }
    if (!isDone) engine.end()
    await reading
    return { consumedBytes: engine.bytesWritten, producedBytes }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    if (code.startsWith('Z_')) throw new Broken('the compressed stream is damaged or ends too early')
    throw error
  } finally {
    engine.destroy()
    await settled
  }
}
