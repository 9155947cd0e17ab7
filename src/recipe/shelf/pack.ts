import { basename, dirname } from 'node:path/posix'
import type { CellContext } from '../contract.ts'
import { ask, inBatches } from './ask.ts'
import { enterFunction, wordsOf } from './checked.ts'
import { protection, type SeenFile, type Survey } from './survey.ts'

export interface PackWishes {
  readonly smallerThanBytes: number
  /** Folders with fewer of them are not worth a shard. */
  readonly atLeastFiles: number
  readonly olderThanMinutes: number
}

/** The run whose finished units may be packed; null: outside a run. */
export interface FinishedUnits {
  readonly folder: string
  readonly ids: ReadonlySet<string>
}

/** Small files that may be packed, by folder. Pure. */
export function choosePackable(
  seen: Survey,
  wishes: PackWishes,
  finished: FinishedUnits | null,
): ReadonlyMap<string, readonly SeenFile[]> {
  const folders = new Map<string, SeenFile[]>()
  for (const file of seen.files) {
    const name = basename(file.path)
    if (file.bytes > wishes.smallerThanBytes || /^kx-packed-.*\.tar/.test(name) || /best/i.test(name)) continue
    if (file.mtimeSeconds > seen.clockSeconds - wishes.olderThanMinutes * 60) continue
    if (protection(file, seen) !== null || !isFree(file, seen, finished)) continue
    const folder = dirname(file.path)
    folders.set(folder, [...(folders.get(folder) ?? []), file])
  }
  return new Map([...folders].filter(([, files]) => files.length >= wishes.atLeastFiles))
}

/** Of a run of kx only what lies below a finished unit, and not what the runner itself wrote beside it. */
function isFree(file: SeenFile, seen: Survey, finished: FinishedUnits | null): boolean {
  const run = seen.runs.find((each) => file.path.startsWith(`${each.folder}/`))
  if (run === undefined) return true
  const match = /^units\/([^/]+)\/[^/]+\//.exec(file.path.slice(run.folder.length + 1))
  return finished !== null && finished.folder === run.folder && finished.ids.has(match?.[1] ?? '')
}

export interface Shard {
  readonly folder: string
  readonly name: string
  readonly sha256: string
  readonly files: readonly string[]
}

/**
 * Packs files of one folder, then removes each right after it was compared with what the shard holds under its name.
 * Arguments: root, name of the shard, then what `enter` wants of each. Prints a word and figures.
 */
const packScript = `${enterFunction}
root=$1 shard=$2; shift 2
( enter "$@" ) || { echo changed; exit 0; }
enter "$@"
left=$(($# / 5))
while [ "$left" -gt 0 ]; do
  name=\${5##*/}; wanted="$1 $2 $3 $4 1"
  [ "\${5%/*}" = "$folder" ] && is_same || { echo changed; exit 0; }
  set -- "$@" "./$name"
  shift 5
  left=$((left - 1))
done
[ ! -e "./$shard" ] && [ ! -L "./$shard" ] || { echo taken; exit 0; }
umask 077
if ! tar -cf "./$shard.kx-part" "$@" 2>/dev/null; then rm -f -- "./$shard.kx-part"; echo no-room; exit 0; fi
mv -- "./$shard.kx-part" "./$shard" || { echo no-room; exit 0; }
sync
sum=$(sha256sum -- "./$shard" | cut -c 1-64)
removed=0
for path do
  if tar -xOf "./$shard" "$path" 2>/dev/null | cmp -s - "$path" && rm -f -- "$path"; then removed=$((removed + 1)); fi
done
printf 'packed %s %s\\n' "$removed" "$sum"
`

/** Arguments: folder, shard, its hash, names. Takes every file out again, compares it, and only then removes the shard. */
const unpackScript = `
set -u
LC_ALL=C; export LC_ALL
folder=$1 shard=$2 sum=$3; shift 3
cd -P -- "$folder" || { echo gone; exit 0; }
here=$(pwd -P && printf x); [ "\${here%?x}" = "$folder" ] || { echo changed; exit 0; }
[ -f "./$shard" ] && [ ! -L "./$shard" ] || { echo gone; exit 0; }
[ "$(sha256sum -- "./$shard" | cut -c 1-64)" = "$sum" ] || { echo changed; exit 0; }
for name do
  [ ! -L "./$name" ] || { echo taken; exit 0; }
  [ ! -e "./$name" ] || tar -xOf "./$shard" "./$name" | cmp -s - "./$name" || { echo taken; exit 0; }
done
# What is there already equals it; the others are missing.
for name do
  [ -e "./$name" ] || tar -xpf "./$shard" "./$name" 2>/dev/null || { echo no-room; exit 0; }
  tar -xOf "./$shard" "./$name" | cmp -s - "./$name" || { echo no-room; exit 0; }
done
rm -f -- "./$shard" && echo unpacked
`

