import type { CellContext } from '../contract.ts'
import { ask, NoAnswer } from './ask.ts'

/** A regular file as it was seen; what is done to it later is done only if it is still this very one. */
export interface SeenFile {
  readonly path: string
  readonly device: string
  readonly inode: string
  readonly bytes: number
  readonly mtimeSeconds: number
  readonly atimeSeconds: number
  /** Names that it has. */
  readonly names: number
  /** What it takes on the disk. */
  readonly takenBytes: number
}

/** A run of kx that lies there, by its own files on the host. */
export interface RunThere {
  readonly folder: string
  readonly isArtifact: (relativePath: string) => boolean
}

export interface Survey {
  /** The folder behind every symlink. */
  readonly root: string
  readonly files: readonly SeenFile[]
  /** `device inode` of whatever a symlink under the root leads to. */
  readonly linked: ReadonlySet<string>
  /** `device inode` of whatever a process has open. */
  readonly open: ReadonlySet<string>
  /** Inodes that a process has in its memory map; the device is not compared, because overlays tell another one. */
  readonly mapped: ReadonlySet<string>
  /** Processes with a program whose files this user may not look at. */
  readonly hiddenProcesses: number
  readonly runs: readonly RunThere[]
  /** Files whose name is no UTF-8; nothing is ever done to them. */
  readonly oddNames: number
  readonly clockSeconds: number
}

/**
 * One read-only look: files by patterns of their names, where symlinks lead, what processes have open, and the runs of kx
 * around. Every token ends with NUL, so names may hold anything. Arguments: folder, then patterns. One file system only,
 * and no symlink is followed. POSIX sh with find and stat as GNU and busybox have them.
 */
const surveyScript = `
set -u
LC_ALL=C; export LC_ALL
given=$1; shift
[ -d "$given" ] || { printf '%s\\n' "there is no folder $given" >&2; exit 3; }
root=$(cd -P -- "$given" && pwd -P && printf x) || { printf '%s\\n' "$given cannot be entered" >&2; exit 4; }
root=\${root%?x}
[ "$root" != / ] || { echo 'the root of the machine is no folder for this: name one below it' >&2; exit 5; }
[ -d /proc/self/fd ] || { echo 'there is no /proc, so what is open cannot be seen' >&2; exit 6; }
stat -c %i / >/dev/null 2>&1 || { echo 'there is no stat that tells inodes' >&2; exit 7; }

printf 'R\\0%s\\0C\\0%s\\0' "$root" "$(date +%s)"

# Kernel threads have no command line and no files; whoever has one and may not be looked into is hidden.
hidden=0
for entry in /proc/[0-9]*; do
  [ -d "$entry" ] && [ ! -r "$entry/fd" ] || continue
  [ "$(head -c 1 "$entry/cmdline" 2>/dev/null | wc -c)" -eq 0 ] || hidden=$((hidden + 1))
done
printf 'O\\0'
find /proc/[0-9]*/fd -type l -exec stat -L -c '%d %i' -- {} + 2>/dev/null | sort -u
printf '\\0H\\0%s\\0M\\0' "$hidden"
cat /proc/[0-9]*/maps 2>/dev/null | awk '$5 > 0 && !seen[$5]++ { print $5 }'
printf '\\0L\\0'
find "$root" -xdev -type l -exec stat -L -c '%d %i' -- {} + 2>/dev/null | sort -u
printf '\\0'

count=0
for pattern do
  if [ "$count" = 0 ]; then set -- -name "$pattern"; else set -- "$@" -o -name "$pattern"; fi
  count=1
done
[ "$count" = 1 ] || set -- -name '*'
find "$root" -xdev -type f \\( "$@" \\) -exec sh -c '
  lines=$(stat -c "%d %i %s %Y %X %h %b" -- "$@" 2>/dev/null)
  if [ "$(printf "%s\\\\n" "$lines" | wc -l)" -eq "$#" ]; then
    printf "F\\\\0%s\\\\0" "$lines"
    printf "%s\\\\0" "$@"
  else
    for path do
      line=$(stat -c "%d %i %s %Y %X %h %b" -- "$path" 2>/dev/null) && printf "F\\\\0%s\\\\0%s\\\\0" "$line" "$path"
    done
  fi
  :' kx {} +

run_there() {
  [ -f "$1/artifacts.list" ] && [ -f "$1/plan.env" ] && [ ! -L "$1/artifacts.list" ] || return 0
  printf 'A\\0%s\\0' "$1"
  head -c 65536 -- "$1/artifacts.list"
  printf '\\0'
}
find "$root" -xdev -type f -name artifacts.list -exec sh -c '
  for path do
    folder=\${path%/*}
    [ -f "$folder/plan.env" ] || continue
    printf "A\\\\0%s\\\\0" "$folder"; head -c 65536 "$path"; printf "\\\\0"
  done' kx {} + 2>/dev/null
above=\${root%/*}
while [ -n "$above" ]; do run_there "$above"; above=\${above%/*}; done
printf 'E\\0'
`

