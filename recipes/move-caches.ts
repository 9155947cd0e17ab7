import { basename, dirname } from 'node:path/posix'
import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, NoAnswer, orUnknown, pathOn, tierFor } from '../src/recipe/shelf/ask.ts'
import { spaceAt } from '../src/recipe/shelf/space.ts'
import { survey } from '../src/recipe/shelf/survey.ts'
import { formatBytes, plural } from '../src/text/format.ts'

const parameters = z.object({
  caches: z
    .array(z.string())
    .default([
      '$HOME/.cache/huggingface',
      '$HOME/.cache/torch',
      '$HOME/.cache/pip',
      '$HOME/.cache/uv',
      '$HOME/.conda/pkgs',
    ])
    .describe('Folders of caches. Those that are not there are left out.'),
  target: z.string().default('').describe('Folder to move them into. Empty: kx-caches on the data tier.'),
})
type Context = CellContext<z.infer<typeof parameters>>

/** Device of a folder, or of the nearest one above it that is there. */
const deviceScript =
  'path=$1; while [ ! -e "$path" ] && [ -n "$path" ]; do path=${path%/*}; done; stat -L -c %d -- "${path:-/}"'

const digestFunction = `
set -u
LC_ALL=C; export LC_ALL
# Names, contents and links of a tree in one hash.
digest() {
  ( cd -P -- "$1" && {
    find . -type d | sort
    find . -type f -exec sha256sum -- {} + | sort
    find . -type l -exec sh -c 'for link do printf "%s -> " "$link"; readlink -- "$link"; done' kx {} + | sort
  } | sha256sum )
}
copy() { mkdir -m 700 -- "$2" && cp -a -- "$1/." "$2/" && [ "$(digest "$1")" = "$(digest "$2")" ]; }
`
/** Arguments: cache, new place. The old one stays beside it as .kx-old until it was compared once more. */
const moveScript = `${digestFunction}
from=$1 to=$2
[ -d "$from" ] && [ ! -L "$from" ] || { echo 'the cache is no plain folder any more' >&2; exit 5; }
for path in "$to" "$to.kx-part" "$from.kx-old"; do
  [ ! -e "$path" ] && [ ! -L "$path" ] || { printf '%s is there already\\n' "$path" >&2; exit 9; }
done
mkdir -p -- "\${to%/*}" || exit 7
if ! copy "$from" "$to.kx-part"; then echo 'the copy does not equal the cache' >&2; exit 8; fi
mv -- "$to.kx-part" "$to" && mv -- "$from" "$from.kx-old" || exit 7
if ! ln -s -- "$to" "$from"; then mv -- "$from.kx-old" "$from"; echo 'the link could not be made' >&2; exit 7; fi
if [ "$(digest "$from.kx-old")" != "$(digest "$to")" ]; then
  rm -f -- "$from"; mv -- "$from.kx-old" "$from"
  echo 'somebody wrote into the cache meanwhile: it is where it was' >&2; exit 8
fi
echo moved
`
const backScript = `${digestFunction}
from=$1 to=$2
[ -L "$from" ] && [ "$(readlink -- "$from")" = "$to" ] && [ -d "$to" ] || { printf '%s is not the link that was made\\n' "$from" >&2; exit 5; }
[ ! -e "$from.kx-part" ] || { printf '%s is there already\\n' "$from.kx-part" >&2; exit 9; }
copy "$to" "$from.kx-part" || { echo 'the copy does not equal the cache' >&2; exit 8; }
rm -f -- "$from" && mv -- "$from.kx-part" "$from" && echo back
`

interface Move {
  readonly from: string
  readonly to: string
}

