import { basename } from 'node:path/posix'
import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, folderOr, inBatches, orUnknown } from '../src/recipe/shelf/ask.ts'
import { toEach } from '../src/recipe/shelf/checked.ts'
import { thereOf } from '../src/recipe/shelf/remove.ts'
import { protection, survey } from '../src/recipe/shelf/survey.ts'
import { matchName } from '../src/spec/glob.ts'
import { formatBytes, plural } from '../src/text/format.ts'

const parameters = z.object({
  folder: z.string().default('').describe('Folder to look in. Empty: the data tier of the profile.'),
  logs: z.array(z.string()).default(['*.log', '*.out', '*.err']).describe('Names of logs.'),
  largerThanMib: z.number().min(0).default(16).describe('Smaller ones are left, in MiB.'),
  olderThanMinutes: z.number().min(0).default(60).describe('Logs written since then are left, in minutes.'),
})
type Context = CellContext<z.infer<typeof parameters>>

async function look(context: Context) {
  const { parameters: wanted } = context
  // Not in the folder of the run: kx reads the logs there from where it left off.
  const folder = await folderOr(
    { ...context, host: { ...context.host, folder: null } },
    wanted.folder,
    'data',
    'scratch',
  )
  const seen = await survey(context, folder, wanted.logs)
  const targets = []
  const kept: string[] = []
  for (const file of seen.files) {
    if (!wanted.logs.some((pattern) => matchName(basename(file.path), pattern))) continue
    if (file.bytes < wanted.largerThanMib * 1024 * 1024) continue
    const isOfRun = seen.runs.some((run) => file.path.startsWith(`${run.folder}/`))
    const why =
      protection(file, seen) ??
      (isOfRun ? 'it belongs to a run of kx' : null) ??
      (file.mtimeSeconds > seen.clockSeconds - wanted.olderThanMinutes * 60 ? 'it was written a moment ago' : null) ??
      (seen.hiddenProcesses > 0 ? 'whether somebody writes to it cannot be seen' : null)
    if (why === null) targets.push(file)
    else kept.push(`keep ${file.path}: ${why}`)
  }
  return { seen, targets, kept }
}

/** Packed, unpacked again, compared; the time of the log stays. The log goes only then. */
const pack = `
[ ! -e "./$name.gz" ] && [ ! -L "./$name.gz" ] || exit 9
trap 'rm -f -- "./$name.gz.kx-part"' EXIT
set -C
gzip -c -- "./$name" >"./$name.gz.kx-part" || exit 7
gzip -dc -- "./$name.gz.kx-part" | cmp -s - "./$name" || exit 8
touch -r "./$name" -- "./$name.gz.kx-part" || exit 7
is_same || exit 6
mv -- "./$name.gz.kx-part" "./$name.gz" && rm -f -- "./$name" || exit 7
`
const unpackScript = `
set -u
LC_ALL=C; export LC_ALL
for path do
  ( [ -f "$path.gz" ] && [ ! -L "$path.gz" ] || exit 5
    [ ! -e "$path" ] && [ ! -L "$path" ] || exit 9
    set -C
    gzip -dc -- "$path.gz" >"$path" && touch -r "$path.gz" -- "$path" && rm -f -- "$path.gz" || exit 7
  ) >/dev/null 2>&1
  printf '%d\\n' "$?"
done
`

export const recipe = defineRecipe({
  id: 'rotate-logs',
  title: 'Pack old logs',
  runbook: {
    when: 'Logs of tools and of earlier work take room on a tier.',
    touches:
      'Logs by name under one folder that nobody has open and that were not written lately: each becomes a .gz beside it, compared byte for byte before the log goes. Never: logs of runs of kx (it reads on in them), artifacts, links, other file systems.',
    back: 'Its undo unpacks them again; by hand, `gunzip`.',
  },
  parameters,
  serves: [{ rule: 'audit.space-hogs' }],
  cells: [
    {
      name: 'pack',
      title: 'Pack logs that nobody writes to',
      risk: 'change',
      timeoutSeconds: 7200,
      plan: (context) =>
        orUnknown(async () => {
          const { seen, targets, kept } = await look(context)
          const total = targets.reduce((sum, file) => sum + file.bytes, 0)
          return {
            change: targets.length > 0 ? 'yes' : seen.hiddenProcesses > 0 && kept.length > 0 ? 'unknown' : 'no',
            lines: [
              `${plural(targets.length, 'log')} under ${seen.root} would be packed, ${formatBytes(total)}`,
              ...targets.map((file) => `pack ${formatBytes(file.bytes)}: ${file.path}`),
              ...kept,
            ],
            foundBy: 'probe',
            targets: targets.map((file) => file.path),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'no log is to be packed' }
        const { seen, targets } = await look(context)
        const these = targets.filter((file) => context.targets.includes(file.path))
        await context.record(
          'asked',
          these.map((file) => file.path),
        )
        const { done, left } = await toEach(context, seen.root, these, pack)
        for (const { path, why } of left) context.say(`left ${path}: ${why}`)
        await context.record(
          'packed',
          done.map((file) => file.path),
        )
        if (done.length === 0)
          context.fail('No log could be packed.', 'Is there room for the packed ones? See free-disk.')
        return {
          summary: `${plural(done.length, 'log')} packed, of ${formatBytes(done.reduce((sum, f) => sum + f.bytes, 0))}`,
        }
      },
      probe: async (context) => {
        const asked = context.results.pack?.asked as string[] | undefined
        if (asked === undefined) return 'unknown'
        const there = await thereOf(context, [...asked, ...asked.map((path) => `${path}.gz`)])
        return asked.every((path) => !there.includes(path) && there.includes(`${path}.gz`)) ? 'done' : 'not-done'
      },
      undo: async (context) => {
        const asked = (context.results.pack?.asked ?? []) as string[]
        let back = 0
        for (const batch of inBatches(asked, (path) => [path])) {
          const codes = (await ask(context, unpackScript, batch, 3600)).toString('latin1').split('\n')
          for (const [n, path] of batch.entries())
            if (codes[n] === '0') back += 1
            else context.say(`not unpacked: ${path}`)
        }
        return { summary: `${back} of ${plural(asked.length, 'log')} unpacked` }
      },
    },
  ],
})
