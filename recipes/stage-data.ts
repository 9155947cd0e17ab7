import { basename } from 'node:path/posix'
import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, inBatches, NoAnswer, orUnknown, pathOn, tierFor } from '../src/recipe/shelf/ask.ts'
import { removeFiles } from '../src/recipe/shelf/remove.ts'
import { spaceAt, spaceText } from '../src/recipe/shelf/space.ts'
import { protection, type SeenFile, type Survey, survey } from '../src/recipe/shelf/survey.ts'
import { formatBytes, plural } from '../src/text/format.ts'

const parameters = z.object({
  source: z.string().min(1).describe('Folder with the data, on the slow or durable tier.'),
  target: z
    .string()
    .default('')
    .describe('Folder to stage into. Empty: staged/<name> on the scratch tier, else the data tier.'),
  leaveGib: z.number().min(0).default(1).describe('What must stay free on the fast tier, in GiB.'),
})
type Context = CellContext<z.infer<typeof parameters>>

const gibibyte = 1024 ** 3

/**
 * Copies files by name below two folders, each compared byte for byte before it gets its name. Arguments: source, target,
 * names. Prints one code a file.
 */
const copyScript = `
set -u
LC_ALL=C; export LC_ALL
from=$1; to=$2; shift 2
mkdir -p -- "$to" || exit 1
to=$(cd -P -- "$to" && pwd -P && printf x) || exit 1
to=\${to%?x}
for name do
  (
    leaf=$name
    cd -P -- "$to" || exit 7
    while :; do
      case $leaf in */*) ;; *) break ;; esac
      part=\${leaf%%/*}; leaf=\${leaf#*/}
      [ ! -L "./$part" ] || exit 4
      [ -d "./$part" ] || mkdir -- "./$part" || exit 7
      cd -P -- "./$part" || exit 7
    done
    [ ! -L "./$leaf" ] && [ ! -d "./$leaf" ] || exit 5
    [ ! -L "$from/$name" ] && [ -f "$from/$name" ] || exit 6
    trap 'rm -f -- "./$leaf.kx-part"' EXIT
    rm -f -- "./$leaf.kx-part"
    cp -p -- "$from/$name" "./$leaf.kx-part" && cmp -s -- "$from/$name" "./$leaf.kx-part" || exit 8
    mv -f -- "./$leaf.kx-part" "./$leaf" || exit 7
  ) >/dev/null 2>&1
  printf '%d\\n' "$?"
done
sync
`

const relative = (seen: Survey) =>
  new Map(seen.files.map((file): [string, SeenFile] => [file.path.slice(seen.root.length + 1), file]))
const isSame = (a: SeenFile, b: SeenFile | undefined) =>
  b !== undefined && a.bytes === b.bytes && a.mtimeSeconds === b.mtimeSeconds

async function look(context: Context) {
  const { parameters: wanted, host } = context
  const source = await survey(context, await pathOn(context, wanted.source), [])
  const tier = tierFor(host, 'scratch', 'data')
  if (wanted.target === '' && tier === null)
    throw new NoAnswer(`The profile ${host.profile} has no fast tier: name a target.`)
  const target =
    wanted.target === ''
      ? `${await pathOn(context, tier?.path ?? '')}/staged/${basename(source.root)}`
      : await pathOn(context, wanted.target)
  const kind = (await host.stat(target))?.kind ?? null
  if (kind !== null && kind !== 'folder') throw new NoAnswer(`${target} is a ${kind}: name another target`)
  const there = kind === null ? null : await survey(context, target, [])
  if (
    there !== null &&
    (there.root === source.root || there.root.startsWith(`${source.root}/`) || source.root.startsWith(`${there.root}/`))
  )
    throw new NoAnswer('source and target lie in one another')
  const has = there === null ? new Map<string, SeenFile>() : relative(there)
  const missing = [...relative(source)].filter(([name, file]) => !isSame(file, has.get(name)))
  return { source, target, there, has, missing }
}

