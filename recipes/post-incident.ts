import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type CellContext, type CellPlan, defineRecipe } from '../src/recipe/contract.ts'
import { plural } from '../src/text/format.ts'
import { clean, folderOf, looksOnly } from './parts/ask.ts'
import { readText } from './parts/files.ts'
import { objectOf } from './parts/metrics.ts'

const parameters = z.object({
  title: z.string().min(1).max(200).default('Incident').describe('what happened, in a few words'),
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dot, underscore, hyphen')
    .default('incident')
    .describe('name of the file, without .md'),
})

type Context = CellContext<z.infer<typeof parameters>>

interface Moment {
  readonly atMs: number
  readonly line: string
}

/** What runner and guard wrote down on the host, in order of time. */
async function moments(context: Context): Promise<readonly Moment[]> {
  const folder = folderOf(context)
  const out: Moment[] = []
  for (const path of ['events.jsonl', 'guard/events.jsonl']) {
    const read = await readText(context, `${folder}/${path}`, 2 * 1024 * 1024)
    for (const line of (read?.text ?? '').split('\n')) {
      const event = objectOf(line)
      if (event === null || typeof event.atMs !== 'number' || typeof event.event !== 'string') continue
      // Beyond it there are no dates.
      if (Math.abs(event.atMs) > 8.64e15) continue
      const rest = Object.entries(event)
        .filter(([name]) => name !== 'atMs' && name !== 'event')
        .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
      const words = [path.startsWith('guard') ? 'guard' : '', event.event, ...rest].filter(Boolean).join(' ')
      out.push({ atMs: event.atMs, line: clean(words).slice(0, 300) })
    }
  }
  return out.sort((a, b) => a.atMs - b.atMs)
}

const namesIn = async (folder: string): Promise<readonly string[]> => readdir(folder).catch(() => [])

const pathFor = ({ run, parameters: { name } }: Context) =>
  run === null ? null : join(run.projectFolder, '.kx', 'runs', run.id, `${name}.md`)

const planned = async (context: Context): Promise<CellPlan> => {
  const path = pathFor(context)
  if (path === null) return { change: 'unknown', lines: ['No run is open.'], foundBy: 'declared' }
  const there = (await namesIn(join(path, '..'))).includes(`${context.parameters.name}.md`)
  return there
    ? { change: 'no', lines: [`${path} is there already and stays as it is.`], foundBy: 'probe' }
    : { change: 'yes', lines: [`Writes ${path}, and the report of the run.`], foundBy: 'probe', targets: [path] }
}

/** Writes down what happened while it is still known. */
export const recipe = defineRecipe({
  id: 'post-incident',
  title: 'Post-incident report',
  runbook: {
    when: 'It is over. Before the machine is torn down, because half of what it says lies there.',
    touches:
      'Nothing on the host. Writes one Markdown file into the folder of the run here: times from runner and guard, how the units stand, which evidence was kept, and headings for what only people know. Has kx write the report of the run beside it. A file that is there is never written over.',
    back: 'The undo deletes the file; the report of the run stays.',
  },
  parameters,
  cells: [
    {
      name: 'timeline',
      title: 'What was written down there',
      risk: 'read',
      timeoutSeconds: 120,
      on: 'first',
      plan: looksOnly(),
      run: async (context) => {
        const all = await moments(context)
        // Where there are too many, the end tells more than the middle.
        const kept = all.length <= 400 ? all : [...all.slice(0, 50), ...all.slice(-350)]
        await context.record('moments', kept)
        return { summary: `${plural(all.length, 'event')}${kept.length < all.length ? `, ${kept.length} kept` : ''}` }
      },
    },
    {
      name: 'write',
      title: 'Write it down',
      risk: 'change',
      timeoutSeconds: 180,
      on: 'first',
      plan: planned,
      run: async (context) => {
        const { run, targets, results, parameters } = context
        const [path] = targets
        if (run === null || path === undefined)
          return context.fail(
            'There is nothing to write: no run, or the file is there already.',
            'Give it another name: --name <name>.',
          )
        const report = await context.kx('report.write')
        const evidence = await namesIn(join(path, '..', 'evidence'))
        const known = (results.timeline?.moments ?? []) as readonly Moment[]
        const states = Object.entries(Object.groupBy(run.units, ({ state }) => state)).map(
          ([state, units]) => `- ${state}: ${units?.length ?? 0}`,
        )
        const bullets = (lines: readonly string[], none: string) => (lines.length === 0 ? [none] : lines)
        const text = [
          `# ${clean(parameters.title)}`,
          '',
          `Run ${run.name} (${run.id}) on ${context.host.name}, written ${new Date().toISOString()}.`,
          '',
          '## How it stands',
          '',
          ...bullets(states, 'Nothing is known of its units.'),
          `- report: ${report.exitCode === 0 ? clean(report.summary) : `not written (${clean(report.summary)})`}`,
          '',
          '## What happened when',
          '',
          ...bullets(
            known.map(({ atMs, line }) => `- ${new Date(atMs).toISOString()} \`${line.replaceAll('`', "'")}\``),
            'Unknown: no event could be read.',
          ),
          '',
          '## Evidence',
          '',
          ...bullets(
            evidence.map((name) => `- evidence/${clean(name)}`),
            'None was kept.',
          ),
          '',
          ...['Who noticed, and how', 'Why it happened', 'What it cost', 'What we change, who, and until when'].flatMap(
            (each) => [`## ${each}`, '', '(to be written)', ''],
          ),
        ].join('\n')
        await writeFile(path, text, { mode: 0o600, flag: 'wx' })
        await context.record('path', path)
        return { summary: `written: ${path}` }
      },
      undo: async ({ results }) => {
        const path = results.write?.path
        if (typeof path !== 'string') return { summary: 'nothing was written' }
        await rm(path, { force: true })
        return { summary: `removed: ${path}` }
      },
      probe: async (context) => (context.results.write?.path === undefined ? 'unknown' : 'done'),
    },
  ],
})
