import { z } from 'zod'
import { judgeMemory, judgeShm } from '../src/audit/rules/machine.ts'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask } from '../src/recipe/shelf/ask.ts'
import { formatBytes, formatCount, formatPercent } from '../src/text/format.ts'

const mebibyte = 1024 * 1024
/** Share of a limit that a plan may fill: above 90 % the kernel kills (handbook monitoring 5). */
const usableShare = 0.85

/** The largest of what runs, as `resident KiB, pid, name`. Reads the status of each; a name may hold anything but a newline. */
const largestScript = `
LC_ALL=C; export LC_ALL
for entry in /proc/[0-9]*; do
  sed -n -e 's/^Name:[[:space:]]*//p' -e 's/^VmRSS:[[:space:]]*\\([0-9]*\\) kB$/\\1/p' "$entry/status" 2>/dev/null |
    { IFS= read -r name && IFS= read -r size && printf '%s %s %s\\n' "$size" "\${entry#/proc/}" "$name"; }
done | sort -rn | head -n 10
`

const parameters = z.object({
  units: z.number().int().min(1).max(1024).default(1).describe('Units of the run that are at work at once.'),
  loaderWorkers: z.number().int().min(0).max(1024).default(4).describe('Loader processes of each unit.'),
  batchMib: z
    .number()
    .positive()
    .default(256)
    .describe('One batch as tensors, in MiB: batch size × shape × bytes of a number.'),
  prefetch: z.number().int().min(1).max(64).default(2).describe('Batches that each loader process holds ready.'),
  baseMib: z
    .number()
    .min(0)
    .default(4096)
    .describe('What a unit takes beside its loaders, in MiB, as the smoke measured it.'),
})

export const recipe = defineRecipe({
  id: 'host-memory',
  title: 'Why memory ran out, and how many loaders fit',
  runbook: {
    when: 'A bare "Killed", exit 137, "Bus error", a rising count of kills by the kernel, or memory above 90 % of the limit.',
    touches:
      'Nothing. It reads the limit of the container, shared memory, the count of kills and the largest processes, and holds loader workers × batches against them.',
    back: 'There is nothing to take back. It proposes numbers; you change the plan. It never proposes another batch size: that would change the science.',
  },
  parameters,
  serves: [{ rule: 'oom-kill' }, { rule: 'memory-limit' }, { rule: 'audit.cgroup-memory' }, { rule: 'audit.shm' }],
  cells: [
    {
      name: 'figures',
      title: 'Memory, limits and need',
      risk: 'read',
      timeoutSeconds: 120,
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const { host, parameters: wanted, signal, say, record } = context
        const { probe } = await runProbe(host, { signal, timeoutSeconds: 20 })
        const perWorker = wanted.prefetch * wanted.batchMib * mebibyte
        const base = wanted.units * wanted.baseMib * mebibyte
        const loaders = wanted.units * wanted.loaderWorkers
        const need = base + loaders * perWorker
        const memory = judgeMemory(probe.cgroup, probe.memory, probe.oomKills, probe.oomScope, {
          bytes: need,
          from: `${wanted.units} × ${formatBytes(wanted.baseMib * mebibyte)} and ${loaders} loaders × ${formatBytes(perWorker)}`,
        })
        const shm = judgeShm(probe.shm, loaders === 0 ? null : loaders * perWorker, 'gpu')
        for (const verdict of [memory, shm]) for (const line of [verdict.summary, ...(verdict.detail ?? [])]) say(line)
        const { memoryLimitBytes: limit, memoryWorkingBytes: working } = probe.cgroup
        const hasLimit = limit.isKnown && limit.value !== 'none'
        if (hasLimit && working.isKnown)
          say(
            `in use now: ${formatBytes(working.value)}, ${formatPercent(working.value / Number(limit.value))} of the limit`,
          )
        for (const line of (await ask(context, largestScript, [])).toString('utf8').split('\n')) {
          const match = /^(\d+) (\d+) (.*)$/.exec(line)
          if (match !== null) say(`${formatBytes(Number(match[1]) * 1024)} process ${match[2]} ${match[3]}`)
        }
        const room = hasLimit
          ? Number(limit.value)
          : probe.memory.totalBytes.isKnown
            ? probe.memory.totalBytes.value
            : null
        if (room === null || !probe.shm.isKnown)
          return context.fail(
            `It cannot be told how many loaders fit: ${room === null ? 'the memory that may be used is not known' : 'shared memory is not known'}.`,
            'Look at memory.max of the container and at df /dev/shm by hand.',
          )
        const byMemory = Math.floor((room * usableShare - base) / perWorker / wanted.units)
        const byShm = Math.floor((probe.shm.value.totalBytes * usableShare) / perWorker / wanted.units)
        const fits = Math.max(0, Math.min(byMemory, byShm))
        await record('loaderWorkersThatFit', fits)
        const asked = `${formatCount(wanted.loaderWorkers)} loader workers a unit were asked`
        if (byMemory < 0)
          return {
            summary: `Not even without loaders: ${wanted.units} units need ${formatBytes(base)} of ${formatBytes(room)}. Fewer units at once, or map data instead of loading it.`,
          }
        if (fits >= wanted.loaderWorkers) return { summary: `${asked}, and up to ${formatCount(fits)} fit` }
        const by =
          byShm < byMemory
            ? `shared memory of ${formatBytes(probe.shm.value.totalBytes)}`
            : `memory of ${formatBytes(room)}`
        return { summary: `${asked}, ${formatCount(fits)} fit into the ${by}. Not the batch size.` }
      },
    },
  ],
})
