import { z } from 'zod'
import { defineRecipe } from '../src/recipe/contract.ts'
import { ask, clean, looksOnly, numberOf, shellKit } from './parts/ask.ts'

/** Memory of every card, total and used, MiB. */
const source = `${shellKit}
has nvidia-smi || exit 69
short nvidia-smi --query-gpu=memory.total,memory.used --format=csv,noheader,nounits
`

/** At most this share of a card (handbook monitoring 5: a plan aims at 85 to 90 %). */
const targetFraction = 0.88
/** Bytes a parameter with Adam in mixed precision, without activations; a rule of thumb (handbook monitoring 8.1). */
const bytesPerParameter = 18

export interface Rung {
  readonly words: string
  readonly changesScience: boolean
}

/** Cheapest first (handbook monitoring 8.1). Only shorter sequences, and training fewer weights, give another experiment. */
export const ladder: readonly Rung[] = [
  { words: 'a smaller micro-batch with accumulation: the same batch in more steps', changesScience: false },
  { words: 'bf16 instead of fp32', changesScience: false },
  { words: 'activation checkpointing: 20 to 30 % more compute', changesScience: false },
  {
    words: 'expandable segments of the allocator (PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True)',
    changesScience: false,
  },
  { words: 'fused attention', changesScience: false },
  { words: 'shorter sequences', changesScience: true },
  { words: 'an optimizer with 8-bit or paged state', changesScience: false },
  { words: 'FSDP or ZeRO over several cards', changesScience: false },
  { words: 'offload to the memory of the machine', changesScience: false },
  { words: 'LoRA or QLoRA: other weights are trained', changesScience: true },
]

export interface Fit {
  readonly state: 'fits' | 'tight' | 'too-large' | 'unknown'
  readonly words: string
  /** Largest micro-batch by arithmetic alone; null: not told by what was given. */
  readonly microBatch: number | null
}

/** Holds a measured peak against a card. MiB; null: not measured. */
export function judgeFit(
  totalMib: number | null,
  peakMib: number | null,
  given: { readonly fixedMib: number | null; readonly microBatch: number | null },
): Fit {
  if (totalMib === null) return { state: 'unknown', words: 'the memory of the card is not known', microBatch: null }
  const target = Math.floor(totalMib * targetFraction)
  if (peakMib === null)
    return { state: 'unknown', words: `no peak was measured; ${target} MiB are to be used at most`, microBatch: null }
  const { fixedMib, microBatch } = given
  const eachMib = fixedMib === null || microBatch === null ? null : (peakMib - fixedMib) / microBatch
  const most = eachMib === null || eachMib <= 0 || fixedMib === null ? null : Math.floor((target - fixedMib) / eachMib)
  const state = peakMib <= target ? 'fits' : peakMib <= totalMib ? 'tight' : 'too-large'
  return { state, words: `peak ${peakMib} MiB of ${totalMib}, ${target} are to be used at most`, microBatch: most }
}

/** Walks the ladder of what makes a model fit, and marks what makes it another experiment. */
export const recipe = defineRecipe({
  id: 'vram-fit',
  title: 'Fit into the memory of the card',
  runbook: {
    when: 'CUDA out of memory, or a plan for a smaller card. Look for zombies and neighbours first: memory that others hold is said here, too.',
    touches:
      'Nothing. It holds the peak that you measured (the smoke says it) against the card, and lists what can be done, cheapest first. A rung that changes the science is marked: with it the run is another experiment.',
    back: 'There is nothing to take back.',
  },
  parameters: z.object({
    peakMib: z.number().min(0).default(0).describe('measured peak of one worker, MiB; 0: not measured'),
    microBatch: z.number().int().min(0).default(0).describe('micro-batch of that measurement; 0: unknown'),
    fixedMib: z
      .number()
      .min(0)
      .default(0)
      .describe('what weights, gradients and optimizer take of it, MiB; 0: from the count of parameters'),
    millionParameters: z.number().min(0).default(0).describe('parameters that are trained, in millions; 0: unknown'),
  }),
  serves: [{ rule: 'crash-mark' }, { rule: 'unit-failed' }, { rule: 'audit.gpu-memory' }],
  cells: [
    {
      name: 'fit',
      title: 'Hold the peak against the card',
      risk: 'read',
      timeoutSeconds: 60,
      plan: looksOnly(),
      run: async (context) => {
        const { peakMib, microBatch, fixedMib, millionParameters } = context.parameters
        const { text, code } = await ask(context, source, [], { codes: [0, 1, 2, 6, 9, 12, 15, 69, 124, 255] })
        const cards =
          code === 0
            ? text.split('\n').flatMap((line) => {
                const [total, used] = line.split(',').map(numberOf)
                return total === null || total === undefined ? [] : [{ total, used: used ?? null }]
              })
            : []
        for (const [i, { total, used }] of cards.entries())
          context.say(`card ${i}: ${total} MiB, ${used === null ? 'use unknown' : `${used} MiB in use now`}`)
        const smallest = cards.length === 0 ? null : Math.min(...cards.map(({ total }) => total))
        const byCount =
          millionParameters > 0 ? Math.round((millionParameters * 1e6 * bytesPerParameter) / 1024 ** 2) : null
        if (byCount !== null)
          context.say(
            `about ${byCount} MiB for weights, gradients and Adam in mixed precision, without activations (a rule of thumb)`,
          )
        const fit = judgeFit(smallest, peakMib > 0 ? peakMib : null, {
          fixedMib: fixedMib > 0 ? fixedMib : byCount,
          microBatch: microBatch > 0 ? microBatch : null,
        })
        await context.record('fit', fit)
        if (fit.microBatch !== null)
          context.say(
            fit.microBatch < 1
              ? 'not even one sample fits by a smaller micro-batch alone'
              : `a micro-batch of ${fit.microBatch} fits by arithmetic; measure it`,
          )
        if (fit.state !== 'fits')
          for (const [i, { words, changesScience }] of ladder.entries())
            context.say(`${i + 1}. ${words}${changesScience ? ' [CHANGES THE SCIENCE: another experiment]' : ''}`)
        return { summary: clean(`${fit.state}: ${fit.words}`) }
      },
    },
  ],
})