async function look(context: Context) {
  const { host, parameters: wanted } = context
  const tier = tierFor(host, 'data', 'scratch')
  if (wanted.target === '' && tier === null)
    throw new NoAnswer(`The profile ${host.profile} has no data tier: name a target.`)
  const target =
    wanted.target === '' ? `${await pathOn(context, tier?.path ?? '')}/kx-caches` : await pathOn(context, wanted.target)
  const deviceOf = async (path: string) => (await ask(context, deviceScript, [path])).toString('latin1').trim()
  const device = await deviceOf(target)
  const moves: (Move & { readonly bytes: number })[] = []
  const kept: string[] = []
  let isUnknown = false
  for (const cache of wanted.caches) {
    const from = await pathOn(context, cache)
    const kind = (await host.stat(from))?.kind ?? null
    if (kind === null) continue
    if (kind !== 'folder') kept.push(`${from}: a ${kind}, so it was moved already, or is none of ours`)
    else if ((await deviceOf(from)) === device) kept.push(`${from}: on the same file system as ${target}`)
    else {
      const seen = await survey(context, from, [])
      const isOpen = seen.files.some(
        (file) => seen.open.has(`${file.device} ${file.inode}`) || seen.mapped.has(file.inode),
      )
      if (isOpen) kept.push(`${from}: a process has files of it open`)
      else if (seen.hiddenProcesses > 0) {
        isUnknown = true
        kept.push(`${from}: whether somebody has files of it open cannot be seen`)
      } else if (seen.root !== from) kept.push(`${from}: a folder on the way to it is a symlink`)
      else {
        const name = from.replace(/^\/+/, '').replaceAll('/', '_')
        moves.push({ from, to: `${target}/${name}`, bytes: seen.files.reduce((sum, file) => sum + file.takenBytes, 0) })
      }
    }
  }
  return { target, moves, kept, isUnknown }
}

export const recipe = defineRecipe({
  id: 'move-caches',
  title: 'Move caches off the system disk',
  runbook: {
    when: 'The system disk fills with caches of hubs and installers while the data tier has room.',
    touches:
      'Folders of caches that nobody has open: each is copied to the data tier, compared file by file, replaced by a symlink, compared once more, and only then removed from the system disk.',
    back: 'Its undo copies each back, compares, and removes the copy and the link. For good, set HF_HOME, PIP_CACHE_DIR and the like in the plan.',
  },
  parameters,
  serves: [{ rule: 'audit.space-hogs' }, { rule: 'disk-bytes/system' }],
  cells: [
    {
      name: 'move',
      title: 'Move each cache and leave a link',
      risk: 'change',
      timeoutSeconds: 6 * 3600,
      plan: (context) =>
        orUnknown(async () => {
          const { target, moves, kept, isUnknown } = await look(context)
          const bytes = moves.reduce((sum, move) => sum + move.bytes, 0)
          const lines = [...moves.map((move) => `move ${formatBytes(move.bytes)}: ${move.from} to ${move.to}`), ...kept]
          const space = await spaceAt(context, target)
          const room = space.bytes.isKnown ? space.bytes.value.availableBytes : null
          if (moves.length > 0 && (room === null || room < bytes))
            return {
              change: 'unknown',
              lines: [`whether ${formatBytes(bytes)} fit there is not known, or they do not`, ...lines],
              foundBy: 'probe',
              targets: [],
            }
          return {
            change: moves.length > 0 ? 'yes' : isUnknown ? 'unknown' : 'no',
            lines: lines.length > 0 ? lines : ['none of these caches is there'],
            foundBy: 'probe',
            targets: moves.map((move) => move.from),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'no cache is to be moved' }
        const { moves } = await look(context)
        const these = moves.filter((move) => context.targets.includes(move.from))
        await context.record(
          'moves',
          these.map(({ from, to }) => ({ from, to })),
        )
        let bytes = 0
        for (const { from, to, bytes: size } of these) {
          try {
            await ask(context, moveScript, [from, to], 3600)
          } catch (error) {
            if (!(error instanceof NoAnswer)) throw error
            await context.host.removeTree(`${to}.kx-part`, dirname(to))
            return context.fail(
              `${from} was not moved: ${error.message}.`,
              'What was moved before it is in its new place; undo brings it back.',
            )
          }
          await context.host.removeTree(`${from}.kx-old`, dirname(from))
          bytes += size
          context.say(`${from} is a link to ${to} now`)
        }
        return { summary: `${plural(these.length, 'cache')} moved, ${formatBytes(bytes)}` }
      },
      probe: async ({ host, results }) => {
        const moves = results.move?.moves as Move[] | undefined
        if (moves === undefined) return 'unknown'
        for (const { from, to } of moves) {
          if ((await host.stat(from))?.kind !== 'symlink' || (await host.stat(to))?.kind !== 'folder') return 'not-done'
          if ((await host.stat(`${from}.kx-old`)) !== null) return 'not-done'
        }
        return 'done'
      },
      undo: async (context) => {
        const moves = (context.results.move?.moves ?? []) as Move[]
        let back = 0
        for (const { from, to } of moves.toReversed()) {
          if ((await context.host.stat(from))?.kind !== 'symlink') continue
          await ask(context, backScript, [from, to], 3600)
          await context.host.removeTree(to, dirname(to))
          context.say(`${basename(from)} is back at ${from}`)
          back += 1
        }
        return { summary: `${plural(back, 'cache')} moved back` }
      },
    },
  ],
})
