import { z } from 'zod'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { ask, folderOr, inBatches, orUnknown } from '../src/recipe/shelf/ask.ts'
import { folderOfTier } from '../src/recipe/shelf/serve.ts'
import { type SeenFile, survey } from '../src/recipe/shelf/survey.ts'
import { formatBytes, formatDuration, plural } from '../src/text/format.ts'

const parameters = z.object({
  folder: z.string().default('').describe('Folder on the volume. Empty: the durable tier, else the data tier.'),
  streams: z.number().int().min(1).max(16).default(4).describe('Readers at once.'),
})

/** Reads files through; prints how many bytes that were. */
const readScript = 'LC_ALL=C; export LC_ALL; cat -- "$@" 2>/dev/null | wc -c'

const listed = async (context: CellContext<z.infer<typeof parameters>>) => {
  const outsideOfRun = { ...context, host: { ...context.host, folder: null } }
  return survey(context, await folderOr(outsideOfRun, context.parameters.folder, 'durable', 'data'), [])
}
const sum = (files: readonly SeenFile[]) => files.reduce((total, file) => total + file.bytes, 0)

export const recipe = defineRecipe({
  id: 'warm-volume',
  title: 'Read a snapshot volume through once',
  runbook: {
    when: 'A volume was made from a snapshot: each block comes over the network at its first read, so the first epoch crawls.',
    touches:
      'Nothing is written. Every plain file of one folder is read once; that costs the time and the reads of the volume.',
    back: 'There is nothing to take back. Ended early, what was read stays warm; run it again to read the rest.',
  },
  parameters,
  serves: [{ rule: 'audit.data-locality', fill: folderOfTier }],
  cells: [
    {
      name: 'read',
      title: 'Read every file once',
      risk: 'read',
      timeoutSeconds: 12 * 3600,
      plan: (context) =>
        orUnknown(async () => {
          const { files, root } = await listed(context)
          return {
            change: 'no',
            lines: [`reads ${plural(files.length, 'file')}, ${formatBytes(sum(files))}, under ${root}; writes nothing`],
            foundBy: 'probe',
          }
        }),
      run: async (context) => {
        const { files } = await listed(context)
        const batches = inBatches(files, (file) => [file.path])
        const began = performance.now()
        const short: string[] = []
        let bytes = 0
        let next = 0
        const reader = async () => {
          for (let batch = batches[next++]; batch !== undefined; batch = batches[next++]) {
            const said = (
              await ask(
                context,
                readScript,
                batch.map((file) => file.path),
                12 * 3600,
              )
            )
              .toString('latin1')
              .trim()
            const count = /^\d+$/.test(said) ? Number(said) : 0
            bytes += count
            if (count < sum(batch)) short.push(batch[0]?.path ?? '')
            context.say(`${formatBytes(bytes)} of ${formatBytes(sum(files))} read`)
          }
        }
        await Promise.all(Array.from({ length: context.parameters.streams }, reader))
        const seconds = (performance.now() - began) / 1000
        const speed = `${formatBytes(bytes / Math.max(seconds, 0.001))}/s`
        await context.record('bytes', bytes)
        if (short.length > 0)
          context.fail(
            `Only ${formatBytes(bytes)} of ${formatBytes(sum(files))} could be read; the first gap is near ${short[0]}.`,
            'Look at the kernel log of the host for errors of the disk, and whether this user may read there.',
          )
        return {
          summary: `${plural(files.length, 'file')}, ${formatBytes(bytes)}, read in ${formatDuration(seconds)} (${speed})`,
        }
      },
    },
  ],
})
