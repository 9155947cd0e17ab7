import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { formatBytes, plural } from '../src/text/format.ts'
import { ask, byKx, clean, folderOf, looksOnly } from './parts/ask.ts'

/** Size and path of every file that a unit or a step left. Word: folder. */
const source = `set -u
cd -- "$1" || exit 66
for top in units after; do
  [ -d "$top" ] && find "$top" -type f -exec stat -c '%s %n' {} +
done
exit 0
`

const parameters = z.object({
  only: z.string().default('').describe('a folder or path such as units/a; all that is declared by default'),
})

type Context = CellContext<z.infer<typeof parameters>>

/** What a plain pattern of the plan means, `**` and `{a,b}` left to kx itself: null for those. */
function matcher(glob: string): RegExp | null {
  if (glob.includes('**') || /[{}[\]]/.test(glob)) return null
  const source = glob
    .split('*')
    .map((part) => part.replaceAll(/[.+?^$()|\\]/g, '\\$&'))
    .join('[^/]*')
  return new RegExp(`^${source}$`)
}

/** Declared files there that are not here, or are shorter or longer here. */
async function roster(context: Context) {
  const { run } = context
  if (run === null) return context.fail('No run is open.', 'Open the run whose files are meant.')
  const declared = Array.isArray(run.plan.artifacts) ? (run.plan.artifacts as readonly { glob?: unknown }[]) : []
  const matchers = declared.map(({ glob }) => (typeof glob === 'string' ? matcher(glob) : null))
  const { text, isCut } = await ask(context, source, [folderOf(context)], { timeoutSeconds: 120 })
  const files = text.split('\n').flatMap((line) => {
    const found = /^(\d+) (.+)$/.exec(line)
    const path = found?.[2] ?? ''
    const isWanted = matchers.some((each) => each?.test(path)) && path.startsWith(context.parameters.only)
    return found === null || !isWanted ? [] : [{ path, bytes: Number(found[1]) }]
  })
  const lacking = []
  for (const file of files) {
    const here = await stat(join(run.projectFolder, '.kx', 'runs', run.id, 'artifacts', file.path)).catch(() => null)
    if (here?.size !== file.bytes) lacking.push({ ...file, here: here?.size ?? null })
  }
  return { files, lacking, isAllKnown: matchers.every((each) => each !== null) && !isCut }
}

async function planned(context: Context): Promise<CellPlan> {
  const { files, lacking, isAllKnown } = await roster(context)
  const lines = lacking
    .slice(0, 200)
    .map(({ path, bytes, here }) =>
      clean(`${path}: ${here === null ? 'missing' : `${formatBytes(here)} of`} ${formatBytes(bytes)}`),
    )
  if (lacking.length > 0)
    return { change: 'yes', lines, foundBy: 'diff', targets: lacking.map(({ path, bytes }) => `${bytes} ${path}`) }
  return isAllKnown
    ? { change: 'no', lines: [`${plural(files.length, 'declared file')} here in the right size.`], foundBy: 'diff' }
    : { change: 'unknown', lines: ['Some patterns are only understood by the pull itself.'], foundBy: 'diff' }
}

/** Goes on with a copy that was cut, and believes it only by its hashes. */
export const recipe = defineRecipe({
  id: 'resync',
  title: 'Resume a transfer',
  runbook: {
    when: 'A pull was cut, or what was called synced is missing.',
    touches:
      'Compares the declared files on the host with those here by size, pulls (what came already is not sent again), and reads every pulled file again by hash. Nothing on the host is changed.',
    back: 'Nothing to take back: files that were pulled stay.',
  },
  parameters,
  serves: [{ rule: 'suspect-finish' }],
  cells: [
    {
      name: 'pull',
      title: 'Pull what is missing',
      risk: 'change',
      timeoutSeconds: 86_400,
      plan: planned,
      run: async (context) => {
        const { only } = context.parameters
        const host = context.host.name
        const { summary } = await byKx(context, 'transfer.pull', only === '' ? { host } : { host, only })
        const { lacking } = await roster(context)
        if (lacking.length > 0)
          return context.fail(
            clean(
              `${plural(lacking.length, 'file')} still missing or of another size: ${lacking
                .slice(0, 5)
                .map(({ path }) => path)
                .join(', ')}.`,
            ),
            'What a unit still writes changes while it is copied: pull again when it has ended.',
          )
        return { summary }
      },
      probe: async (context) => ((await roster(context)).lacking.length === 0 ? 'done' : 'not-done'),
    },
    {
      name: 'verify',
      title: 'Read it again',
      risk: 'read',
      timeoutSeconds: 86_400,
      plan: looksOnly(),
      run: async (context) => ({
        summary: (await byKx(context, 'transfer.verify', { host: context.host.name })).summary,
      }),
    },
  ],
})
