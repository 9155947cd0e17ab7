import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { judgeGpuHealth, judgeGpuMemory, judgeGpuPresent } from '../src/audit/rules/gpu.ts'
import { judgeGpuFree } from '../src/audit/rules/gpu-free.ts'
import { worst } from '../src/audit/rules/verdict.ts'
import type { Probe } from '../src/host/probe/probe.ts'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { formatCount } from '../src/text/format.ts'
import type { Verdict } from '../src/walk/verdict.ts'
import { fail } from '../src/walk/verdict.ts'

const parameters = z.object({
  samples: z.number().int().min(1).max(60).default(5).describe('Looks at the cards, one a second.'),
  cards: z.number().int().min(1).max(64).default(1).describe('Cards that there must be.'),
  memoryMib: z
    .number()
    .int()
    .min(0)
    .default(0)
    .describe('Memory that each card must have for the run, in MiB. 0: not asked.'),
  mustBeFree: z.boolean().default(true).describe('Nobody else may be on the cards: as before a start.'),
})

/** Errors that memory could not correct, of all cards; null where no card counts them. */
const uncorrected = (probe: Probe): number | null => {
  if (probe.gpus === 'none' || !probe.gpus.isKnown) return null
  const counts = probe.gpus.value.gpus.flatMap((card) =>
    card.eccUncorrected.isKnown ? [card.eccUncorrected.value] : [],
  )
  return counts.length === 0 ? null : counts.reduce((sum, each) => sum + each, 0)
}

async function looks({ host, parameters: { samples }, signal }: CellContext<z.infer<typeof parameters>>) {
  const found: Probe[] = []
  for (let n = 0; n < samples; n += 1) {
    if (n > 0) await sleep(1000, undefined, { signal })
    // The wide look is asked once: who has the cards open does not change from second to second.
    found.push((await runProbe(host, { isWide: n === 0, timeoutSeconds: 30, signal })).probe)
  }
  return found
}

/** Verdict of handbook monitoring 4: PASS and WARN may go on, FAIL means another machine. */
export const recipe = defineRecipe({
  id: 'gpu-preflight',
  title: 'Are the cards fit to be used?',
  runbook: {
    when: 'Before a start on a machine that is new to you, when it is slower than yesterday without an error, or after a fault of a card.',
    touches: 'Nothing. It asks nvidia-smi some times and reads the kernel log where that is allowed.',
    back: 'There is nothing to take back. On FAIL take another machine; do not fight this one.',
  },
  parameters,
  serves: [
    { rule: 'gpu-slowdown' },
    { rule: 'gpu-lost' },
    { rule: 'audit.gpu-health' },
    {
      rule: 'audit.gpu-present',
      fill: ({ evidence: { wanted } }) => (typeof wanted === 'number' && wanted > 0 ? { cards: wanted } : {}),
    },
  ],
  cells: [
    {
      name: 'preflight',
      title: 'Look at the cards for some seconds',
      risk: 'read',
      timeoutSeconds: 600,
      plan: async () => ({ change: 'no', lines: ['it only looks'], foundBy: 'declared' }),
      run: async (context) => {
        const { parameters: wanted, say } = context
        const probes = await looks(context)
        const [first] = probes
        if (first === undefined) return context.fail('no look was made')
        const verdicts: Verdict[] = [
          judgeGpuPresent(first.gpus, wanted.cards),
          ...probes.map((probe) => judgeGpuHealth(probe.gpus, probe.xids)),
        ]
        if (wanted.memoryMib > 0) verdicts.push(judgeGpuMemory(first.gpus, wanted.memoryMib))
        if (wanted.mustBeFree) verdicts.push(judgeGpuFree(first.gpus, first.gpuProcesses, first.wide))
        const counts = probes.map(uncorrected).filter((count) => count !== null)
        const risen = (counts.at(-1) ?? 0) - (counts[0] ?? 0)
        if (risen > 0)
          verdicts.push(fail(`${formatCount(risen)} more uncorrected memory errors while it was looked at`))
        const seen = new Set<string>()
        for (const verdict of verdicts)
          for (const line of [verdict.summary, ...(verdict.detail ?? [])])
            if (!seen.has(line)) {
              seen.add(line)
              say(line)
            }
        const hardest = worst(verdicts, 'error')
        if (hardest === null) return context.fail('nothing could be read of the cards')
        const isHard = (hardest.severity ?? 'error') === 'error'
        if (hardest.result === 'fail' && isHard)
          return context.fail(`FAIL: ${hardest.summary}`, 'Take another machine; do not fight this one.')
        // That a figure could not be read is no PASS.
        if (hardest.result === 'unknown' && isHard)
          return context.fail(
            `Not known: ${hardest.summary}`,
            'Look at nvidia-smi on the host by hand before you start there.',
          )
        return { summary: hardest.result === 'pass' ? `PASS: ${hardest.summary}` : `WARN: ${hardest.summary}` }
      },
    },
  ],
})
