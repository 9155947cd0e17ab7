import { z } from 'zod'
import { checkStructure } from '../src/artifact/structure/check.ts'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import type { ArtifactKind } from '../src/spec/schema.ts'
import { formatAge, formatBytes, plural } from '../src/text/format.ts'
import { ask, checkedUnit, clean, folderOf, looksOnly, shellKit } from './parts/ask.ts'

const parameters = z.object({
  unit: z.string().describe('unit whose checkpoints are meant'),
  choose: z
    .string()
    .regex(/^$|^[A-Za-z0-9_][A-Za-z0-9._+=@-]*$/, 'the name of a file')
    .default('')
    .describe('name of the generation to go on from; without it they are only listed'),
})

type Context = CellContext<z.infer<typeof parameters>>

const kinds: readonly (readonly [RegExp, ArtifactKind])[] = [
  [/\.safetensors$/, 'safetensors'],
  [/\.(pt|pth|ckpt|bin)$/, 'torch'],
  [/\.npz$/, 'npz'],
  [/\.npy$/, 'npy'],
  [/\.json$/, 'json'],
  [/\.(h5|hdf5)$/, 'hdf5'],
  [/\.tar$/, 'tar'],
  [/\.gz$/, 'gzip'],
]

const folderFor = (context: Context) =>
  `${folderOf(context)}/units/${checkedUnit(context, context.parameters.unit)}/checkpoints`

/** Files of the folder, newest first, each judged by its format as far as that can be done from here. */
async function generations(context: Context) {
  const entries = await context.host.list(folderFor(context))
  if (entries === null) return context.fail(`Unit ${context.parameters.unit} has no folder of checkpoints.`)
  const files = entries
    .filter(({ kind }) => kind === 'file')
    .sort((a, b) => b.mtimeMs - a.mtimeMs || (a.path < b.path ? 1 : -1))
  const judged = []
  for (const file of files) {
    const kind = kinds.find(([pattern]) => pattern.test(file.path))?.[1] ?? 'other'
    const report = await checkStructure(
      kind,
      {
        path: file.path,
        bytes: file.bytes,
        read: async (offset, length) => (await context.host.read(file.path, offset, length)) ?? new Uint8Array(),
      },
      context.signal,
    )
    const level = kind === 'other' && report.level === 'whole' ? 'not-checkable' : report.level
    judged.push({ ...file, name: file.path.split('/').at(-1) ?? '', level, reason: report.reason ?? null })
  }
  return judged
}

/** Which files would have to go aside for the chosen one to be the newest. */
async function planned(context: Context): Promise<CellPlan> {
  const { choose, unit } = context.parameters
  if (choose === '') return { change: 'no', lines: ['No generation was chosen.'], foundBy: 'declared' }
  const all = await generations(context)
  const at = all.findIndex(({ name }) => name === choose)
  if (at === -1) return { change: 'unknown', lines: [`There is no checkpoint ${choose}.`], foundBy: 'probe' }
  const { text } = await ask(context, isUnitAlive, [folderOf(context), unit])
  if (text.trim() !== 'gone')
    return { change: 'unknown', lines: ['The unit runs: it would save over it.'], foundBy: 'probe' }
  const aside = all.slice(0, at)
  if (aside.length === 0) return { change: 'no', lines: [`${choose} is the newest.`], foundBy: 'probe' }
  return {
    change: 'yes',
    lines: aside.map(({ name }) => clean(`set aside: ${name}`)),
    foundBy: 'probe',
    targets: aside.map(({ path, bytes, inode }) => `${inode} ${bytes} ${path}`),
  }
}

const isUnitAlive = `${shellKit}
cd -- "$1" || exit 66
if [ -f "units/$2/pid" ] && read -r p t b _ <"units/$2/pid" && alive "$p" "$t" "$b"; then echo alive; else echo gone; fi
`

/** Moves without ever writing over another file. Words: from, to. */
const move = `set -u
[ -f "$1" ] || exit 66
[ ! -e "$2" ] || exit 73
mkdir -p -- "\${2%/*}" && mv -- "$1" "$2"
`

