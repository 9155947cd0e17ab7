import { isMissing } from '../errors.ts'
import { checkPath } from '../local-files.ts'
import { headBytes, isSameFile, maxTailBytes, positionAt } from '../tail.ts'
import type { Tail, TailPosition } from '../types.ts'
import { answerOf, type Doing, oddAnswer, prologue, refusedCode } from './answer.ts'
import type { RunScript } from './types.ts'

const block = 4096

// Opened once: what is renamed or replaced in the middle is read as one file all the same. $2 and $3: inode and offset of
// before; $4: blocks. dd reads whole blocks, and what is too much is cut on this side.
const tailScript = `${prologue}stat -L -c '%f' -- "$1" >/dev/null || exit 1
exec 3<"$1" || exit 1
kx_f=/proc/self/fd/3
[ -r "$kx_f" ] || kx_f=$1
[ -f "$kx_f" ] || { echo 'it is not a regular file' >&2; exit ${refusedCode}; }
kx_s=$(stat -L -c '%i %s' -- "$kx_f") || exit 1
kx_n=\${kx_s#* } kx_i=\${kx_s% *} kx_at=0
[ "$kx_i" = "$2" ] && [ "$kx_n" -ge "$3" ] && kx_at=$3
kx_h=$kx_n
[ "$kx_h" -le ${headBytes} ] || kx_h=${headBytes}
printf '%s %s %s\\n' "$kx_i" "$kx_n" "$kx_at"
[ "$kx_h" = 0 ] || dd if="$kx_f" bs="$kx_h" count=1 2>/dev/null
dd if="$kx_f" bs=${block} skip=$((kx_at / ${block})) count="$4" 2>/dev/null`

/** See `Host.tail`. One round trip; two when a file with the same inode turns out to be another one. */
export async function tailRemote(
  run: RunScript,
  path: string,
  from: TailPosition | null,
  length: number,
): Promise<Tail | null> {
  const first = await look(run, path, from, length)
  if (first === null || from === null || first.isSame) return first?.tail ?? null
  if (first.at === 0) return first.tail
  const again = await look(run, path, null, length)
  return again === null ? null : { ...again.tail, isAnother: true }
}

async function look(run: RunScript, path: string, from: TailPosition | null, length: number) {
  const doing: Doing = { verb: 'read', path: checkPath(path) }
  const wanted = Math.min(Math.max(0, length), maxTailBytes)
  const blocks = Math.ceil(wanted / block) + 1
  let answer: Uint8Array
  try {
    const args = [path, String(from?.inode ?? 0), String(from?.offset ?? 0), String(blocks)]
    answer = answerOf(
      await run(tailScript, args, { maxBytes: blocks * block + headBytes + 200, timeoutSeconds: 60 }),
      doing,
    )
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  const end = answer.indexOf(10)
  const line = new TextDecoder().decode(answer.subarray(0, Math.max(0, end)))
  const [inode = Number.NaN, size = Number.NaN, at = Number.NaN] = line.split(' ').map(Number)
  if (![inode, size, at].every(Number.isSafeInteger)) throw oddAnswer(doing, line)
  const headEnd = end + 1 + Math.min(headBytes, size)
  const head = answer.subarray(end + 1, headEnd)
  const skip = headEnd + (at % block)
  const bytes = answer.subarray(Math.min(skip, answer.byteLength), Math.min(skip + wanted, answer.byteLength))
  const isSame = from !== null && isSameFile(from, inode, size, head)
  const tail: Tail = {
    bytes,
    size,
    isAnother: from !== null && !isSame,
    position: positionAt(inode, at + bytes.byteLength, head),
  }
  return { tail, at, isSame }
}
