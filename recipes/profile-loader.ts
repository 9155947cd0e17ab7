import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { formatPercent } from '../src/text/format.ts'
import { ask, checkedUnit, clean, folderOf, looksOnly, numberOf, readFacts, shellKit } from './parts/ask.ts'
import { readText } from './parts/files.ts'
import { readMetrics } from './parts/metrics.ts'

/** What the processes of a unit are seen to do, ten looks a second. Words: folder, unit, looks. */
const source = `${shellKit}
cd -- "$1/units/$2" || exit 66
[ -f pid ] && read -r p t b _ <pid && alive "$p" "$t" "$b" || { echo gone=yes; exit 0; }
looks=0 computes=0 waits=0 sleeps=0
while [ "$looks" -lt "$3" ]; do
  states=$(cat /proc/[0-9]*/stat 2>/dev/null | awk -v group="$p" '{ rest = $0; sub(/^.*\\) /, "", rest); split(rest, f, " "); if (f[3] == group) printf "%s", f[1] }')
  case $states in *R*) computes=$((computes + 1)) ;; *D*) waits=$((waits + 1)) ;; *) sleeps=$((sleeps + 1)) ;; esac
  looks=$((looks + 1))
  sleep 0.1 2>/dev/null || sleep 1
done
printf 'looks=%s\\ncomputes=%s\\nwaits=%s\\nsleeps=%s\\n' "$looks" "$computes" "$waits" "$sleeps"
`

const parameters = z.object({
  unit: z.string().describe('unit to look at'),
  dataMetric: z.string().default('data_seconds').describe('name in metrics.jsonl of the seconds a step waits for data'),
  stepMetric: z.string().default('step_seconds').describe('name of the seconds of a whole step'),
  looks: z
    .number()
    .int()
    .min(1)
    .max(600)
    .default(50)
    .describe('looks at its processes, ten a second, where the metrics do not say it'),
})

type Context = CellContext<z.infer<typeof parameters>>

/** Median share of data time in the newest 200 steps; null: the unit does not write both. */
async function measured(context: Context): Promise<{ share: number; steps: number } | null> {
  const { unit, dataMetric, stepMetric } = context.parameters
  const read = await readText(context, `${folderOf(context)}/units/${unit}/metrics.jsonl`)
  if (read === null) return null
  const shares = readMetrics(read.text)
    .rows.slice(-200)
    .flatMap(({ values }) => {
      const [data, step] = [values[dataMetric], values[stepMetric]]
      return data === undefined || step === undefined || step <= 0 ? [] : [data / step]
    })
    .sort((a, b) => a - b)
  const middle = shares[Math.floor(shares.length / 2)]
  return middle === undefined ? null : { share: middle, steps: shares.length }
}

/** Above this share of a step the loader is what limits it; our own threshold. */
const boundFraction = 0.3

/** Splits the time of a step into data and compute. */
export const recipe = defineRecipe({
  id: 'profile-loader',
  title: 'Profile the loader',
  runbook: {
    when: 'The card is idle while steps advance.',
    touches:
      'Nothing. It takes data and step seconds from the metrics where the unit writes them. Else it looks some seconds long what the processes of the unit are at, which tells waiting for a disk from computing, and no more.',
    back: 'There is nothing to take back.',
  },
  parameters,
  serves: [{ rule: 'gpu-idle', fill: ({ unit }) => (unit === null ? {} : { unit }) }, { rule: 'units-slow' }],
  cells: [
    {
      name: 'profile',
      title: 'Data against compute',
      risk: 'read',
      timeoutSeconds: 180,
      plan: looksOnly(),
      run: async (context) => {
        const { unit, looks } = context.parameters
        checkedUnit(context, unit)
        const told = await measured(context)
        if (told !== null) {
          await context.record('profile', { ...told, from: 'metrics' })
          const isBound = told.share > boundFraction
          context.say(
            isBound
              ? 'more workers, larger reads, or data on a nearer tier (stage-data)'
              : 'the loader is not what limits it',
          )
          return {
            summary: `${isBound ? 'data-bound' : 'compute-bound'}: ${formatPercent(told.share)} of a step is data, median of ${told.steps} steps`,
          }
        }
        const { text } = await ask(context, source, [folderOf(context), unit, String(looks)], { timeoutSeconds: 150 })
        const fact = readFacts(clean(text))
        if (fact('gone') !== null) return { summary: 'unknown: the unit does not run, and its metrics do not say it' }
        const count = (name: string) => numberOf(fact(name)) ?? 0
        const share = {
          computes: count('computes') / looks,
          waits: count('waits') / looks,
          sleeps: count('sleeps') / looks,
        }
        await context.record('profile', { ...share, from: 'looks' })
        context.say(
          `computes ${formatPercent(share.computes)}, waits for a disk ${formatPercent(share.waits)}, sleeps ${formatPercent(share.sleeps)} of ${looks} looks`,
        )
        context.say('have the unit write data_seconds and step_seconds: then it is measured and not guessed')
        if (share.waits > boundFraction)
          return { summary: `likely data-bound: it waits for a disk in ${formatPercent(share.waits)} of the looks` }
        if (share.computes > 0.5)
          return { summary: `likely bound by its own CPU work: ${formatPercent(share.computes)} of the looks` }
        return { summary: 'unknown: it mostly sleeps, which may be the card, the network or a lock' }
      },
    },
  ],
})
