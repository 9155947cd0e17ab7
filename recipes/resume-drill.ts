import { z } from 'zod'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { ask, checkedUnit, clean, folderOf, numberOf, readFacts, shellKit } from './parts/ask.ts'
import { drillKit } from './parts/drill-script.ts'

/** Words: folder, unit, name of the drill's folder, steps before the kill, seconds for each half. */
const source = `${drillKit}
cd -- "$1" || exit 66
folder=$(pwd -P) unit=$2 name=$3 steps=$4 limit=$5
find_entry "$unit" || { echo "no queue file of unit $unit" >&2; exit 67; }
dir=$folder/drill/$name
[ ! -e "$dir" ] || { echo 'the folder of this drill is there already' >&2; exit 68; }
mkdir -p "$dir/checkpoints" || exit 73
set --
{
  IFS= read -r index; IFS= read -r seed
  while IFS= read -r line; do word=$(printf '%bx' "$line"); set -- "$@" "\${word%x}"; done
} <"$entry"
run_id=$(sed -n 's/^run_id=//p' plan.env 2>/dev/null)
half() {
  attempt=$1; shift
  begin "$dir/log" $((limit + 60)) KX_CONTRACT=1 KX_RUN_ID="$run_id" KX_RUN_DIR="$dir" KX_SMOKE=1 PYTHONUNBUFFERED=1 \\
    KX_UNIT="$unit" KX_UNIT_INDEX="$index" KX_SEED="$seed" KX_ATTEMPT="$attempt" KX_UNIT_DIR="$dir" \\
    KX_CHECKPOINT_DIR="$dir/checkpoints" "$@"
}
rows() { if [ -f "$dir/metrics.jsonl" ]; then wc -l <"$dir/metrics.jsonl"; else echo 0; fi; }
step_at() { sed -n "$1p" "$dir/metrics.jsonl" 2>/dev/null | sed -n 's/.*"step": *\\([0-9][0-9]*\\).*/\\1/p'; }
saved() { for c in "$dir"/checkpoints/*; do [ -e "$c" ] && return 0; done; return 1; }
until_time=$(($(now_s) + limit))
half 1 "$@"
while lives && [ "$(now_s)" -lt "$until_time" ]; do
  [ "$(rows)" -ge "$steps" ] && saved && break
  nap
done
if ! lives; then wait "$child"; echo "early=$?"; echo "rows=$(rows)"; tail -n 3 "$dir/log" | sed 's/^/log=/'; exit 0; fi
kill -TERM "-$child"
tries=0
while lives && [ "$tries" -lt 200 ]; do nap; tries=$((tries + 1)); done
kill -KILL "-$child" 2>/dev/null && [ "$tries" -ge 200 ] && echo hard=yes
wait "$child"; echo "code=$?"
before=$(rows)
echo "rows=$before"
echo "first=$(step_at 1)"
echo "last=$(step_at "$before")"
echo "checkpoints=$(ls "$dir/checkpoints" | wc -l)"
[ "$before" -gt 0 ] || exit 0
until_time=$(($(now_s) + limit))
half 2 "$@"
while lives && [ "$(rows)" -le "$before" ] && [ "$(now_s)" -lt "$until_time" ]; do nap; done
echo "next=$(step_at $((before + 1)))"
lives || { wait "$child"; echo "code2=$?"; }
tail -n 3 "$dir/log" | sed 's/^/log=/'
`

const working = `${shellKit}
cd -- "$1" || exit 66
if runner_alive; then echo alive; else echo gone; fi
[ -e "drill/$2" ] && echo there
exit 0
`

const parameters = z.object({
  unit: z.string().describe('a small unit of the run'),
  steps: z.number().int().min(1).max(100_000).default(2).describe('rows of metrics before it is killed'),
  seconds: z.number().int().min(5).max(3600).default(300).describe('longest time of each half'),
  beside: z.boolean().default(false).describe('also while the runner works: the drill then shares its cards and cores'),
})

type Context = CellContext<z.infer<typeof parameters>>

const nameOf = ({ parameters: { unit }, run }: Context) => `${unit}-${run?.id ?? 'run'}`

