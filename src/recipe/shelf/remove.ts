import type { CellContext } from '../contract.ts'
import { ask, inBatches } from './ask.ts'
import type { SeenFile } from './survey.ts'

/**
 * Removes regular files by an exact list, each only while it is the one that was seen: same folder behind every symlink,
 * same device, inode, size, time, one name. Prints one code a file. Arguments: root, then device, inode, bytes, mtime,
 * path of each.
 */
const removeScript = `
set -u
LC_ALL=C; export LC_ALL
root=$1; shift
while [ "$#" -ge 5 ]; do
  (
    folder=\${5%/*}; name=\${5##*/}
    case $5 in "$root"/*) ;; *) exit 3 ;; esac
    cd -P -- "$folder" 2>/dev/null || exit 4
    here=$(pwd -P && printf x); here=\${here%?x}
    [ "$here" = "$folder" ] || exit 4
    [ ! -L "./$name" ] && [ -f "./$name" ] || exit 5
    [ "$(stat -c '%d %i %s %Y %h' -- "./$name")" = "$1 $2 $3 $4 1" ] || exit 6
    rm -f -- "./$name" && [ ! -e "./$name" ] || exit 7
  ) >/dev/null 2>&1
  printf '%d\\n' "$?"
  shift 5
done
`

const reasons: Readonly<Record<number, string>> = {
  3: 'it lies outside of the folder',
  4: 'its folder is not the one that was seen',
  5: 'it is not there any more, or no plain file',
  6: 'it is another file than was seen, or was written since',
  7: 'it could not be removed',
}

export interface Removed {
  readonly removed: readonly SeenFile[]
  readonly left: readonly { readonly path: string; readonly why: string }[]
}

/** Removes exactly these. What became another file since is left, with the reason. */
export async function removeFiles(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  root: string,
  files: readonly SeenFile[],
): Promise<Removed> {
  const removed: SeenFile[] = []
  const left: { path: string; why: string }[] = []
  const words = (file: SeenFile) => [file.device, file.inode, String(file.bytes), String(file.mtimeSeconds), file.path]
  for (const batch of inBatches(files, words)) {
    const answer = await ask(context, removeScript, [root, ...batch.flatMap(words)], 300)
    const codes = answer.toString('latin1').split('\n')
    for (const [n, file] of batch.entries()) {
      const code = /^\d+$/.test(codes[n] ?? '') ? Number(codes[n]) : -1
      if (code === 0) removed.push(file)
      else left.push({ path: file.path, why: reasons[code] ?? 'it is not known what became of it' })
    }
  }
  return { removed, left }
}

/** Which of these paths are there, symlinks that lead nowhere included. */
export async function thereOf(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  paths: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = []
  const look = 'for path do if [ -e "$path" ] || [ -L "$path" ]; then echo 1; else echo 0; fi; done'
  for (const batch of inBatches(paths, (path) => [path])) {
    const codes = (await ask(context, look, batch)).toString('latin1').split('\n')
    for (const [n, path] of batch.entries()) if (codes[n] === '1') found.push(path)
  }
  return found
}