/** Looks at a folder. Throws NoAnswer when it cannot be seen, or not whole. */
export async function survey(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  folder: string,
  patterns: readonly string[],
): Promise<Survey> {
  const found = parseSurvey(await ask(context, surveyScript, [folder, ...patterns], 120))
  if (found === null) throw new NoAnswer(`the look at ${folder} was cut short: nothing is known of it`)
  return found
}

/** Reads what the script printed; null when it is not whole. Pure. */
export function parseSurvey(answer: Buffer): Survey | null {
  let at = 0
  const token = (): Buffer | null => {
    const end = answer.indexOf(0, at)
    if (end < 0) return null
    const piece = answer.subarray(at, end)
    at = end + 1
    return piece
  }
  const lines = (piece: Buffer) => piece.toString('latin1').split('\n').filter(Boolean)
  const files: SeenFile[] = []
  const runs: RunThere[] = []
  const sets: Record<string, ReadonlySet<string>> = {}
  const words: Record<string, string> = {}
  let oddNames = 0
  for (;;) {
    const kind = token()?.toString('latin1')
    if (kind === 'E') break
    const piece = token()
    if (kind === undefined || piece === null) return null
    if (kind === 'O' || kind === 'M' || kind === 'L') sets[kind] = new Set(lines(piece))
    else if (kind === 'R' || kind === 'C' || kind === 'H') {
      const word = textOf(piece)
      if (word === null) return null
      words[kind] = word
    } else if (kind === 'A') {
      const content = token()
      const name = textOf(piece)
      if (content === null) return null
      if (name !== null) runs.push({ folder: name, isArtifact: artifactTest(content.toString('utf8')) })
    } else if (kind === 'F') {
      for (const line of lines(piece)) {
        const name = token()
        if (name === null) return null
        const file = fileOf(line, textOf(name))
        if (file === null) oddNames += 1
        else files.push(file)
      }
    } else return null
  }
  const { R: root, C: clock = '', H: hidden = '' } = words
  const { O: open, M: mapped, L: linked } = sets
  if (root === undefined || open === undefined || mapped === undefined || linked === undefined) return null
  if (!/^\d{1,12}$/.test(clock) || !/^\d{1,7}$/.test(hidden)) return null
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    root,
    files,
    linked,
    open,
    mapped,
    runs,
    oddNames,
    hiddenProcesses: Number(hidden),
    clockSeconds: Number(clock),
  }
}

function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function fileOf(line: string, path: string | null): SeenFile | null {
  const match = /^(\d+) (\d+) (\d{1,16}) (-?\d{1,12}) (-?\d{1,12}) (\d{1,9}) (\d{1,16})$/.exec(line)
  if (match === null || path === null) return null
  const [device = '', inode = '', ...rest] = match.slice(1)
  const [bytes = 0, mtimeSeconds = 0, atimeSeconds = 0, names = 0, blocks = 0] = rest.map(Number)
  return { path, device, inode, bytes, mtimeSeconds, atimeSeconds, names, takenBytes: blocks * 512 }
}

/** Lines `count bytes plain|loose pattern`, as a launch writes them (see the layout of the engine). A line that cannot be read protects everything. */
export function artifactTest(list: string): (relativePath: string) => boolean {
  const tests = list
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const match = /^\d+ \d+ (plain|loose) (.+)$/.exec(line)
      if (match?.[2] === undefined) return /^/s
      const any = match[1] === 'loose' ? '.*' : '[^/]*'
      const one = match[1] === 'loose' ? '.' : '[^/]'
      const source = match[2]
        .replace(/[.+^${}()|\\]/g, '\\$&')
        .replaceAll('*', any)
        .replaceAll('?', one)
      try {
        // Brackets keep their meaning, which is nearly that of the shell; `[!x]` is `[^x]`.
        return new RegExp(`^${source.replaceAll('[!', '[^')}$`, 's')
      } catch {
        return /^/s
      }
    })
  // What lies in a folder that is an artifact is one too.
  return (path) => {
    const parts = path.split('/')
    return parts.some((_, n) => tests.some((test) => test.test(parts.slice(0, n + 1).join('/'))))
  }
}

/** Why nothing may be done to a file, whatever is wanted of it; null: it may be looked at further. */
export function protection(file: SeenFile, seen: Survey): string | null {
  const key = `${file.device} ${file.inode}`
  if (seen.open.has(key) || seen.mapped.has(file.inode)) return 'a process has it open'
  if (file.names > 1) return 'it has a second name (hard link)'
  if (seen.linked.has(key)) return 'a symlink leads to it'
  for (const run of seen.runs)
    if (file.path.startsWith(`${run.folder}/`) && run.isArtifact(file.path.slice(run.folder.length + 1)))
      return 'an artifact of a run that is not known to be verified'
  return null
}
