import { randomBytes } from 'node:crypto'
import { prologue } from '../remote/answer.ts'
import type { Host } from '../types.ts'
import { failed } from './errors.ts'
import { type SendOptions, sendTo } from './send.ts'
import { tarEnd, tarEntry } from './tar-writer.ts'

export interface PushedFile {
  /** Below the folder; has passed `pathProblem`. */
  readonly path: string
  readonly mode: number
  read(): Promise<Uint8Array>
}

// Unpacked beside the folder, counted and made durable there, and only then moved: where nothing was before, all of it
// in one step. What a push that was cut left behind is taken away by a later one, when it is surely nobody's any more.
const script = `${prologue}mkdir -p -- "$1" && cd "$1" || exit 1
command -v tar >/dev/null 2>&1 || exit 47
kx_stage=.kx-push-$3
durable() { sync -f . 2>/dev/null || sync; }
find . -maxdepth 1 -name '.kx-push-*' -mmin +60 -exec rm -rf {} + 2>/dev/null
mkdir "$kx_stage" || exit 1
trap 'rm -rf -- "$kx_stage"' EXIT
trap 'exit 1' HUP INT TERM
tar -x -o -m -f - -C "$kx_stage" || exit 46
kx_n=$(find "$kx_stage" -type f | wc -l)
if [ "$((kx_n))" != "$4" ]; then
  echo "$kx_n of $4 files arrived" >&2
  exit 45
fi
durable
if [ ! -e "$2" ] && [ ! -L "$2" ]; then
  mv -- "$kx_stage" "$2" || exit 1
else
  (cd "$kx_stage" && find . -type d) | while IFS= read -r kx_d; do mkdir -p -- "$2/$kx_d" || exit 1; done || exit 1
  (cd "$kx_stage" && find . -type f) | while IFS= read -r kx_f; do
    mv -f -- "$kx_stage/$kx_f" "$2/$kx_f" || exit 1
  done || exit 1
fi
durable
printf pushed`

/**
 * Many small files to `<parent>/<name>/…` of the host, in one stream: each is there whole or not at all. Nothing of them
 * is in an argument or goes through a shell. False: there is no tar to take them.
 *
 * @throws TransferError
 */
export async function pushMany(
  host: Host,
  parent: string,
  name: string,
  files: readonly PushedFile[],
  options: SendOptions,
): Promise<boolean> {
  async function* archive(): AsyncGenerator<Uint8Array> {
    for (const file of files) yield Buffer.concat(tarEntry(file.path, await file.read(), file.mode))
    yield tarEnd()
  }
  const nonce = randomBytes(9).toString('hex')
  const argv = ['sh', '-c', script, 'sh', parent, name, nonce, String(files.length)]
  const { code, stdout, stderr } = await sendTo(host, argv, archive(), options)
  if (code === 47) return false
  if (code === 0 && stdout === 'pushed') return true
  throw failed(stderr.trim().slice(0, 300) || `the stream was not taken (code ${code})`)
}