export type Packed =
  | { readonly kind: 'packed'; readonly shard: Shard; readonly removed: number }
  | { readonly kind: 'left'; readonly why: 'changed' | 'taken' | 'no-room' | 'unknown' }

/** Packs one batch of one folder. */
export async function packOne(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  root: string,
  name: string,
  files: readonly SeenFile[],
): Promise<Packed> {
  const answer = (await ask(context, packScript, [root, name, ...files.flatMap(wordsOf)], 1800))
    .toString('latin1')
    .trim()
  const match = /^packed (\d+) ([0-9a-f]{64})$/.exec(answer)
  if (match?.[2] !== undefined) {
    const shard = {
      folder: dirname(files[0]?.path ?? ''),
      name,
      sha256: match[2],
      files: files.map((file) => basename(file.path)),
    }
    return { kind: 'packed', shard, removed: Number(match[1]) }
  }
  return { kind: 'left', why: answer === 'changed' || answer === 'taken' || answer === 'no-room' ? answer : 'unknown' }
}

/** Files of a folder in pieces that become one shard each. */
export const shardsOf = (files: readonly SeenFile[]): readonly (readonly SeenFile[])[] => inBatches(files, wordsOf)

/** Takes a shard apart again; the word says how it went. */
export async function unpackOne(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  { folder, name, sha256, files }: Shard,
): Promise<string> {
  return (await ask(context, unpackScript, [folder, name, sha256, ...files], 1800)).toString('latin1').trim()
}

/** A file that lies on another file system of the host for a moment, so that there is one inode for the first shard. */
export interface Lent {
  readonly path: string
  readonly at: string
}

/** Arguments: root, what `enter` wants, then places. Copies the file to the first place on another file system, compares, removes it. */
const lendScript = `${enterFunction}
root=$1; shift
enter "$@" || exit 6
own=$(stat -c %d -- "./$name"); key=$2-$4
shift 5
for place do
  [ -d "$place" ] && [ ! -L "$place" ] && [ "$(stat -c %d -- "$place")" != "$own" ] || continue
  lent=$place/.kx-lent-$key
  [ ! -e "$lent" ] && [ ! -L "$lent" ] || continue
  (umask 077; set -C; cat -- "./$name" >"$lent") 2>/dev/null && cmp -s -- "./$name" "$lent" && touch -r "./$name" -- "$lent" || { rm -f -- "$lent"; continue; }
  chmod "$(stat -c %a -- "./$name")" -- "$lent"
  sync
  is_same && rm -f -- "./$name" && printf '%s' "$lent"
  exit 0
done
`
const giveBackScript = `
[ -f "$2" ] && [ ! -L "$2" ] || { [ -f "$1" ] && echo back; exit 0; }
[ ! -e "$1" ] && [ ! -L "$1" ] || { echo taken; exit 0; }
cp -p -- "$2" "$1.kx-part" && cmp -s -- "$2" "$1.kx-part" && mv -- "$1.kx-part" "$1" && rm -f -- "$2" && echo back
`

/** Lends one file to another file system of the host; null: there is none that takes it. */
export async function lendOne(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  root: string,
  file: SeenFile,
  places: readonly string[],
): Promise<Lent | null> {
  const at = (await ask(context, lendScript, [root, ...wordsOf(file), ...places], 120)).toString('utf8')
  return at === '' ? null : { path: file.path, at }
}

/** Brings it back, compared; false: it still lies where it was lent to. */
export async function giveBack(
  context: Pick<CellContext<unknown>, 'host' | 'signal'>,
  { path, at }: Lent,
): Promise<boolean> {
  return (await ask(context, giveBackScript, [path, at], 120)).toString('latin1').trim() === 'back'
}
