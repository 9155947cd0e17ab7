import { z } from 'zod'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { plural } from '../src/text/format.ts'
import { ask, byKx, clean, folderOf, looksOnly, numberOf, shellKit } from './parts/ask.ts'
import { lookAtRun } from './parts/run-look.ts'

/** One line a unit that is not done: rows, first and last step, how many checkpoints, name. Word: folder. */
const state = `${shellKit}
cd -- "$1" || exit 66
step_at() { sed -n "$1p" "$d/metrics.jsonl" | sed -n 's/.*"step": *\\([0-9][0-9]*\\).*/\\1/p'; }
for d in units/*/; do
  d=\${d%/}
  [ -d "$d" ] || continue
  grep -q '^state=done' "$d/exit" 2>/dev/null && continue
  rows=0 first=- last=-
  if [ -s "$d/metrics.jsonl" ]; then rows=$(wc -l <"$d/metrics.jsonl"); first=$(step_at 1); [ "$rows" = 0 ] || last=$(step_at "$rows"); fi
  n=0; for c in "$d"/checkpoints/*; do [ -e "$c" ] && n=$((n + 1)); done
  printf '%s %s %s %s %s\\n' "$rows" "\${first:--}" "\${last:--}" "$n" "\${d#units/}"
done
exit 0
`

/** The row behind those of before, of one unit. Words: folder, unit, rows. */
const nextRow = `set -u
cd -- "$1" || exit 66
[ -f "units/$2/metrics.jsonl" ] && sed -n "$(($3 + 1))p" "units/$2/metrics.jsonl" | sed -n 's/.*"step": *\\([0-9][0-9]*\\).*/\\1/p'
grep -q '^state=done' "units/$2/exit" 2>/dev/null && echo done
exit 0
`

interface Before {
  readonly unit: string
  readonly rows: number
  readonly first: number | null
  readonly last: number | null
  readonly checkpoints: number
}

async function notDone(context: CellContext<unknown>): Promise<readonly Before[]> {
  const { text } = await ask(context, state, [folderOf(context)])
  return text.split('\n').flatMap((line): Before[] => {
    const [rows, first, last, checkpoints, ...unit] = line.split(' ')
    if (unit.length === 0) return []
    return [
      {
        unit: unit.join(' '),
        rows: numberOf(rows) ?? 0,
        first: numberOf(first),
        last: numberOf(last),
        checkpoints: numberOf(checkpoints) ?? 0,
      },
    ]
  })
}

const recorded = ({ results }: CellContext<unknown>) =>
  ((results.before?.units ?? []) as readonly Before[]).filter(({ checkpoints, rows }) => checkpoints > 0 && rows > 0)

async function nextOf(context: CellContext<unknown>, { unit, rows }: Before) {
  const { text } = await ask(context, nextRow, [folderOf(context), unit, String(rows)])
  const lines = text.trim().split('\n')
  return { step: numberOf(lines[0]), isDone: lines.includes('done') }
}

/** Launches a run again and sees with its own eyes that the steps continue. */
export const recipe = defineRecipe({
  id: 'resume',
  title: 'Resume and see it continue',
  runbook: {
    when: 'A run was cut (clock, preemption, node, abort), and it shall go on from its checkpoints.',
    touches:
      'Writes down how far every unit is, launches again, waits for the first new step of each unit that had a checkpoint, and fails loudly when one began anew.',
    back: 'Abort the run (kx abort); results so far stay.',
  },
  parameters: z.object({}),
  serves: [{ rule: 'cut-short' }, { rule: 'dead' }],
  cells: [
    {
      name: 'before',
      title: 'How far it is',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly(),
      run: async (context) => {
        const units = await notDone(context)
        await context.record('units', units)
        for (const { unit, last, checkpoints } of units.slice(0, 50))
          context.say(
            clean(`${unit}: ${last === null ? 'no step yet' : `step ${last}`}, ${plural(checkpoints, 'checkpoint')}`),
          )
        return { summary: `${plural(units.length, 'unit')} to go on` }
      },
    },
    {
      name: 'launch',
      title: 'Launch again',
      risk: 'change',
      timeoutSeconds: 600,
      plan: async (context): Promise<CellPlan> => {
        const look = await lookAtRun(context)
        if (!look.isFolderThere)
          return { change: 'unknown', lines: ['The folder of the run is not there.'], foundBy: 'probe' }
        if (look.runner === 'alive') return { change: 'no', lines: ['The runner works.'], foundBy: 'probe' }
        const targets = (await notDone(context)).map(({ unit }) => unit)
        return { change: 'yes', lines: targets.map((unit) => clean(`goes on: ${unit}`)), foundBy: 'probe', targets }
      },
      run: async (context) => {
        const look = await lookAtRun(context)
        if (look.runner === 'alive') return { summary: 'the runner works already' }
        if (!look.isFolderThere)
          return context.fail('The folder of the run is not there.', 'Compare the machines first (host-identity).')
        return { summary: (await byKx(context, 'launch.start', { host: context.host.name })).summary }
      },
      probe: async (context) => {
        const { runner } = await lookAtRun(context)
        return runner === 'alive' ? 'done' : runner === 'gone' ? 'not-done' : 'unknown'
      },
    },
    {
      name: 'continues',
      title: 'See the steps continue',
      risk: 'read',
      timeoutSeconds: 3600,
      plan: looksOnly('Waits for the first new step of units that had a checkpoint.'),
      waitUntil: {
        everySeconds: 5,
        isTrue: async (context) => {
          const { runner } = await lookAtRun(context)
          let seen = 0
          const units = recorded(context)
          for (const each of units) {
            const { step, isDone } = await nextOf(context, each)
            if (step !== null || isDone) seen++
          }
          // Units that wait for a worker have nothing to show: one that went on is enough to tell how it loads.
          return seen > 0 || units.length === 0 || runner === 'gone'
        },
      },
      run: async (context) => {
        const units = recorded(context)
        const seen = []
        for (const each of units) seen.push({ ...each, ...(await nextOf(context, each)) })
        const anew = seen.filter(
          ({ step, first, last }) => step !== null && step <= (first ?? 0) && (last ?? 0) > (first ?? 0),
        )
        if (anew.length > 0)
          return context.fail(
            clean(
              `${anew.map(({ unit, step, last }) => `${unit} began at step ${step}, it had reached ${last}`).join('; ')}.`,
            ),
            'Abort it: it pays for what was done already. Hold the drill (resume-drill).',
          )
        const on = seen.filter(({ step, isDone }) => step !== null || isDone)
        for (const { unit, last, step } of on) context.say(clean(`${unit}: from step ${last} to ${step ?? 'its end'}`))
        if (units.length === 0) return { summary: 'no unit had a checkpoint: nothing could continue' }
        if (on.length === 0) return context.fail('No unit wrote a step.', 'Look why (why-gone).')
        return { summary: `${on.length} of ${plural(units.length, 'unit')} seen to continue` }
      },
    },
  ],
})
