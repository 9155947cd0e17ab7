import { randomBytes } from 'node:crypto'
import { posix } from 'node:path'
import { HostError, isMissing } from '../errors.ts'
import { checkPath } from '../local-files.ts'
import { answerOf, type Doing, failureOf, oddAnswer, prologue, refusedCode } from './answer.ts'
import type { RunScript } from './types.ts'

/** Bytes asked for in one call: several round trips a second on a slow link, and memory stays bounded. */
const chunkBytes = 4 * 1024 * 1024
/** Slower than this is treated as a link that does not work. */
const slowestBytesPerSecond = 64 * 1024
/** A hash of 1 TiB at 128 MiB/s takes less. Source of the speed: handbook ssh 9.5. */
const hashSeconds = 4 * 3600

const mustBeFile = `if [ ! -f "$1" ]; then
  stat -L -c '%f' -- "$1" >/dev/null || exit 1
  echo 'it is not a regular file' >&2
  exit ${refusedCode}
fi
`
// Blocks, not bytes, so that every dd seeks and reads at the speed of the disk; what is too much is cut here.
const readScript = `${prologue}${mustBeFile}kx_f=
dd if=/dev/null of=/dev/null count=0 iflag=fullblock 2>/dev/null && kx_f=iflag=fullblock
dd if="$1" bs="$2" skip="$3" count="$4" $kx_f`

/** Bytes from `offset`, at most `length`. Pipes and devices are refused: reading one could wait for ever. */
export async function readRemote(
  run: RunScript,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array | null> {
  const doing: Doing = { verb: 'read', path: checkPath(path) }
  const chunks: Uint8Array[] = []
  for (let at = offset; at < offset + length; ) {
    const wanted = Math.min(chunkBytes, offset + length - at)
    let chunk: Uint8Array
    try {
      chunk = await readChunk(run, doing, at, wanted)
    } catch (error) {
      // Gone in the middle: half a file with nothing said would look whole.
      if (isMissing(error) && at === offset) return null
      throw error
    }
    chunks.push(chunk)
    at += chunk.byteLength
    if (chunk.byteLength < wanted) break
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : new Uint8Array(Buffer.concat(chunks))
}

async function readChunk(run: RunScript, doing: Doing, offset: number, length: number): Promise<Uint8Array> {
  const block = length >= 256 * 1024 ? 64 * 1024 : 4096
  const first = Math.floor(offset / block)
  const blocks = Math.ceil((offset + length) / block) - first
  const ran = await run(readScript, [doing.path, String(block), String(first), String(blocks)], {
    maxBytes: blocks * block + 1,
    timeoutSeconds: 30 + length / slowestBytesPerSecond,
  })
  const bytes = answerOf(ran, doing)
  if (bytes.byteLength > blocks * block) throw oddAnswer(doing, `${bytes.byteLength} bytes for ${blocks * block}`)
  const skip = offset - first * block
  return bytes.subarray(Math.min(skip, bytes.byteLength), Math.min(skip + length, bytes.byteLength))
}

const writeScript = `${prologue}kx_to=$1 kx_dir=$2 kx_part=$3
durable() { sync "$1" 2>/dev/null || dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || sync; }
kx_made= kx_up=$kx_dir
while [ ! -e "$kx_up" ] && [ -n "$kx_up" ]; do kx_made=$kx_up kx_up=\${kx_up%/*}; done
mkdir -p -- "$kx_dir" || exit 1
if [ -d "$kx_to" ]; then
  echo 'a folder has that name' >&2
  exit ${refusedCode}
fi
trap 'rm -f -- "$kx_part"' EXIT
trap 'exit 1' HUP INT TERM
set -C
cat >"$kx_part" || exit 1
set +C
kx_n=$(($(wc -c <"$kx_part")))
if [ "$kx_n" != "$5" ]; then
  echo "$kx_n of $5 bytes arrived" >&2
  exit ${refusedCode}
fi
chmod "$4" "$kx_part" || exit 1
durable "$kx_part"
mv -f -- "$kx_part" "$kx_to" || exit 1
durable "$kx_dir"
while [ -n "$kx_made" ] && [ \${#kx_dir} -ge \${#kx_made} ]; do
  kx_dir=\${kx_dir%/*}
  durable "\${kx_dir:-/}"
done
printf written`

/**
 * Whole file or old file, never half: temporary name in the same folder, count compared, fsync, rename, fsync of the
 * folder. Missing folders are made with mode 0700 and fsynced too. The bytes travel on standard input only.
 */
export async function writeRemote(
  run: RunScript,
  path: string,
  content: Uint8Array | string,
  mode = 0o600,
): Promise<void> {
  const doing: Doing = { verb: 'write', path: checkPath(path) }
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const folder = posix.dirname(path)
  const part = posix.join(folder, `.kx-${randomBytes(9).toString('hex')}.part`)
  const args = [path, folder, part, (mode & 0o7777).toString(8).padStart(4, '0'), String(bytes.byteLength)]
  const ran = await run(writeScript, args, {
    stdin: bytes,
    timeoutSeconds: 60 + bytes.byteLength / slowestBytesPerSecond,
  })
  const answer = answerOf(ran, doing)
  if (new TextDecoder().decode(answer) !== 'written') throw oddAnswer(doing, answer)
}

// In the order of speed as measured (handbook ssh 9.5). One that is not there or fails leaves it to the next, and one
// whose answer is no hash counts as failed. Standard input, so that no file name is in the answer.
const hashScript = `${prologue}${mustBeFile}kx_says() {
  kx_h=$("$@" 2>/dev/null <"$kx_file") || return 1
  kx_h=\${kx_h%% *}
  case $kx_h in *[!0-9a-f]*) return 1 ;; esac
  [ \${#kx_h} -eq 64 ] && printf '%s\\n' "$kx_h"
}
kx_file=$1
true <"$kx_file" || exit 1
kx_says openssl dgst -sha256 -r && exit
kx_says python3 -c 'import hashlib,sys
h=hashlib.sha256()
while True:
    b=sys.stdin.buffer.read(1048576)
    if not b: break
    h.update(b)
print(h.hexdigest())' && exit
kx_says sha256sum && exit
kx_says busybox sha256sum && exit
echo 'none of openssl, python3, sha256sum and busybox could hash it: install one of them' >&2
exit ${refusedCode}`

/** SHA-256 in lower-case hex, computed there by the fastest hasher that is there and works. */
export async function sha256Remote(run: RunScript, path: string, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted()
  const doing: Doing = { verb: 'hash', path: checkPath(path) }
  const ran = await run(hashScript, [path], {
    timeoutSeconds: hashSeconds,
    ...(signal === undefined ? {} : { signal }),
  })
  signal?.throwIfAborted()
  if (ran.ending.kind !== 'exited' || ran.ending.code !== 0) {
    const failure = failureOf(ran, doing)
    if (isMissing(failure)) throw new HostError(`Cannot hash ${path}: there is no such file.`, failure.code)
    throw failure
  }
  const line = new TextDecoder().decode(answerOf(ran, doing))
  if (!/^[0-9a-f]{64}\n$/.test(line)) throw oddAnswer(doing, line)
  return line.trim()
}
