import type { Host, HostProcess } from '../types.ts'
import { changed, failed, gone, lost, type TransferError } from './errors.ts'
import { openStream } from './stream.ts'

/** More than this waits in memory for its turn: the lane is held back until half of it is taken. */
const mostQueuedBytes = 4 * 1024 * 1024

/** Exit codes of the lane's script. */
const codes = { gone: 44, cannotRead: 46 }

// One descriptor for all of it: dd moves its offset, so each dd goes on where the one before it stopped. Blocks of a
// MiB for the speed of the disk, blocks of 4096 bytes only to get to the beginning. `fullblock` where dd knows it: a
// network file system may give less than a block at once.
const script = `LC_ALL=C
export LC_ALL
[ -f "$1" ] || exit ${codes.gone}
exec <"$1" || exit ${codes.cannotRead}
kx_f=
dd if=/dev/null of=/dev/null count=0 iflag=fullblock 2>/dev/null && kx_f=iflag=fullblock
kx_go() { dd bs="$1" skip="$2" count=0 2>/dev/null || exit ${codes.cannotRead}; }
[ "$2" -eq 0 ] || kx_go 4096 "$2"
[ "$3" -eq 0 ] || kx_go 1048576 "$3"
kx_n=$6
while :; do
  dd bs=1048576 count="$4" $kx_f 2>/dev/null || exit ${codes.cannotRead}
  kx_n=$((kx_n - 1))
  [ "$kx_n" -gt 0 ] || exit 0
  [ "$5" -eq 0 ] || kx_go 1048576 "$5"
done`

export interface LaneRequest {
  readonly path: string
  /** First byte, a multiple of 4096. */
  readonly from: number
  /** MiB to pass over before the first stripe, MiB of a stripe, MiB between two stripes, and how many stripes. */
  readonly beforeMiB: number
  readonly stripeMiB: number
  readonly betweenMiB: number
  readonly stripes: number
  /** Bytes that may be on their way at once. */
  readonly windowBytes: number
}

/** One stream of a file's bytes: some of its stripes, in order, taken as they are wanted. */
export class Lane {
  #chunks: Uint8Array[] = []
  #queued = 0
  #process: HostProcess | null = null
  #isPaused = false
  #error: TransferError | null = null
  #wake: (() => void) | null = null
  #isClosed = false

  /** @throws TransferError when it does not begin */
  static async open(host: Host, request: LaneRequest, startSeconds: number): Promise<Lane> {
    const lane = new Lane()
    const { path, from, beforeMiB, stripeMiB, betweenMiB, stripes, windowBytes } = request
    const numbers = [from / 4096, beforeMiB, stripeMiB, betweenMiB, stripes].map(String)
    const process = await openStream(host, ['sh', '-c', script, 'sh', path, ...numbers], {
      startSeconds,
      windowBytes,
      onStdout: (chunk) => lane.#take(chunk),
      onStderr: () => {},
    })
    lane.#process = process
    if (lane.#queued > mostQueuedBytes) lane.#hold()
    void process.ending.then((ending) => {
      lane.#error ??=
        ending.kind === 'exited'
          ? ending.code === 0
            ? changed('the file became shorter while it was read')
            : ending.code === codes.gone
              ? gone('the file went away while it was read')
              : failed(`reading it there ended with code ${ending.code}`)
          : ending.kind === 'signalled'
            ? failed(`reading it there was ended by ${ending.signal}`)
            : lost(ending.reason)
      lane.#notify()
    })
    return lane
  }

  /** The next chunk, at most `most` bytes of it; null when there is none now. @throws TransferError at the end. */
  next(most: number): Uint8Array | null {
    const first = this.#chunks[0]
    if (first === undefined) {
      if (this.#error !== null) throw this.#error
      return null
    }
    const taken = first.byteLength <= most ? first : first.subarray(0, most)
    if (taken === first) this.#chunks.shift()
    else this.#chunks[0] = first.subarray(most)
    this.#queued -= taken.byteLength
    if (this.#isPaused && this.#queued < mostQueuedBytes / 2) {
      this.#isPaused = false
      this.#process?.resume()
    }
    return taken
  }

  /** Resolves when there is something to take, or the end of it. */
  async waited(): Promise<void> {
    if (this.#chunks.length > 0 || this.#error !== null) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  /** Ends it early: whoever waits gets this error. */
  fail(error: TransferError): void {
    this.#error ??= error
    this.#chunks = []
    this.#notify()
  }

  close(): void {
    this.#isClosed = true
    this.#chunks = []
    this.#process?.close()
  }

  #take(chunk: Uint8Array): void {
    if (this.#isClosed) return
    this.#chunks.push(chunk)
    this.#queued += chunk.byteLength
    if (!this.#isPaused && this.#queued > mostQueuedBytes) this.#hold()
    this.#notify()
  }

  #hold(): void {
    if (this.#process === null) return
    this.#isPaused = true
    this.#process.pause()
  }

  #notify(): void {
    this.#wake?.()
    this.#wake = null
  }
}
