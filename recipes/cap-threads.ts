import { z } from 'zod'
import { runProbe } from '../src/host/probe/run-probe.ts'
import { type CellContext, defineRecipe } from '../src/recipe/contract.ts'
import { NoAnswer, orUnknown } from '../src/recipe/shelf/ask.ts'
import { formatNumber } from '../src/text/format.ts'

/** What numeric libraries read; the same that the runner sets when a plan declares threads. */
const variables = [
  'OMP_NUM_THREADS',
  'MKL_NUM_THREADS',
  'OPENBLAS_NUM_THREADS',
  'NUMEXPR_NUM_THREADS',
  'VECLIB_MAXIMUM_THREADS',
  'RAYON_NUM_THREADS',
] as const

const parameters = z.object({
  workers: z.number().int().min(0).max(1024).default(0).describe('Units at work at once. 0: as the plan says, else 1.'),
  threads: z.number().int().min(0).max(1024).default(0).describe('Threads of each unit. 0: usable cores / workers.'),
})
type Context = CellContext<z.infer<typeof parameters>>

async function look(
  context: Context,
): Promise<{ folder: string; threads: number; how: string; wrong: readonly string[] }> {
  const { host, parameters: wanted, run, signal } = context
  const folder = run?.boxFolder ?? host.folder
  if (folder === null || (await host.stat(`${folder}/plan.env`))?.kind !== 'file')
    throw new NoAnswer('there is no run of kx on this host: declare resources.threadsPerWorker in the plan instead')
  const resources = run?.plan.resources as { readonly workers?: unknown } | undefined
  const workers = wanted.workers > 0 ? wanted.workers : typeof resources?.workers === 'number' ? resources.workers : 1
  let { threads } = wanted
  let how = 'as asked'
  if (threads === 0) {
    const { probe } = await runProbe(host, { signal, timeoutSeconds: 20 })
    const quota = probe.cgroup.cpuCores
    const cores = probe.cores
    const usable = Math.min(
      quota.isKnown && quota.value !== 'none' ? quota.value : Number.POSITIVE_INFINITY,
      cores.isKnown ? cores.value : Number.POSITIVE_INFINITY,
    )
    if (!Number.isFinite(usable)) throw new NoAnswer('neither quota nor cores of the host are known: name `threads`')
    threads = Math.max(1, Math.floor(usable / workers))
    how = `${formatNumber(usable)} usable cores / ${workers} workers`
  }
  const wrong: string[] = []
  for (const name of variables) {
    const path = `${folder}/env/${name}`
    const found = await host.read(path, 0, 64)
    if (found === null || new TextDecoder().decode(found) !== String(threads)) wrong.push(path)
  }
  return { folder, threads, how, wrong }
}

export const recipe = defineRecipe({
  id: 'cap-threads',
  title: 'Hold threads to the cores that may be used',
  runbook: {
    when: 'The GPU is used to 5 to 15 % and hundreds of threads fight over a few cores: libraries count the cores of the host, not of the quota.',
    touches:
      'Files of thread variables in `env/` of the run on the host (OMP, MKL, OpenBLAS, NumExpr, vecLib, Rayon). Units that begin after it get them; what runs is not touched, and no script is edited.',
    back: 'Its undo writes what stood there before and removes what it added. For good, declare resources.threadsPerWorker in the plan.',
  },
  parameters,
  serves: [{ rule: 'audit.cpu-quota' }, { rule: 'gpu-idle' }],
  cells: [
    {
      name: 'set',
      title: 'Set the thread variables of the next units',
      risk: 'change',
      timeoutSeconds: 120,
      plan: (context) =>
        orUnknown(async () => {
          const { threads, how, wrong } = await look(context)
          if (wrong.length === 0)
            return { change: 'no', lines: [`all say ${threads} (${how})`], foundBy: 'diff', targets: [] }
          return {
            change: 'yes',
            lines: [
              `${threads} threads for each unit (${how})`,
              ...wrong.map((path) => `write ${threads} into ${path}`),
            ],
            foundBy: 'diff',
            targets: wrong,
          }
        }),
      run: async (context) => {
        const { host, targets, record } = context
        if (targets.length === 0) return { summary: 'they are set already' }
        const { threads } = await look(context)
        const before: [string, string | null][] = []
        for (const path of targets) {
          const found = await host.read(path, 0, 4096)
          before.push([path, found === null ? null : new TextDecoder().decode(found)])
        }
        await record('before', before)
        await record('threads', threads)
        for (const path of targets) await host.write(path, String(threads))
        return { summary: `${threads} threads for each unit that begins from now on` }
      },
      probe: async (context) => {
        const { before, threads } = (context.results.set ?? {}) as { before?: [string, unknown][]; threads?: number }
        if (before === undefined) return 'unknown'
        for (const [path] of before) {
          const found = await context.host.read(path, 0, 64)
          if (found === null || new TextDecoder().decode(found) !== String(threads)) return 'not-done'
        }
        return 'done'
      },
      undo: async ({ host, results, $ }) => {
        const before = (results.set?.before ?? []) as [string, string | null][]
        for (const [path, text] of before)
          if (text === null) await $`rm -f -- ${path}`
          else await host.write(path, text)
        return { summary: `${before.length} variables as before` }
      },
    },
  ],
})
