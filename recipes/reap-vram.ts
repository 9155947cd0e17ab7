import { z } from 'zod'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, NoAnswer, orUnknown } from '../src/recipe/shelf/ask.ts'
import { chooseHolders, type HolderChoice, type Owner } from '../src/recipe/shelf/holders.ts'
import { plural } from '../src/text/format.ts'

const parameters = z.object({
  olderThanSeconds: z.number().min(0).default(120).describe('Holders that are younger are left alone, in seconds.'),
  pids: z
    .array(z.string().regex(/^[1-9]\d{0,8}$/))
    .default([])
    .describe('Only these processes. Needed in a container where the driver lists nobody.'),
  graceSeconds: z.number().min(0).max(120).default(10).describe('Between TERM and KILL, in seconds.'),
})
type Context = CellContext<z.infer<typeof parameters>>

/** Whether each process belongs to a run of kx whose runner is alive: by its environment and the runner's own record. */
const ownerScript = `
LC_ALL=C; export LC_ALL
for pid do
  if [ ! -r "/proc/$pid/environ" ]; then echo hidden; continue; fi
  folder=$(tr '\\0' '\\n' <"/proc/$pid/environ" 2>/dev/null | sed -n 's/^KX_RUN_DIR=//p' | head -n 1)
  if [ -n "$folder" ] && [ -f "$folder/runner.pid" ] && read -r runner began _ <"$folder/runner.pid" &&
    line=$(cat "/proc/$runner/stat" 2>/dev/null) && [ "$(printf '%s\\n' "\${line##*) }" | cut -d ' ' -f 20)" = "$began" ]
  then echo run; else echo none; fi
done
`

const look = async (context: Context): Promise<HolderChoice> => {
  const { probe } = await runProbe(context.host, { isWide: true, timeoutSeconds: 30, signal: context.signal })
  const { holders } = probe.wide
  const pids =
    holders !== 'none' && holders.isKnown ? [...new Set(holders.value.found.map(({ stat }) => stat.pid))] : []
  const said =
    pids.length === 0 ? [] : (await ask(context, ownerScript, pids.map(String))).toString('latin1').split('\n')
  const owners = new Map(pids.map((pid, n) => [pid, said[n]]))
  const ownerOf = (pid: number): Owner => {
    const word = owners.get(pid)
    return word === 'run' || word === 'none' ? word : 'hidden'
  }
  const wishes = { ...context.parameters, pids: context.parameters.pids.map(Number) }
  return chooseHolders(probe, wishes, ownerOf)
}

/** A pid alone is reused: its start time belongs to it. */
const targetOf = ({ pid, startTicks }: { readonly pid: number; readonly startTicks: number }) =>
  `pid ${pid}, started at tick ${startTicks}`

export const recipe = defineRecipe({
  id: 'reap-vram',
  title: 'End processes that hold GPU memory for nobody',
  runbook: {
    when: 'GPU memory is in use though the driver names no process, or a start fails with CUDA out of memory on an empty card.',
    touches:
      'Ends (TERM, grace, KILL) processes that keep `/dev/nvidia*` open, that nvidia-smi does not list, and that are older than 120 s; whoever leads a process group is ended with it. Never: relatives of a listed process, units of a run of kx that is alive, programs of the driver.',
    back: 'A process that was ended does not come back. In a container the driver often lists nobody; then nothing is ended unless you name the pids, so look at them first.',
  },
  parameters,
  serves: [{ rule: 'audit.gpu-free' }, { rule: 'gpu-memory' }],
  cells: [
    {
      name: 'reap',
      title: 'End the holders that nobody lists',
      risk: 'destroy',
      timeoutSeconds: 600,
      plan: (context) =>
        orUnknown(async () => {
          const { targets, kept, doubt } = await look(context)
          return {
            change: targets.length > 0 ? 'yes' : doubt !== null ? 'unknown' : 'no',
            lines: [
              ...targets.map((stat) => `end ${stat.pid} (${stat.command}, state ${stat.state})`),
              ...kept.map(({ pid, why }) => `keep ${pid}: ${why}`),
              ...(doubt === null ? [] : [doubt]),
              ...(targets.length + kept.length === 0 && doubt === null ? ['nobody has a card open'] : []),
            ],
            foundBy: 'probe',
            targets: targets.map(targetOf),
          }
        }),
      run: async (context) => {
        if (context.targets.length === 0) return { summary: 'nobody is to be ended' }
        const { targets } = await look(context)
        const { bootId } = await context.host.identity(context.signal)
        if (bootId === null || bootId === '') throw new NoAnswer('the boot of the host has no id: nothing is ended')
        const wanted = targets.filter((stat) => context.targets.includes(targetOf(stat)))
        await context.record(
          'asked',
          wanted.map(({ pid, startTicks }) => ({ pid, startTicks, bootId })),
        )
        const still: number[] = []
        for (const { pid, startTicks, command } of wanted) {
          const end = await context.host.kill({ pid, startTicks, bootId }, context.parameters.graceSeconds)
          context.say(`${pid} (${command}): ${end}`)
          if (end === 'still-there' || end === 'not-ours') still.push(pid)
        }
        if (still.length > 0)
          context.fail(
            `Not ended: ${still.join(', ')}.`,
            'A process in state D waits for the driver: only a restart of the container or machine frees it.',
          )
        return { summary: `${plural(wanted.length, 'holder')} ended` }
      },
      probe: async ({ results, host }) => {
        const asked = results.reap?.asked as { pid: number; startTicks: number; bootId: string }[] | undefined
        if (asked === undefined) return 'unknown'
        const alive = await Promise.all(asked.map((each) => host.isAlive(each)))
        return alive.includes('unknown') ? 'unknown' : alive.includes(true) ? 'not-done' : 'done'
      },
    },
  ],
})
