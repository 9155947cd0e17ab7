import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, ask, clean, folderOf, numberOf, readFacts, shellKit } from './parts/ask.ts'
import { drillKit } from './parts/drill-script.ts'

/** Which save hook there is. Word: folder. */
const look = `${shellKit}
cd -- "$1" || exit 66
for f in steps/save-*; do [ -f "$f" ] && { echo "hook=$f"; echo "limit=$(head -n 1 "$f")"; echo "sum=$(sha256sum <"$f" | cut -c 1-64)"; }; done
exit 0
`

/** Words: folder, hook, seconds of notice. */
const source = `${drillKit}
cd -- "$1" || exit 66
folder=$(pwd -P) hook=$2 notice=$3
set --
{
  IFS= read -r limit
  while IFS= read -r line; do word=$(printf '%bx' "$line"); set -- "$@" "\${word%x}"; done
} <"$hook"
ms() { t=$(date +%s%3N); case $t in *[!0-9]*) t=$(date +%s)000 ;; esac; echo "$t"; }
began=$(ms)
mkdir -p guard
begin "$folder/guard/save.log" $((notice + 30)) KX_CONTRACT=1 KX_RUN_DIR="$folder" KX_RUN_ID="$(sed -n 's/^run_id=//p' plan.env)" KX_SMOKE=0 "$@"
while lives && [ $(($(ms) - began)) -lt $((notice * 1000)) ]; do nap; done
if lives; then echo late=yes; kill -KILL "-$child" 2>/dev/null; fi
wait "$child"; echo "code=$?"
echo "ms=$(($(ms) - began))"
tail -n 1 "$folder/guard/save.log" | head -c 400 | sed 's/^/log=/'
`

async function hookOf(context: AnyContext) {
  const fact = readFacts((await ask(context, look, [folderOf(context)])).text)
  const path = fact('hook')
  return path === null ? null : { path, limit: numberOf(fact('limit')), target: `${path} ${fact('sum') ?? ''}` }
}

/** Holds the save hook against the time that a notice leaves. */
export const recipe = defineRecipe({
  id: 'spot-drill',
  title: 'Spot-notice drill',
  runbook: {
    when: 'Before a run on machines that may be taken away, and after every change of its save hook.',
    touches:
      'Runs the save hook of the plan on the host, once, as the guard would: it writes what it always writes, to where it saves. No unit is stopped and no machine is parked. The hook is killed when the notice would be over. Secrets are not handed over here: a hook that needs them says so by its exit code.',
    back: 'What the hook saved stays: it is a newer copy of what is saved anyway.',
  },
  parameters: z.object({
    noticeSeconds: z
      .number()
      .int()
      .min(1)
      .max(3600)
      .default(120)
      .describe('time between the notice and the end: 120 on AWS, 30 on Google Cloud and Azure'),
  }),
  cells: [
    {
      name: 'save',
      title: 'Run the save hook against the clock',
      risk: 'change',
      timeoutSeconds: 3700,
      plan: async (context): Promise<CellPlan> => {
        const hook = await hookOf(context)
        if (hook === null)
          return {
            change: 'no',
            lines: ['The plan of this run has no save hook: nothing would be saved on a notice.'],
            foundBy: 'probe',
          }
        const own = `${hook.path}, its own limit ${hook.limit ?? 'unknown'} s`
        return { change: 'yes', lines: [`Runs ${own}.`], foundBy: 'probe', targets: [hook.target] }
      },
      run: async (context) => {
        const { noticeSeconds } = context.parameters
        const hook = await hookOf(context)
        if (hook === null || context.targets.length === 0)
          return context.fail('The plan of this run has no save hook.', 'Name one under save in kx.yaml.')
        if (!context.targets.includes(hook.target))
          return context.fail('The save hook is another one than a moment ago.')
        const { text } = await ask(context, source, [folderOf(context), hook.path, String(noticeSeconds)], {
          timeoutSeconds: noticeSeconds + 45,
        })
        const fact = readFacts(clean(text))
        const seconds = (numberOf(fact('ms')) ?? 0) / 1000
        await context.record('save', { seconds, code: numberOf(fact('code')), isLate: fact('late') !== null })
        if (fact('late') !== null)
          return context.fail(
            `The save hook was not over after ${noticeSeconds} s.`,
            'Save less, to a nearer place, or more often: a notice would cut it.',
          )
        if (fact('code') !== '0')
          return context.fail(`The save hook ended with code ${fact('code')}: ${fact('log') ?? 'it said nothing'}`)
        return { summary: `saved in ${seconds.toFixed(1)} s of ${noticeSeconds} s` }
      },
      probe: async ({ results }) => (results.save?.save === undefined ? 'unknown' : 'done'),
    },
  ],
})
