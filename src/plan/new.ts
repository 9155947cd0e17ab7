import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { placeholdersOf } from '../spec/command.ts'
import { parsePlan } from '../spec/parse.ts'
import { slugPattern } from '../spec/schema.ts'
import { formatProblem } from '../text/problem.ts'
import { splitWords } from './words.ts'

const isPlainText = (text: string): boolean => !/[\p{Cc}\p{Cs}\u2028\u2029\ufeff]/u.test(text)
const line = (most: number) =>
  z.string().trim().min(1).max(most).refine(isPlainText, { message: 'one line without control characters' })
const path = line(512).refine((p) => !p.startsWith('/') && !p.startsWith('-') && !p.split('/').includes('..'), {
  message: 'a path inside the project',
})
const placeholders = new Set(['unit', 'index', 'seed'])

/** What `kx new` asks, for the form, the flags and tests alike. */
export const answersSchema = z.strictObject({
  name: z
    .string()
    .regex(slugPattern, 'letters, digits, dot, underscore, hyphen; at most 64')
    .describe('name of the plan'),
  goal: line(400)
    .default('raise val_acc by 0.01 over the baseline')
    .describe('one sentence: what changes, which way, by how much'),
  command: line(4000)
    .default('python train.py --seed {seed}')
    .refine((c) => (splitWords(c)?.length ?? 0) > 0, { message: 'a command line with its quotes closed' })
    .refine((c) => (splitWords(c) ?? []).every((w) => w !== ''), { message: 'no empty words' })
    .refine((c) => (splitWords(c)?.length ?? 0) <= 256, { message: 'at most 256 words' })
    .refine((c) => placeholdersOf(splitWords(c) ?? []).every((p) => placeholders.has(p)), {
      message: 'only {unit}, {index} and {seed}; write {{ and }} for braces',
    })
    .describe('command line of one unit; {seed}, {unit} and {index} are filled in'),
  metric: line(128).default('val_acc').describe('primary metric'),
  direction: z.enum(['higher', 'lower']).default('higher').describe('which way is better'),
  chance: z.number().finite().optional().describe('value of the metric that guessing reaches'),
  target: z.number().finite().optional().describe('value that makes the run a success'),
  seeds: z.number().int().min(1).max(1000).default(3).describe('how many seeds, one unit each'),
  compute: z.enum(['cpu', 'gpu']).default('cpu').describe('what a unit needs'),
  workers: z.number().int().min(1).max(64).default(1).describe('units side by side'),
  requirements: path.optional().describe('file of pinned Python packages, when uv should install them'),
  data: path.optional().describe('data file or folder'),
  checkpointBytes: z.number().int().min(0).max(1e15).default(10_000_000).describe('size of one checkpoint'),
  hours: z.number().positive().max(1e6).default(2).describe('most hours the run may take'),
  usd: z.number().min(0).max(1e9).default(0).describe('most money it may cost'),
})

export type Answers = z.infer<typeof answersSchema>

/** A double-quoted scalar; answers hold no control characters, so JSON's escapes are YAML's. */
const quoted = (text: string): string => JSON.stringify(text)

/** A commented plan from a few answers. It parses and validates for every valid set of answers. */
export function renderPlanFile(answers: Answers): string {
  const command = splitWords(answers.command) ?? []
  const seeds = Array.from({ length: answers.seeds }, (_, i) => i)
  const n = answers.seeds
  return `# What is to be run. Every key is explained by the schema: kx schema
version: 1
name: ${quoted(answers.name)}

# One sentence: what changes, in which direction, by how much.
goal: ${quoted(answers.goal)}

# The first metric decides. chance is what guessing reaches, target what makes the run a success.
metrics:
  - name: ${quoted(answers.metric)}
    direction: ${answers.direction}
${answers.chance === undefined ? '    # chance: 0.5' : `    chance: ${answers.chance}`}
${answers.target === undefined ? '    # target: 0.9' : `    target: ${answers.target}`}
    primary: true

# One unit of work, word by word; no shell is involved. The unit writes into KX_UNIT_DIR:
# metrics.jsonl while it runs, result.json last. {unit}, {index} and {seed} are filled in.
command:
${command.map((w) => `  - ${quoted(w)}`).join('\n')}

# One unit a seed. Instead of seeds: list, range, grid or cpcv.
units:
  seeds: [${seeds.join(', ')}]
  # sequential: true        # when unit n needs unit n-1

${
  answers.requirements === undefined
    ? `# The interpreter of this machine, as it is. With packages: { kind: uv, requirements: requirements.txt }
environment:
  kind: system
  interpreter: ${quoted((command[0] ?? '').slice(0, 512))}`
    : `# uv installs these; every line must be an exact pin.
environment:
  kind: uv
  requirements: ${quoted(answers.requirements)}`
}

# Size and hash make a changed file visible: bytes from \`wc -c\`, sha256 from \`sha256sum\`.
${answers.data === undefined ? 'data: []\n# data:\n#   - path: data/train.csv\n#     source: where it came from' : `data:\n  - path: ${quoted(answers.data)}\n    # bytes: 0\n    # sha256:\n    # source: where it came from\n    # licence:`}

resources:
  compute: ${answers.compute}
  workers: ${answers.workers}
${answers.compute === 'gpu' ? '  gpus: 1\n  # gpuMemoryMiB: 22888   # what the device reports, not its name' : '  # threadsPerWorker: 1'}

# Size of one, and how many are kept at once over all units. Written to KX_CHECKPOINT_DIR.
checkpoints:
  bytes: ${answers.checkpointBytes}
  count: ${Math.min(answers.workers, n) * 2}

# What must survive. A file that was never written can only be missed against this list.
artifacts:
  - glob: units/*/result.json
    minimumCount: ${n}
    kind: json
  - glob: units/*/env_fingerprint.json
    minimumCount: ${n}
    kind: json

# When the run stops itself.
abort:
  nan: true
  wallHours: ${answers.hours}
  # belowChanceAfterUnits: 3
  # idleMinutes: 30

# Hard caps. An approval is refused while they are below the estimate.
budget:
  usd: ${answers.usd}
  hours: ${answers.hours}

# Steps after the last unit, in order:
# after:
#   - name: aggregate
#     command: [python, aggregate.py]

# Names only; values come from the environment and never stand in a file.
secrets: []

hosts: [local]
profiles: [local]
`
}

/**
 * Writes a new plan from answers (defaults filled in) and returns its path. Throws an Error that says what to do when an
 * answer is wrong or the file is there already: it never overwrites.
 */
export async function writeNewPlan(projectFolder: string, planFile: string, given: unknown): Promise<string> {
  const answers = answersSchema.safeParse(given)
  if (!answers.success) {
    const issue = answers.error.issues[0]
    throw new Error(`${issue?.path.join('.') || 'answers'}: ${issue?.message ?? 'not usable'}. Nothing was written.`)
  }
  const text = renderPlanFile(answers.data)
  const parsed = parsePlan(text, planFile)
  if (!parsed.ok) throw new Error(`${parsed.problems.map(formatProblem).join('; ')}. Nothing was written.`)
  const file = join(projectFolder, planFile)
  await mkdir(dirname(file), { recursive: true })
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Error(`${planFile} is there already and stays as it is. Edit it, or name another with --plan.`)
    throw error
  }
  return file
}
