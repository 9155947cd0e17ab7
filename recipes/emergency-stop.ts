import { z } from 'zod'
import { type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { type AnyContext, ask, byKx, folderOf, looksOnly, NotSeen, shellKit } from './parts/ask.ts'
import { keepBundle } from './parts/bundle.ts'

/** Processes that say in their environment that they are of this run. Word: folder. `pid start boot name` a line. */
const source = `${shellKit}
folder=$(cd -- "$1" && pwd -P) || exit 66
# busybox grep ends at the first NUL of a file: names are turned into lines first, and each find is looked at again.
for f in /proc/[0-9]*/environ; do
  printf '== %s\\n' "$f"
  tr '\\0' '\\n' 2>/dev/null <"$f"
  echo
done 2>/dev/null | KX_WANTED="KX_RUN_DIR=$folder" awk '/^== / { at = $2 } $0 == ENVIRON["KX_WANTED"] { print at }' | while IFS= read -r f; do
  p=\${f#/proc/}; p=\${p%/environ}
  case $p in *[!0-9]*) continue ;; esac
  tr '\\0' '\\n' 2>/dev/null <"$f" | grep -qxF "KX_RUN_DIR=$folder" || continue
  ticks_of "$p" || continue
  name=; IFS= read -r name 2>/dev/null <"/proc/$p/comm"
  printf '%s %s %s %s\\n' "$p" "$ticks" "$boot" "$name"
done
exit 0
`

interface Left {
  readonly pid: number
  readonly startTicks: number
  readonly bootId: string
  readonly line: string
}

async function stillThere(context: AnyContext): Promise<readonly Left[]> {
  const { text } = await ask(context, source, [folderOf(context)])
  return text.split('\n').flatMap((line) => {
    const found = /^(\d+) (\d+) ([0-9a-f-]+|none) /.exec(line)
    return found === null
      ? []
      : [
          {
            pid: Number(found[1]),
            startTicks: Number(found[2]),
            bootId: found[3] ?? '',
            line: `${found[1]} ${found[2]} ${found[3]}`,
          },
        ]
  })
}

const planOfRest = async (context: AnyContext): Promise<CellPlan> => {
  const left = await stillThere(context)
  return left.length === 0
    ? { change: 'no', lines: ['No process of the run is left.'], foundBy: 'probe' }
    : {
        change: 'yes',
        lines: left.map(({ pid }) => `TERM, then KILL: process ${pid}`),
        foundBy: 'probe',
        targets: left.map(({ line }) => line),
      }
}

/** Ends a run at once, with what it would take to understand it kept before. */
export const recipe = defineRecipe({
  id: 'emergency-stop',
  title: 'Emergency stop, evidence kept',
  runbook: {
    when: 'The run does harm or costs more than it may: stop now, understand later.',
    touches:
      'Keeps a bundle of evidence here first, asks the runner to stop (units get TERM and time to save, then KILL), ends what of this run is left on the host, by pid, start time and boot id, and pulls what results there are. No file on the host is removed, and the machine goes on being billed: its meter is for a teardown.',
    back: 'Launch again: what is finished is skipped and the rest resumes from its checkpoints.',
  },
  parameters: z.object({
    reason: z.string().min(1).default('emergency stop').describe('why; it goes into the record'),
    graceSeconds: z
      .number()
      .int()
      .min(1)
      .max(60)
      .default(5)
      .describe('between TERM and KILL of what is left after the stop'),
    pull: z.boolean().default(true).describe('pull what results there are afterwards'),
    cgroup: z.string().default('/sys/fs/cgroup').describe('folder of the control group on the host'),
    into: z.string().default('').describe('folder here for the evidence; that of the run by default'),
  }),
  serves: [{ rule: 'cost-cap' }, { rule: 'unit-nan' }, { rule: 'over-hours' }],
  cells: [
    {
      name: 'evidence',
      title: 'Keep the evidence',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly('One text file is written on this machine.'),
      run: async (context) => {
        const { cgroup, into } = context.parameters
        const bundle = await keepBundle(context, { unit: '', lines: 400, kib: 2048, cgroup, into, name: 'before-stop' })
        await context.record('bundle', bundle)
        context.say(bundle.path)
        return { summary: `kept: ${bundle.path}` }
      },
    },
    {
      name: 'stop',
      title: 'Stop the run',
      risk: 'change',
      timeoutSeconds: 300,
      // Evidence that could not be had is no reason to let it go on.
      needs: [],
      plan: planOfRest,
      run: async (context) => {
        const answer = await context.kx('patrol.abort', {
          reason: context.parameters.reason,
          host: context.host.name,
        })
        context.say(answer.summary)
        await context.record('asked', answer.exitCode)
        // A runner that cannot be asked any more is no end of it: the next cell looks what is left.
        return { summary: answer.exitCode === 0 ? answer.summary : `the runner could not be asked: ${answer.summary}` }
      },
      probe: async (context) => ((await stillThere(context)).length === 0 ? 'done' : 'not-done'),
    },
    {
      name: 'rest',
      title: 'End what is left of it',
      risk: 'change',
      timeoutSeconds: 120,
      plan: planOfRest,
      run: async (context) => {
        let unsure = 0
        for (const target of context.targets) {
          const [pid, startTicks, bootId] = target.split(' ')
          const identity = { pid: Number(pid), startTicks: Number(startTicks), bootId: bootId ?? '' }
          const end = await context.host.kill(identity, context.parameters.graceSeconds)
          context.say(`process ${pid}: ${end}`)
          if (end === 'still-there') unsure++
        }
        const left = await stillThere(context)
        if (left.length > 0)
          return context.fail(
            `${left.length} processes of the run are still there: ${left.map(({ pid }) => pid).join(', ')}.`,
            'Look at them on the host; a process in state D ends only when its disk answers.',
          )
        if (unsure > 0) throw new NotSeen('Not every end was seen.')
        return { summary: context.targets.length === 0 ? 'nothing was left' : `${context.targets.length} ended` }
      },
      probe: async (context) => ((await stillThere(context)).length === 0 ? 'done' : 'not-done'),
    },
    {
      name: 'pull',
      title: 'Pull what there is',
      risk: 'change',
      timeoutSeconds: 3600,
      when: ({ parameters }) => (parameters.pull ? true : 'not asked for'),
      plan: async () => ({
        change: 'unknown',
        lines: ['Copies declared artifacts to this machine.'],
        foundBy: 'declared',
      }),
      run: async (context) => ({
        summary: (await byKx(context, 'transfer.pull', { host: context.host.name })).summary,
      }),
    },
  ],
})