async function planned(context: Context): Promise<CellPlan> {
  const unit = checkedUnit(context, context.parameters.unit)
  const name = nameOf(context)
  const { text } = await ask(context, working, [folderOf(context), name])
  if (text.includes('there'))
    return {
      change: 'unknown',
      lines: [`drill/${name} is there already: another drill, or one that was cut.`],
      foundBy: 'probe',
    }
  if (text.startsWith('alive') && !context.parameters.beside)
    return {
      change: 'no',
      lines: ['The runner works: the drill waits for its end, or is asked for beside it.'],
      foundBy: 'probe',
    }
  return {
    change: 'yes',
    lines: [
      `Starts unit ${unit} in drill/${name}, ends it by TERM, starts it again, ends it, and removes that folder.`,
    ],
    foundBy: 'probe',
    targets: [`${folderOf(context)}/drill/${name}`],
  }
}

/** Shows that a unit which is killed goes on where it was. */
export const recipe = defineRecipe({
  id: 'resume-drill',
  title: 'Checkpoint kill-and-resume drill',
  runbook: {
    when: 'A run began again at its first step, or nobody has yet seen it resume on this machine.',
    touches:
      'A folder of its own, drill/<unit>, in the folder of the run: one unit is started there as in a smoke (no secrets, no trackers), ended by TERM after some steps, and started again. The files of the run are not touched; the folder is removed afterwards.',
    back: 'The undo removes the folder of the drill. What was started ends with the drill, or by its own time limit.',
  },
  parameters,
  serves: [{ rule: 'cut-short', fill: ({ unit }) => (unit === null ? {} : { unit }) }],
  cells: [
    {
      name: 'drill',
      title: 'Kill it, start it, compare the steps',
      risk: 'change',
      timeoutSeconds: 7500,
      plan: planned,
      run: async (context) => {
        const folder = folderOf(context)
        if (context.targets.length === 0) {
          const { lines } = await planned(context)
          return context.fail(lines[0] ?? 'The drill cannot be held now.')
        }
        const { unit, steps, seconds } = context.parameters
        const name = nameOf(context)
        await context.record('folder', `${folder}/drill/${name}`)
        const { text } = await ask(context, source, [folder, unit, name, String(steps), String(seconds)], {
          timeoutSeconds: seconds * 2 + 120,
        })
        const fact = readFacts(clean(text))
        await context.host.removeTree(`${folder}/drill/${name}`, folder)
        const number = (of: string) => numberOf(fact(of))
        const [first, last, next] = [number('first'), number('last'), number('next')]
        await context.record('steps', { first, last, next, code: number('code') })
        if (fact('early') !== null)
          return context.fail(
            `The unit ended by itself with code ${fact('early')} after ${fact('rows')} rows: ${fact('log') ?? 'its log is empty'}`,
            'Take a longer unit or fewer steps; repair it first when the code is not 0.',
          )
        if (number('checkpoints') === 0 || last === null)
          return context.fail(
            `No checkpoint came within ${seconds} s (${fact('rows')} rows).`,
            'It would lose everything when it is killed: save more often.',
          )
        if (next === null)
          return context.fail(
            `After the kill it wrote no step: ${fact('log') ?? 'its log is empty'}`,
            'Read why it cannot load.',
          )
        if (next <= (first ?? 0) && last > (first ?? 0))
          return context.fail(
            `It began again at step ${next}, though it had reached ${last}: the checkpoint is not loaded.`,
            'Every kill would cost the whole run; see docs/unit-contract.md, section 4.',
          )
        const lost = Math.max(0, last + 1 - next)
        if (fact('hard') !== null) context.say('it did not end within 20 s of TERM and was killed')
        return { summary: `killed at step ${last}, went on with step ${next}: ${lost} steps lost` }
      },
      undo: async (context) => {
        const folder = context.results.drill?.folder
        if (typeof folder !== 'string' || (await context.host.stat(folder)) === null)
          return { summary: 'nothing is left of it' }
        await context.host.removeTree(folder, folderOf(context))
        return { summary: 'the folder of the drill was removed' }
      },
      probe: async ({ results }) => (results.drill?.steps === undefined ? 'unknown' : 'done'),
    },
  ],
})
