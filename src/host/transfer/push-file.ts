import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { posix } from 'node:path'
import { HostError } from '../errors.ts'
import { checkPath } from '../local-files.ts'
import { linkLost, prologue } from '../remote/answer.ts'
import type { Host } from '../types.ts'
import { changed, failed, lost, TransferError } from './errors.ts'
import { hashThere } from './hasher.ts'
import { type SendOptions, sendTo } from './send.ts'

export interface PushFile {
  /** Absolute path here. */
  readonly source: string
  readonly bytes: number
  /** Of the source as it must arrive. */
  readonly sha256: string
  /** Absolute path there; `<target>.part` beside it belongs to the push. */
  readonly target: string
  readonly mode: number
}

const durable =
  'durable() { sync "$1" 2>/dev/null || dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || sync; }\n'

const takeScript = `${prologue}${durable}mkdir -p -- "$2" || exit 1
if [ "$3" = 0 ]; then
  rm -f -- "$1"
  set -C
  : >"$1" || exit 1
  set +C
fi
[ -f "$1" ] && [ ! -L "$1" ] && [ "$(($(wc -c <"$1")))" = "$3" ] || { echo 'the part is not what it was' >&2; exit 45; }
cat >>"$1" || exit 1
[ "$(($(wc -c <"$1")))" = "$4" ] || { echo 'not all of it arrived' >&2; exit 45; }
durable "$1"
printf taken`

const nameScript = `${prologue}${durable}[ ! -d "$2" ] || { echo 'a folder has that name' >&2; exit 45; }
chmod "$4" "$1" && mv -f -- "$1" "$2" || exit 1
durable "$3"
printf named`

const mostCuts = 20

/**
 * One file to the host: into `.part`, on from where an earlier push was cut when its hash there is that of the beginning
 * here, counted, synced, hashed there, and only then named. Goes on by itself when the link is lost.
 *
 * @returns bytes of an earlier push that were believed
 * @throws TransferError; `changed` when the source is not what its hash says
 */
export async function pushFile(host: Host, file: PushFile, options: SendOptions): Promise<number> {
  checkPath(file.target)
  let resumed: number | null = null
  for (let cuts = 0; ; cuts += 1) {
    let moved = 0
    try {
      const counting: SendOptions = {
        ...options,
        onBytes: (bytes) => {
          moved += bytes
          options.onBytes?.(bytes)
        },
      }
      const from = await pushOnce(host, file, counting)
      return resumed ?? from
    } catch (error) {
      options.signal.throwIfAborted()
      if (!isLost(error) || cuts >= mostCuts || (moved === 0 && cuts >= 3)) throw error
      resumed ??= 0
    }
  }
}

/** The link may go while the part is looked at as well as while bytes are under way; looking can be done again. */
function isLost(error: unknown): boolean {
  if (error instanceof TransferError) return error.problem === 'lost'
  return error instanceof HostError && error.code === linkLost
}

async function pushOnce(host: Host, file: PushFile, options: SendOptions): Promise<number> {
  const { source, bytes, sha256, target, mode } = file
  const { signal } = options
  const part = `${target}.part`
  const folder = posix.dirname(target)
  const from = await believed(host, part, source, bytes, signal)
  if (from < bytes || bytes === 0) {
    const content = createReadStream(source, { start: from, highWaterMark: 256 * 1024 })
    const argv = ['sh', '-c', takeScript, 'sh', part, folder, String(from), String(bytes)]
    const { code, stdout, stderr } = await sendTo(host, argv, content, options)
    if (code !== 0 || stdout !== 'taken') throw failed(stderr.trim().slice(0, 300) || `it was not taken (code ${code})`)
  }
  const there = await hashThere(host, part, null, bytes, signal)
  if (there !== sha256) {
    await host.exec(['rm', '-f', '--', part], { signal })
    throw changed('what arrived does not have the hash of the source')
  }
  const named = await host.exec(
    ['sh', '-c', nameScript, 'sh', part, target, folder, (mode & 0o777).toString(8).padStart(4, '0')],
    { timeoutSeconds: 120, signal },
  )
  // Where it has its name already, what was sent is sent again: the name alone does not say by whom.
  if (named.ending.kind === 'unknown') throw lost(named.ending.reason)
  if (named.ending.kind !== 'exited' || Buffer.from(named.stdout).toString('utf8') !== 'named')
    throw failed(Buffer.from(named.stderr).toString('utf8').trim().slice(0, 300) || 'it could not be given its name')
  return from
}

async function believed(host: Host, part: string, source: string, bytes: number, signal: AbortSignal): Promise<number> {
  const there = await host.stat(part)
  if (there === null || there.kind !== 'file' || there.bytes === 0 || there.bytes > bytes) return 0
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(source, { end: there.bytes - 1, highWaterMark: 1024 * 1024 })) {
    signal.throwIfAborted()
    hash.update(chunk as Buffer)
  }
  return (await hashThere(host, part, there.bytes, bytes, signal)) === hash.digest('hex') ? there.bytes : 0
}