/** Lists generations of checkpoints, and goes back to one of them by a person's choice. */
export const recipe = defineRecipe({
  id: 'checkpoint-generations',
  title: 'Checkpoint generations',
  runbook: {
    when: 'The newest checkpoint cannot be read, or is not to be trusted. Never begin afresh in its place.',
    touches:
      'Lists the checkpoints of one unit with time, size and what their format says of them. With a generation chosen, the newer ones are moved to units/<unit>/set-aside, none is deleted, and the next start loads the chosen one.',
    back: 'The undo moves them back to where they were.',
  },
  parameters,
  serves: [
    { rule: 'crash-mark', fill: ({ unit }) => (unit === null ? {} : { unit }) },
    { rule: 'unit-failed', fill: ({ unit }) => (unit === null ? {} : { unit }) },
  ],
  cells: [
    {
      name: 'list',
      title: 'List and judge them',
      risk: 'read',
      timeoutSeconds: 600,
      plan: looksOnly(),
      run: async (context) => {
        const all = await generations(context)
        for (const { name, bytes, mtimeMs, level, reason } of all)
          context.say(
            clean(
              `${level}: ${name}, ${formatBytes(bytes)}, ${formatAge(Date.now() - mtimeMs)}${reason === null ? '' : ` (${reason})`}`,
            ),
          )
        await context.record(
          'generations',
          all.map(({ name, bytes, level }) => ({ name, bytes, level })),
        )
        const newest = all[0]
        const whole = all.find(({ level }) => level === 'whole')
        const words = newest === undefined ? 'no checkpoint' : `newest ${newest.name} is ${newest.level}`
        return {
          summary: clean(
            `${plural(all.length, 'generation')}, ${words}${whole === undefined || whole === newest ? '' : `; the newest whole one is ${whole.name}`}`,
          ),
        }
      },
    },
    {
      name: 'switch',
      title: 'Set newer ones aside',
      risk: 'change',
      timeoutSeconds: 300,
      when: ({ parameters: { choose } }) => (choose === '' ? 'no generation was chosen' : true),
      plan: planned,
      run: async (context) => {
        const fresh = await planned(context)
        if (fresh.change === 'unknown') return context.fail(fresh.lines[0] ?? 'It cannot be told.')
        const chosen = (await generations(context)).find(({ name }) => name === context.parameters.choose)
        if (chosen?.level === 'broken')
          return context.fail(`${chosen.name} is broken itself: ${chosen.reason}`, 'Choose an older one.')
        const moves = context.targets.map((target) => {
          const [inode, bytes, ...rest] = target.split(' ')
          const from = rest.join(' ')
          return {
            inode: Number(inode),
            bytes: Number(bytes),
            from,
            to: from.replace(/\/checkpoints\/([^/]+)$/, '/set-aside/$1'),
          }
        })
        await context.record('moves', moves)
        for (const { inode, bytes, from, to } of moves) {
          const stat = await context.host.stat(from)
          if (stat === null || stat.inode !== inode || stat.bytes !== bytes)
            return context.fail(`${from} is another file than a moment ago.`, 'Something writes there: look first.')
          await ask(context, move, [from, to])
        }
        return { summary: `${plural(moves.length, 'checkpoint')} set aside` }
      },
      undo: async (context) => {
        const moves = (context.results.switch?.moves ?? []) as readonly { from: string; to: string }[]
        let back = 0
        for (const { from, to } of [...moves].reverse()) {
          if ((await context.host.stat(to)) === null) continue
          await ask(context, move, [to, from])
          back++
        }
        return { summary: `${plural(back, 'checkpoint')} back in place` }
      },
      probe: async (context) => {
        const moves = context.results.switch?.moves as readonly { from: string; to: string }[] | undefined
        if (moves === undefined) return 'not-done'
        for (const { from, to } of moves)
          if ((await context.host.stat(from)) !== null || (await context.host.stat(to)) === null) return 'not-done'
        return 'done'
      },
    },
  ],
})
