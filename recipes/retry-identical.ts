import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, ask, byKx, folderOf, looksOnly, numberOf, shellKit } from './parts/ask.ts'
import { digestThere } from './parts/config.ts'

/** Units that would be tried again, with their attempts so far; `runner` first. Word: folder. */
const source = `${shellKit}
cd -- "$1" || exit 66
if runner_alive; then echo 'runner alive'; else echo 'runner gone'; fi
for f in failed/* claimed/* queue/*; do
  [ -f "$f" ] || continue
  u=\${f##*/}; u=\${u#*-}; n=0
  [ -f "units/$u/attempts" ] && IFS= read -r n <"units/$u/attempts"
  printf 'unit %s %s\\n' "\${n:-0}" "$u"
done
`

async function whatIsLeft(context: AnyContext) {
  const { text } = await ask(context, source, [folderOf(context)])
  const lines = text.split('\n')
  const units = lines.flatMap((line) => {
    const found = /^unit (\S+) (.+)$/.exec(line)
    return found === null ? [] : [{ unit: found[2] ?? '', attempts: numberOf(found[1]) ?? 0 }]
  })
  return { isRunning: lines.includes('runner alive'), units }
}

/** The same work again under the same configuration, or not at all. */
export const recipe = defineRecipe({
  id: 'retry-identical',
  title: 'Retry, identical',
  runbook: {
    when: 'A unit failed by chance or for want of room that was made since, and nothing of its configuration was changed.',
    touches:
      'Launches the run again: what is finished is skipped, what failed is tried once more from its checkpoint. It refuses when the configuration on the host is not the one of the launch, when a unit has had its tries, or while the runner still works.',
    back: 'Abort the run (kx abort); results so far stay.',
  },
  parameters: z.object({
    tries: z.number().int().min(1).max(20).default(3).describe('attempts of a unit after which a person has to look'),
  }),
  serves: [{ rule: 'unit-failed' }, { rule: 'cut-short' }, { rule: 'crash-mark' }],
  cells: [
    {
      name: 'same',
      title: 'Is the configuration the one of the launch?',
      risk: 'read',
      timeoutSeconds: 60,
      plan: looksOnly('Hashes the config files of the plan on the host.'),
      run: async (context) => {
        const { digest, files } = await digestThere(context, folderOf(context))
        const wanted = context.run?.configDigest ?? null
        if (wanted === null)
          return context.fail('The digest of the configuration of this run is not known.', 'Check the plan (kx plan).')
        if (digest !== wanted)
          return context.fail(
            `The configuration on ${context.host.name} is not the one of the run: ${digest.slice(0, 12)}, wanted ${wanted.slice(0, 12)}.`,
            'This would be another experiment: plan it as a new run, or bring the files back (code-drift).',
          )
        await context.record('digest', digest)
        return { summary: `${files} config files, digest ${digest.slice(0, 12)}` }
      },
    },
    {
      name: 'again',
      title: 'Launch again',
      risk: 'change',
      timeoutSeconds: 600,
      plan: async (context): Promise<CellPlan> => {
        const { isRunning, units } = await whatIsLeft(context)
        const targets = units.map(({ unit }) => unit)
        if (isRunning)
          return {
            change: 'unknown',
            lines: ['The runner still works: what fails is known when it is over.'],
            foundBy: 'probe',
            targets,
          }
        if (units.length === 0) return { change: 'no', lines: ['Nothing is left to be tried.'], foundBy: 'probe' }
        const lines = units.map(({ unit, attempts }) => `${unit}: attempt ${attempts + 1}`)
        return { change: 'yes', lines, foundBy: 'probe', targets }
      },
      run: async (context) => {
        const { isRunning, units } = await whatIsLeft(context)
        if (isRunning) return context.fail('The runner still works.', 'Wait for its end, or abort it, then retry.')
        if (context.targets.length === 0) return { summary: 'nothing is left to be tried' }
        const tired = units.filter(({ attempts }) => attempts >= context.parameters.tries)
        if (tired.length > 0)
          return context.fail(
            `${tired.map(({ unit, attempts }) => `${unit} (${attempts})`).join(', ')}: tried as often as allowed.`,
            'Collect evidence and read it: chance does not fail that often.',
          )
        // Looked at once more, directly before: an edit since the first cell would make it another experiment.
        const { digest } = await digestThere(context, folderOf(context))
        if (digest !== context.results.same?.digest)
          return context.fail('The configuration was changed since the first look.', 'Nothing was started.')
        const { summary } = await byKx(context, 'launch.start', { host: context.host.name })
        return { summary }
      },
      probe: async (context) => ((await whatIsLeft(context)).isRunning ? 'done' : 'unknown'),
    },
  ],
})
