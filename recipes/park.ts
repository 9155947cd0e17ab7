import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, ask, byKx, clean, folderOf, NotSeen, numberOf, readFacts, shellKit } from './parts/ask.ts'
import { lookAtRun } from './parts/run-look.ts'
import { runSaveHook, saveHookOf } from './parts/save-hook.ts'

/** The command that the profile allows from the machine itself, one word a line. Word: folder. */
const look = `${shellKit}
cd -- "$1" || exit 66
[ -s guard/park ] || exit 0
echo "sum=$(sha256sum <guard/park | cut -c 1-64)"
echo "words=$(tr '\\n' ' ' <guard/park | head -c 500)"
`

/**
 * Runs it in a session of its own: the machine may go while it runs. Its exit code is kept on the host.
 * Words: folder, seconds to wait.
 */
const source = `${shellKit}
cd -- "$1" || exit 66
most=$2
has setsid || { echo 'there is no setsid here' >&2; exit 69; }
set --
while IFS= read -r line; do word=$(printf '%bx' "$line"); set -- "$@" "\${word%x}"; done <guard/park
rm -f guard/park.exit
# shellcheck disable=SC2016
setsid sh -c '("$@"); code=$?; printf "%s\\n" "$code" >guard/park.exit.tmp && mv -f guard/park.exit.tmp guard/park.exit' sh "$@" </dev/null >>guard/park.log 2>&1 &
tries=0
while [ ! -f guard/park.exit ] && [ "$tries" -lt $((most * 10)) ]; do sleep 0.1 2>/dev/null || sleep 1; tries=$((tries + 1)); done
[ -f guard/park.exit ] && echo "code=$(cat guard/park.exit)"
tail -n 1 guard/park.log | head -c 400 | sed 's/^/log=/'
`

async function parkCommand(context: AnyContext) {
  const fact = readFacts((await ask(context, look, [folderOf(context)])).text)
  const sum = fact('sum')
  return sum === null ? null : { target: `guard/park ${sum}`, words: clean(fact('words') ?? '').trim() }
}

/** Stops paying for the machine in the way that can be taken back, after everything was saved. */
export const recipe = defineRecipe({
  id: 'park',
  title: 'Park the machine',
  runbook: {
    when: 'The lease is nearly over, or nobody will look at the run for some time, and the machine shall not go on costing.',
    touches:
      'Runs the save hook of the plan, stops the run (units save on TERM), and then runs the one command by which the profile stops this machine so that it can be started again. Which command that is, is shown first. Where the profile names none, nothing is stopped and a person has to do it at the console. A parked disk mostly goes on costing.',
    back: 'Start the machine at its provider, then reattach.',
  },
  parameters: z.object({
    reason: z.string().min(1).default('parked by hand').describe('why; it goes into the record'),
    waitSeconds: z.number().int().min(1).max(600).default(60).describe('for the command that parks it'),
  }),
  serves: [{ rule: 'lease' }, { rule: 'over-hours' }],
  cells: [
    {
      name: 'save',
      title: 'Save what there is',
      risk: 'change',
      timeoutSeconds: 7300,
      when: async (context) =>
        (await parkCommand(context)) === null ? 'the profile names no way to park from here' : true,
      plan: async (context): Promise<CellPlan> => {
        if ((await parkCommand(context)) === null)
          return { change: 'no', lines: ['Nothing is parked from here.'], foundBy: 'probe' }
        const hook = await saveHookOf(context)
        return hook === null
          ? { change: 'no', lines: ['The plan has no save hook.'], foundBy: 'probe' }
          : { change: 'yes', lines: [`Runs ${hook.path}.`], foundBy: 'probe', targets: [hook.target] }
      },
      run: async (context) => {
        const hook = await saveHookOf(context)
        if (hook === null) return { summary: 'the plan has no save hook' }
        if (!context.targets.includes(hook.target))
          return context.fail('The save hook is another one than a moment ago.', 'Nothing was run.')
        const saved = await runSaveHook(context, hook, Math.min(7200, hook.limitSeconds ?? 600))
        if (saved.isLate || saved.code !== 0)
          return context.fail(
            `It was not saved (code ${saved.code}): ${saved.lastLine ?? 'the hook said nothing'}`,
            'Nothing was stopped. Read guard/save.log, or pull (kx pull) before you park it.',
          )
        await context.record('saved', saved)
        return { summary: `saved in ${saved.seconds.toFixed(1)} s` }
      },
      probe: async ({ results }) => (results.save?.saved === undefined ? 'unknown' : 'done'),
    },
    {
      name: 'stop',
      title: 'Stop the run',
      risk: 'change',
      timeoutSeconds: 300,
      when: async (context) => {
        if ((await parkCommand(context)) === null) return 'the profile names no way to park from here'
        const { runner, unitsAlive } = await lookAtRun(context)
        return runner === 'alive' || unitsAlive > 0 ? true : 'nothing runs'
      },
      plan: async (context): Promise<CellPlan> => {
        const { runner, unitsAlive } = await lookAtRun(context)
        return runner === 'alive' || unitsAlive > 0
          ? { change: 'yes', lines: [`Stops ${unitsAlive} units.`], foundBy: 'probe', targets: ['run'] }
          : { change: 'no', lines: ['Nothing runs.'], foundBy: 'probe' }
      },
      run: async (context) => {
        const { reason } = context.parameters
        return { summary: (await byKx(context, 'patrol.abort', { reason, host: context.host.name })).summary }
      },
      probe: async (context) => {
        const { runner, unitsAlive } = await lookAtRun(context)
        return runner === 'alive' || unitsAlive > 0 ? 'not-done' : runner === 'gone' ? 'done' : 'unknown'
      },
    },
    {
      name: 'park',
      title: 'Park it',
      risk: 'change',
      timeoutSeconds: 700,
      plan: async (context): Promise<CellPlan> => {
        const command = await parkCommand(context)
        return command === null
          ? {
              change: 'no',
              lines: ['The profile names no way to park from here: its console has to do it.'],
              foundBy: 'probe',
            }
          : { change: 'yes', lines: [`Runs there: ${command.words}`], foundBy: 'probe', targets: [command.target] }
      },
      run: async (context) => {
        const command = await parkCommand(context)
        if (command === null)
          return context.fail(
            'The profile names no way to park this machine from here.',
            'Stop it at the console of its provider; stopping, not deleting. kx teardown look says whether the meter ended.',
          )
        if (!context.targets.includes(command.target))
          return context.fail('The command is another one than a moment ago.', 'Nothing was parked.')
        const { runner, unitsAlive } = await lookAtRun(context)
        if (runner === 'alive' || unitsAlive > 0)
          return context.fail(`The run still works (${unitsAlive} units).`, 'It is not parked over their heads.')
        const { waitSeconds } = context.parameters
        const { text } = await ask(context, source, [folderOf(context), String(waitSeconds)], {
          timeoutSeconds: waitSeconds + 45,
        })
        const fact = readFacts(clean(text))
        const code = numberOf(fact('code'))
        await context.record('code', code)
        if (code === null)
          throw new NotSeen(`The command did not end within ${waitSeconds} s: whether it is parked is unknown.`)
        if (code !== 0)
          return context.fail(
            `It ended with code ${code}: ${fact('log') ?? 'it said nothing'}`,
            'The meter runs on: use the console.',
          )
        return { summary: 'the command went well; kx teardown look says when the meter is seen to have ended' }
      },
      // A machine that was parked does not answer, which is no proof of it.
      probe: async ({ results }) => (results.park?.code === 0 ? 'done' : 'unknown'),
    },
  ],
})
