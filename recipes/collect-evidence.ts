import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { formatBytes } from '../src/text/format.ts'
import { checkedUnit, looksOnly } from './parts/ask.ts'
import { keepBundle } from './parts/bundle.ts'

const ofUnit = ({ unit }: { readonly unit: string | null }) => (unit === null ? {} : { unit })

/** Keeps what an engineer reads first, before anything is touched. */
export const recipe = defineRecipe({
  id: 'collect-evidence',
  title: 'Collect evidence',
  runbook: {
    when: 'Something is wrong and not understood, or before anything is repaired: logs and counters are what a repair destroys first.',
    touches:
      'Nothing on the host. One text file of mode 0600 is written here, into the evidence of the run: last lines of logs, tracebacks, exits, events, kernel log, control group, cards, disks and processes. Values that the run was handed as secrets are masked on the host, and what looks like a credential is masked here; look through it before you send it to anybody.',
    back: 'Delete the file.',
  },
  parameters: z.object({
    unit: z.string().default('').describe('unit to look at; all that failed or run by default'),
    lines: z.number().int().min(10).max(5000).default(200).describe('last lines of each file'),
    kib: z.number().int().min(16).max(4000).default(1024).describe('largest bundle, in KiB'),
    cgroup: z.string().default('/sys/fs/cgroup').describe('folder of the control group on the host'),
    into: z.string().default('').describe('folder on this machine; the evidence of the run by default'),
  }),
  serves: [
    { rule: 'crash-mark', fill: ofUnit },
    { rule: 'unit-failed', fill: ofUnit },
    { rule: 'unit-fast', fill: ofUnit },
    { rule: 'suspect-finish' },
    { rule: 'below-chance' },
    { rule: 'metric-fixed', fill: ofUnit },
    { rule: 'loss-plateau', fill: ofUnit },
    { rule: 'clock-skew' },
    { rule: 'cut-short' },
  ],
  cells: [
    {
      name: 'bundle',
      title: 'Gather into one file',
      risk: 'read',
      timeoutSeconds: 120,
      plan: looksOnly('One text file is written on this machine.'),
      run: async (context) => {
        const { unit } = context.parameters
        if (unit !== '') checkedUnit(context, unit)
        const bundle = await keepBundle(context, { ...context.parameters, name: 'evidence' })
        await context.record('bundle', bundle)
        context.say(`${bundle.path} (${formatBytes(bundle.bytes)}, sha256 ${bundle.sha256})`)
        return {
          summary: `${formatBytes(bundle.bytes)} kept${bundle.isCut ? ', cut at the limit' : ''}: ${bundle.path}`,
        }
      },
      probe: async ({ results }) => (results.bundle?.bundle === undefined ? 'not-done' : 'done'),
    },
  ],
})
