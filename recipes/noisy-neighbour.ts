import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask } from '../src/recipe/shelf/ask.ts'
import { cpuUse, judgeNeighbour, parseOwnCpu } from '../src/recipe/shelf/neighbour.ts'
import { formatNumber, formatPercent } from '../src/text/format.ts'

/** CPU time of the own control group, how often its quota held it back, and the time stolen from this machine. */
const ownScript = `
LC_ALL=C; export LC_ALL
group=$(sed -n 's/^0:://p' /proc/self/cgroup 2>/dev/null)
for file in "/sys/fs/cgroup$group/cpu.stat" /sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat; do
  [ -r "$file" ] || continue
  sed -n -e 's/^usage_usec \\([0-9]*\\)$/usage \\1/p' -e 's/^nr_periods \\([0-9]*\\)$/periods \\1/p' -e 's/^nr_throttled \\([0-9]*\\)$/throttled \\1/p' "$file"
  break
done
for file in /sys/fs/cgroup/cpuacct/cpuacct.usage; do [ ! -r "$file" ] || printf 'nanoseconds %s\\n' "$(cat "$file")"; done
sed -n 's/^cpu  *\\(.*\\)$/cpu \\1/p' /proc/stat | head -n 1
echo end
`

const parameters = z.object({
  seconds: z.number().min(1).max(300).default(10).describe('How long to look, in seconds.'),
})

export const recipe = defineRecipe({
  id: 'noisy-neighbour',
  title: 'Is somebody else on this machine in the way?',
  runbook: {
    when: 'Steps take longer than before, nothing in the log says why, the load is far above the cores, and the container has room.',
    touches: 'Nothing. It reads counters of the kernel twice.',
    back: 'There is nothing to take back. A neighbour cannot be stopped from here: wait, or go on from the checkpoint on another machine.',
  },
  parameters,
  serves: [{ rule: 'unit-slow' }, { rule: 'units-slow' }],
  cells: [
    {
      name: 'compare',
      title: 'What the machine does against what is ours',
      risk: 'read',
      timeoutSeconds: 400,
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const { host, signal, parameters: wanted, say } = context
        const look = async () => {
          const own = parseOwnCpu((await ask(context, ownScript, [])).toString('latin1'))
          return { own, atMs: performance.now() }
        }
        const before = await look()
        const { probe: first } = await runProbe(host, { signal, timeoutSeconds: 20 })
        await sleep(wanted.seconds * 1000, undefined, { signal })
        const after = await look()
        const { probe } = await runProbe(host, { signal, timeoutSeconds: 20 })
        const use = cpuUse(before.own, after.own, (after.atMs - before.atMs) / 1000)
        const kills =
          first.oomKills.isKnown && probe.oomKills.isKnown ? probe.oomKills.value - first.oomKills.value : null
        const verdict = judgeNeighbour({ probe, use, oomKills: kills })
        say(
          `load: ${probe.load.isKnown ? probe.load.value.join(' ') : `not known (${probe.load.reason})`}, cores of the machine: ${probe.cores.isKnown ? probe.cores.value : 'not known'}`,
        )
        say(`machine busy: ${formatPercent(use.machineShare)}, stolen from it: ${formatPercent(use.stolenShare)}`)
        say(
          `ours: ${formatNumber(use.ownCores)} cores, held back by the own quota in ${formatPercent(use.throttledShare)} of its periods`,
        )
        if (verdict.kind === 'unknown')
          context.fail(`It cannot be told: ${verdict.text}.`, 'Compare steps per second on another machine.')
        return { summary: verdict.text }
      },
    },
  ],
})