export const recipe = defineRecipe({
  id: 'stage-data',
  title: 'Stage data to the fast tier',
  runbook: {
    when: 'The data lie on a shared or network mount and the loader waits for it.',
    touches:
      'Copies plain files of one folder to the fast tier, each compared byte for byte before it gets its name; what is there already is not copied again. The source is only read. Symlinks are not followed and not copied.',
    back: 'Its undo removes the copies that it made, as long as they equal the source and nobody has them open. The fast tier is often lost with a stop: stage again then.',
  },
  parameters,
  serves: [
    {
      rule: 'audit.data-locality',
      fill: ({ evidence: { path } }) => (typeof path === 'string' ? { source: path } : {}),
    },
  ],
  cells: [
    {
      name: 'copy',
      title: 'Copy what is not there yet',
      risk: 'change',
      timeoutSeconds: 12 * 3600,
      retry: { times: 2, delaySeconds: 10, isIdempotent: true },
      plan: (context) =>
        orUnknown(async () => {
          const { source, target, missing } = await look(context)
          if (missing.length === 0)
            return {
              change: 'no',
              lines: [`all ${plural(source.files.length, 'file')} are in ${target}`],
              foundBy: 'diff',
              targets: [],
            }
          const bytes = missing.reduce((sum, [, file]) => sum + file.bytes, 0)
          const space = await spaceAt(context, target)
          const need = bytes + context.parameters.leaveGib * gibibyte
          const why = !space.bytes.isKnown
            ? `the room there is not known: ${space.bytes.reason}`
            : space.bytes.value.availableBytes < need
              ? `it does not fit: ${formatBytes(need)} wanted with what must stay free`
              : space.inodes.isKnown && space.inodes.value.free < missing.length + 100
                ? 'there are not enough inodes for so many files'
                : null
          const lines = [
            `${plural(missing.length, 'file')}, ${formatBytes(bytes)}, from ${source.root} to ${target}`,
            spaceText(space),
          ]
          if (why !== null) return { change: 'unknown', lines: [why, ...lines], foundBy: 'probe', targets: [] }
          return { change: 'yes', lines, foundBy: 'diff', targets: missing.map(([name]) => `${target}/${name}`) }
        }),
      run: async (context) => {
        const { source, target, missing } = await look(context)
        if (missing.length === 0) return { summary: 'all of it is there' }
        if (context.targets.length === 0) return context.fail('It cannot be staged.', 'The dry run says why.')
        const these = missing.filter(([name]) => context.targets.includes(`${target}/${name}`))
        await context.record('place', { source: source.root, target, names: these.map(([name]) => name) })
        const failed: string[] = []
        let bytes = 0
        for (const batch of inBatches(these, ([name]) => [name])) {
          const codes = (
            await ask(context, copyScript, [source.root, target, ...batch.map(([name]) => name)], 6 * 3600)
          )
            .toString('latin1')
            .split('\n')
          for (const [n, [name, file]] of batch.entries())
            if (codes[n] === '0') bytes += file.bytes
            else failed.push(name)
          context.say(`${formatBytes(bytes)} copied`)
        }
        for (const name of failed) context.say(`not copied: ${name}`)
        if (failed.length > 0)
          context.fail(
            `${plural(failed.length, 'file')} were not copied.`,
            'Run it again: what is there is not copied twice.',
          )
        return { summary: `${plural(these.length, 'file')}, ${formatBytes(bytes)}, staged in ${target}` }
      },
      probe: async (context) => {
        try {
          return (await look(context)).missing.length === 0 ? 'done' : 'not-done'
        } catch (error) {
          if (error instanceof NoAnswer) return 'unknown'
          throw error
        }
      },
      undo: async (context) => {
        const place = context.results.copy?.place as { target: string; names: string[] } | undefined
        if (place === undefined) return { summary: 'nothing was staged' }
        const { source, there, has } = await look({
          ...context,
          parameters: { ...context.parameters, target: place.target },
        })
        if (there === null) return { summary: 'the copies are gone already' }
        const from = relative(source)
        const mine = place.names.flatMap((name) => {
          const file = has.get(name)
          const original = from.get(name)
          // Without its equal in the source it is the only one.
          if (file === undefined || original === undefined || !isSame(original, file)) return []
          return protection(file, there) === null ? [file] : []
        })
        const { done, left } = await removeFiles(context, there.root, mine)
        for (const { path, why } of left) context.say(`left ${path}: ${why}`)
        return { summary: `${done.length} of ${plural(place.names.length, 'copy', 'copies')} removed` }
      },
    },
  ],
})
