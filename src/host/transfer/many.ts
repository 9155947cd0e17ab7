import { prologue } from '../remote/answer.ts'
import type { Host } from '../types.ts'
import { failed, lost, TransferError } from './errors.ts'
import { hasStreams, openStream } from './stream.ts'
import { type TarFile, TarReader } from './tar-reader.ts'

// Archives one behind the other where the names do not fit on one command line. A name that is a folder by now brings
// nothing below it; of two names of one file both come.
const script = `${prologue}cd "$1" || exit 44
command -v tar >/dev/null 2>&1 || exit 47
case $(tar --version 2>/dev/null) in
*GNU*) set -- --format=gnu --hard-dereference --no-recursion --ignore-failed-read ;;
*) set -- ;;
esac
xargs -0 tar -c -f - "$@" -- 2>/dev/null
exit 0`

export interface ManyOptions {
  readonly signal: AbortSignal
  /** Default 60. */
  readonly silenceSeconds?: number
  /** Told of each file as it came whole; the stream waits for the promise of a batch of them. */
  readonly onFiles: (files: readonly TarFile[]) => Promise<void>
}

/** Files taken over but not yet written may be so many bytes before the stream is held back. */
const mostWaitingBytes = 8 * 1024 * 1024

/**
 * Many small files of one folder, whole, by one stream. Tells how many did not come: not there any more, of another size,
 * or of another kind by now; who asked looks at them one by one. Paths must have passed `pathProblem`.
 *
 * @param asked path below the folder and exact size
 * @throws TransferError when the link went or the stream is none of ours; files that were told of by then are whole
 */
export async function readMany(
  host: Host,
  folder: string,
  asked: ReadonlyMap<string, number>,
  options: ManyOptions,
): Promise<number> {
  const { signal, silenceSeconds = 60, onFiles } = options
  if (!hasStreams(host)) return readEach(host, folder, asked, options)
  let waiting: TarFile[] = []
  let waitingBytes = 0
  let heardAt = performance.now()
  let error: unknown = null
  let wake: (() => void) | null = null
  const reader = new TarReader(asked, (file) => {
    waiting.push(file)
    waitingBytes += file.bytes.byteLength
  })
  const notify = () => {
    wake?.()
    wake = null
  }
  let isHeld = false
  // Nothing comes before the names are sent, which is after it is there.
  const stream: Awaited<ReturnType<typeof openStream>> = await openStream(host, ['sh', '-c', script, 'sh', folder], {
    startSeconds: 60,
    onStdout: (chunk) => {
      heardAt = performance.now()
      if (error !== null) return
      try {
        reader.take(chunk)
      } catch (caught) {
        error = caught
      }
      if (waitingBytes > mostWaitingBytes && !isHeld) {
        isHeld = true
        stream.pause()
      }
      if (waiting.length > 0 || error !== null) notify()
    },
    onStderr: () => {},
  })
  let isOver = false
  void stream.ending.then((ending) => {
    isOver = true
    if (ending.kind === 'unknown') error ??= lost(ending.reason)
    else if (ending.kind === 'signalled') error ??= failed(`the stream was ended there by ${ending.signal}`)
    else if (ending.code === 47) error ??= failed(`${host.name} has no tar`)
    else if (ending.code !== 0) error ??= failed(`the stream ended with code ${ending.code}`)
    notify()
  })
  const onAbort = () => {
    error ??= lost('given up')
    notify()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const watch = setInterval(() => {
    if (isHeld || performance.now() - heardAt < silenceSeconds * 1000) return
    error ??= lost(`no byte came for ${silenceSeconds} seconds`)
    notify()
  }, 1000)
  void sendNames(stream, asked.keys())
  try {
    for (;;) {
      if (waiting.length === 0 && error === null && !isOver && reader.missing > 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      const files = waiting
      waiting = []
      waitingBytes = 0
      if (files.length > 0) await onFiles(files)
      if (isHeld && waitingBytes < mostWaitingBytes / 2) {
        isHeld = false
        heardAt = performance.now()
        stream.resume()
      }
      if (waiting.length > 0) continue
      if (reader.missing === 0) return 0
      if (error !== null) {
        signal.throwIfAborted()
        throw error instanceof TransferError ? error : failed(String(error), error)
      }
      if (isOver) return reader.missing
    }
  } finally {
    clearInterval(watch)
    signal.removeEventListener('abort', onAbort)
    stream.close()
  }
}

async function sendNames(stream: Awaited<ReturnType<typeof openStream>>, paths: Iterable<string>): Promise<void> {
  let text = ''
  for (const path of paths) {
    text += `./${path}\0`
    if (text.length < 65_536) continue
    if (!stream.write(text)) await stream.drained()
    text = ''
  }
  if (text !== '') stream.write(text)
  stream.endInput()
}

async function readEach(
  host: Host,
  folder: string,
  asked: ReadonlyMap<string, number>,
  { signal, onFiles }: ManyOptions,
): Promise<number> {
  let missing = 0
  for (const [path, size] of asked) {
    signal.throwIfAborted()
    const bytes = await host.read(`${folder}/${path}`, 0, size + 1)
    if (bytes?.byteLength === size) await onFiles([{ path, bytes: Buffer.from(bytes) }])
    else missing += 1
  }
  return missing
}
