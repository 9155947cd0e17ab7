import type { CellContext } from '../contract.ts'
import { ask, inBatches } from './ask.ts'
import type { SeenFile } from './survey.ts'

/**
 * `enter <device> <inode> <bytes> <mtime> <path>` goes into the folder of a file and sets `name`, only if that is the very
 * file that was seen: same folder behind every symlink and below `$root`, no symlink itself, same identity and time, one
 * name. `is_same` asks again. For use in a subshell; both leave with a code that `whyLeft` explains.
 */
export const enterFunction = `
set -u
LC_ALL=C; export LC_ALL
is_same() { [ ! -L "./$name" ] && [ -f "./$name" ] && [ "$(stat -c '%d %i %s %Y %h' -- "./$name")" = "$wanted" ]; }
enter() {
  folder=\${5%/*}; name=\${5##*/}; wanted="$1 $2 $3 $4 1"
  case $5 in "$root"/*) ;; *) exit 3 ;; esac
  cd -P -- "$folder" 2>/dev/null || exit 4
  here=$(pwd -P && printf x); here=\${here%?x}
  [ "$here" = "$folder" ] || exit 4
  [ ! -L "./$name" ] && [ -f "./$name" ] || exit 5
  is_same || exit 6
}
`

const reasons: Readonly<Record<number, string>> = {
  3: 'it lies outside of the folder',
  4: 'its folder is not the one that was seen',
  5: 'it is not there any more, or no plain file',
  6: 'it is another file than was seen, or was written since',
  7: 'the act itself failed',
  8: 'what was written does not equal it',
  9: 'something else has that name already',
}

export const whyLeft = (code: number): string => reasons[code] ?? 'it is not known what became of it'

/** The words by which `enter` knows a file again. */
export const wordsOf = (file: SeenFile): readonly string[] => [
  file.device,
  file.inode,
  String(file.bytes),
  String(file.mtimeSeconds),
  file.path,
]

export interface Acted {
  readonly done: readonly SeenFile[]
  readonly left: readonly { readonly path: string; readonly why: string }[]
}

/** Does one thing to each file of an exact list: `act` is sh that runs after `enter`, in its folder. */
export async function toEach(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  root: string,
  files: readonly SeenFile[],
  act: string,
): Promise<Acted> {
  const source = `${enterFunction}
root=$1; shift
while [ "$#" -ge 5 ]; do
  (
    enter "$@"
    ${act}
  ) >/dev/null 2>&1
  printf '%d\\n' "$?"
  shift 5
done
`
  const done: SeenFile[] = []
  const left: { path: string; why: string }[] = []
  for (const batch of inBatches(files, wordsOf)) {
    const codes = (await ask(context, source, [root, ...batch.flatMap(wordsOf)], 3600)).toString('latin1').split('\n')
    for (const [n, file] of batch.entries()) {
      const code = /^\d+$/.test(codes[n] ?? '') ? Number(codes[n]) : -1
      if (code === 0) done.push(file)
      else left.push({ path: file.path, why: whyLeft(code) })
    }
  }
  return { done, left }
}
