import { checkPath } from '../local-files.ts'
import type { Host } from '../types.ts'
import { changed, gone, lost, TransferError } from './errors.ts'
import { Lane } from './lane.ts'
import { type Reading, readingFor, roundTripMs } from './link-speed.ts'
import { hasStreams } from './stream.ts'

const mib = 1024 * 1024
/** Long enough that starting a dd for it costs nothing, short enough that the stripes of all lanes fit in memory. */
const stripeMiB = 4
/** A server that takes few channels is not told from a slow one: after so long one stream has to do. */
const laneSeconds = 5
/** Handed over at once, so that a write to the disk is worth its while. */
const pieceBytes = mib

export interface RangeOptions {
  readonly signal: AbortSignal
  /** Without a byte for so long the read has failed. Default 60. */
  readonly silenceSeconds?: number
  /** Of the pieces that a host without streams is asked for. Default 1 MiB. */
  readonly chunkBytes?: number
  /** Streams side by side; default: by the round trip of the link. */
  readonly lanes?: number
}

/** Takes the next bytes of the range, always in order; the read goes on when it resolves. */
export type Sink = (chunks: readonly Uint8Array[], bytes: number) => Promise<void>

/**
 * Bytes `from` to `to` of a file of the host, in order. Streams where the host has them, several side by side on a far
 * link; else pieces. An early end, a silence and a lost link are errors: what was handed over by then is right as far as
 * the link is, and is the beginning of the range.
 *
 * @throws TransferError, or the reason of the signal
 */
export async function readRange(
  host: Host,
  path: string,
  from: number,
  to: number,
  sink: Sink,
  options: RangeOptions,
): Promise<void> {
  checkPath(path)
  if (from >= to) return
  if (!hasStreams(host)) return readPieces(host, path, from, to, sink, options)
  const reading = readingFor(await roundTripMs(host), host.kind)
  const lanes = Math.max(1, Math.min(options.lanes ?? reading.lanes, Math.ceil((to - from) / (stripeMiB * mib))))
  await readStreams(host, path, from, to, sink, options, { ...reading, lanes })
}

async function readPieces(
  host: Host,
  path: string,
  from: number,
  to: number,
  sink: Sink,
  options: RangeOptions,
): Promise<void> {
  const seconds = options.silenceSeconds ?? 60
  for (let at = from; at < to; ) {
    options.signal.throwIfAborted()
    const length = Math.min(options.chunkBytes ?? pieceBytes, to - at)
    const piece = await withDeadline(host.read(path, at, length), seconds)
    if (piece === null) throw gone('the file went away while it was read')
    if (piece.length === 0) throw changed('the file became shorter while it was read')
    if (piece.length > length) throw changed('more bytes came than were asked for')
    await sink([piece], piece.length)
    at += piece.length
  }
}

function withDeadline<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(lost(`no answer within ${seconds} seconds`)), seconds * 1000)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function openLanes(
  host: Host,
  path: string,
  from: number,
  to: number,
  { lanes: count, windowBytes }: Reading,
): Promise<readonly Lane[]> {
  const totalMiB = Math.ceil((to - from) / mib)
  const stripes = Math.ceil(totalMiB / stripeMiB)
  const opening = Array.from({ length: count }, (_, lane) =>
    Lane.open(
      host,
      count === 1
        ? { path, from, windowBytes, beforeMiB: 0, stripeMiB: totalMiB, betweenMiB: 0, stripes: 1 }
        : {
            path,
            from,
            windowBytes,
            beforeMiB: lane * stripeMiB,
            stripeMiB,
            betweenMiB: (count - 1) * stripeMiB,
            stripes: Math.ceil((stripes - lane) / count),
          },
      // With several, one that waits for a channel would hold up the others for ever.
      count === 1 ? 60 : laneSeconds,
    ),
  )
  const opened = await Promise.allSettled(opening)
  const lanes = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (lanes.length === count) return lanes
  for (const lane of lanes) lane.close()
  if (count > 1) return openLanes(host, path, from, to, { lanes: 1, windowBytes })
  throw (opened[0] as PromiseRejectedResult).reason
}

async function readStreams(
  host: Host,
  path: string,
  from: number,
  to: number,
  sink: Sink,
  options: RangeOptions,
  reading: Reading,
): Promise<void> {
  const { signal } = options
  signal.throwIfAborted()
  const begin = from - (from % 4096)
  const lanes = await openLanes(host, path, begin, to, reading)
  const stripeBytes = lanes.length === 1 ? to - begin : stripeMiB * mib
  const silence = new Silence(options.silenceSeconds ?? 60, (error) => {
    for (const lane of lanes) lane.fail(error)
  })
  const onAbort = () => {
    for (const lane of lanes) lane.fail(lost('given up'))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  let chunks: Uint8Array[] = []
  let bytes = 0
  const hand = async () => {
    const [piece, length] = [chunks, bytes]
    chunks = []
    bytes = 0
    if (length > 0) await sink(piece, length)
  }
  try {
    let skip = from - begin
    for (let at = begin, stripe = 0; at < to; stripe += 1) {
      const lane = lanes[stripe % lanes.length] as Lane
      for (const end = Math.min(to, at + stripeBytes); at < end; ) {
        const chunk = lane.next(end - at)
        if (chunk === null) {
          await silence.watch(lane.waited())
          continue
        }
        at += chunk.byteLength
        const used = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.byteLength))
        skip -= chunk.byteLength - used.byteLength
        if (used.byteLength === 0) continue
        chunks.push(used)
        bytes += used.byteLength
        if (bytes >= pieceBytes || at >= to) await hand()
      }
    }
  } catch (error) {
    // What came before the end is right: the next try need not ask for it again.
    if (error instanceof TransferError && error.problem === 'lost') await hand()
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    for (const lane of lanes) lane.close()
  }
}

/** A wait that may not take longer than so long. */
class Silence {
  readonly #seconds: number
  readonly #tell: (error: TransferError) => void

  constructor(seconds: number, tell: (error: TransferError) => void) {
    this.#seconds = seconds
    this.#tell = tell
  }

  async watch(wait: Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.#tell(lost(`no byte came for ${this.#seconds} seconds`)), this.#seconds * 1000)
    try {
      await wait
    } finally {
      clearTimeout(timer)
    }
  }
}
