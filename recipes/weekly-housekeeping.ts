import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { NoAnswer, orUnknown, pathOn, tierFor } from '../src/recipe/shelf/ask.ts'
import { removeFiles, thereOf } from '../src/recipe/shelf/remove.ts'
import { spaceAt, spaceText } from '../src/recipe/shelf/space.ts'
import { protection, type SeenFile, survey } from '../src/recipe/shelf/survey.ts'
import { formatAge, formatBytes, plural } from '../src/text/format.ts'

const parameters = z.object({
  caches: z
    .array(z.string())
    .default(['$HOME/.cache/pip', '$HOME/.cache/uv', '$HOME/.cache/huggingface', '$HOME/.cache/torch'])
    .describe('Folders of caches. Those that are not there are left out.'),
  cacheDays: z.number().min(1).default(14).describe('Cached files that nobody read or wrote for so long go, in days.'),
  runDays: z.number().min(1).default(30).describe('Runs on the host that are older are named, in days.'),
})
type Context = CellContext<z.infer<typeof parameters>>

const day = 86_400

async function oldInCaches(context: Context) {
  const { parameters: wanted, host } = context
  const found: { root: string; files: readonly SeenFile[] }[] = []
  const kept: string[] = []
  for (const cache of wanted.caches) {
    const folder = await pathOn(context, cache)
    if ((await host.stat(folder)) === null) continue
    const seen = await survey(context, folder, [])
    if (seen.hiddenProcesses > 0) throw new NoAnswer(`whether somebody has files of ${folder} open cannot be seen`)
    const limit = seen.clockSeconds - wanted.cacheDays * day
    const old = seen.files.filter((file) => Math.max(file.mtimeSeconds, file.atimeSeconds) < limit)
    const files = old.filter(
      (file) => protection(file, seen) === null && !/best/i.test(file.path.slice(seen.root.length)),
    )
    if (old.length > files.length)
      kept.push(`keep ${plural(old.length - files.length, 'old file')} of ${seen.root}: open, linked, or protected`)
    found.push({ root: seen.root, files })
  }
  return { found, kept, files: found.flatMap((each) => each.files) }
}

export const recipe = defineRecipe({
  id: 'weekly-housekeeping',
  title: 'Weekly housekeeping of a host',
  runbook: {
    when: 'Once a week on a machine that stays, and once a month with an eye on every line.',
    touches:
      'Shows the room of each tier and names runs that lie there for long. Removes cached files that nobody read or wrote for 14 days, by the exact list of its dry run. Runs, results and data are never removed: that is the work of teardown.',
    back: 'What a cache lost is fetched again by whoever needs it. Machines that are stopped for more than seven days are not seen from here: look at the console of the platform.',
  },
  parameters,
  serves: [{ rule: 'audit.space-hogs' }],
  cells: [
    {
      name: 'room',
      title: 'Room of each tier',
      risk: 'read',
      timeoutSeconds: 300,
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const { tiers } = context.host
        let known = 0
        for (const tier of tiers) {
          const path = await pathOn(context, tier.path).catch(() => null)
          if (path === null) {
            context.say(`${tier.id}: the path ${tier.path} is not known on this host`)
            continue
          }
          const space = await spaceAt(context, path)
          if (space.bytes.isKnown) known += 1
          context.say(`${tier.id} ${path}: ${spaceText(space)}`)
        }
        return { summary: `${known} of ${plural(tiers.length, 'tier')} could be measured` }
      },
    },
    {
      name: 'caches',
      title: 'Remove what nobody took from the caches',
      risk: 'destroy',
      needs: ['room'],
      timeoutSeconds: 3600,
      plan: (context) =>
        orUnknown(async () => {
          const { files, kept, found } = await oldInCaches(context)
          const bytes = files.reduce((sum, file) => sum + file.takenBytes, 0)
          return {
            change: files.length > 0 ? 'yes' : 'no',
            lines: [
              `${plural(files.length, 'file')}, ${formatBytes(bytes)}, not used for ${context.parameters.cacheDays} days`,
              ...found.map((each) => `${each.root}: ${plural(each.files.length, 'file')}`),
              ...kept,
            ],
            foundBy: 'probe',
            targets: files.map((file) => file.path),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'the caches hold nothing old' }
        await context.record('asked', context.targets)
        const wanted = new Set(context.targets)
        let count = 0
        let bytes = 0
        for (const { root, files } of (await oldInCaches(context)).found) {
          const { done, left } = await removeFiles(
            context,
            root,
            files.filter((file) => wanted.has(file.path)),
          )
          for (const { path, why } of left) context.say(`left ${path}: ${why}`)
          count += done.length
          bytes += done.reduce((sum, file) => sum + file.takenBytes, 0)
        }
        if (count === 0) context.fail('Nothing of the list could be removed.', 'Make a new dry run.')
        return { summary: `${plural(count, 'cached file')} removed, ${formatBytes(bytes)}` }
      },
      probe: async (context) => {
        const asked = context.results.caches?.asked as string[] | undefined
        if (asked === undefined) return 'unknown'
        return (await thereOf(context, asked)).length === 0 ? 'done' : 'not-done'
      },
    },
    {
      name: 'runs',
      title: 'Runs that lie here for long',
      risk: 'read',
      needs: ['room'],
      timeoutSeconds: 300,
      when: ({ host }) => (tierFor(host, 'data') === null ? 'the profile has no data tier' : true),
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const folder = await pathOn(context, tierFor(context.host, 'data')?.path ?? '')
        if ((await context.host.stat(folder)) === null) return { summary: `${folder} is not there` }
        const seen = await survey(context, folder, ['plan.env'])
        const limit = seen.clockSeconds - context.parameters.runDays * day
        let old = 0
        for (const run of seen.runs) {
          const plan = seen.files.find((file) => file.path === `${run.folder}/plan.env`)
          if (plan === undefined || plan.mtimeSeconds >= limit) continue
          old += 1
          context.say(
            `${run.folder}: launched ${formatAge((seen.clockSeconds - plan.mtimeSeconds) * 1000)} ago; verify and remove it with its own teardown`,
          )
        }
        return { summary: `${old} of ${plural(seen.runs.length, 'run')} older than ${context.parameters.runDays} days` }
      },
    },
  ],
})
