import { z } from 'zod'

/** Names that become folder names and job labels: safe on every file system and in every engine. */
export const slugPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const slug = z.string().regex(slugPattern, 'letters, digits, dot, underscore, hyphen; at most 64')
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'an environment variable name')
const relativePath = z
  .string()
  .min(1)
  .max(1024)
  .refine((p) => !p.startsWith('/') && !p.split('/').includes('..') && !p.startsWith('-'), {
    message: 'a path inside the project, without .. and not starting with a hyphen',
  })
const count = z.number().int().min(0).max(1_000_000_000)
const positive = z.number().positive().finite()
const bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
const argv = z.array(z.string().min(1).max(4096)).min(1).max(256)
const scalar = z.union([z.string().max(256), z.number().finite(), z.boolean()])

/** How whole an artifact can be shown to be without Python; `other` has size and hash only. */
export const artifactKinds = [
  'json',
  'jsonl',
  'csv',
  'safetensors',
  'npy',
  'npz',
  'torch',
  'gzip',
  'tar',
  'parquet',
  'hdf5',
  'sqlite',
  'gguf',
  'onnx',
  'other',
] as const
export type ArtifactKind = (typeof artifactKinds)[number]

export const metricSchema = z.strictObject({
  name: z.string().min(1).max(128),
  direction: z.enum(['higher', 'lower']).describe('which way is better'),
  chance: z.number().finite().optional().describe('value that guessing reaches'),
  target: z.number().finite().optional().describe('value that makes the run a success'),
  primary: z.boolean().default(false),
})

export const unitsSchema = z
  .strictObject({
    list: z.array(slug).min(1).max(100_000).optional(),
    range: z
      .strictObject({ from: z.number().int(), to: z.number().int(), step: z.number().int().positive().default(1) })
      .optional()
      .describe('from and to are both included'),
    grid: z.record(z.string().min(1).max(64), z.array(scalar).min(1).max(10_000)).optional(),
    seeds: z.array(z.number().int().min(0).max(4_294_967_295)).min(1).max(10_000).optional(),
    cpcv: z
      .strictObject({ groups: z.number().int().min(2).max(40), choose: z.number().int().min(1).max(39) })
      .optional()
      .describe('combinatorial purged cross-validation: every choice of `choose` test groups out of `groups`'),
    sequential: z.boolean().default(false).describe('unit n needs unit n-1: one worker, in order'),
  })
  .refine(
    (u) => ['list', 'range', 'grid', 'seeds', 'cpcv'].filter((k) => u[k as keyof typeof u] !== undefined).length === 1,
    {
      message: 'exactly one of list, range, grid, seeds, cpcv',
    },
  )

export const stepSchema = z.strictObject({
  name: slug,
  command: argv,
  timeoutSeconds: positive.max(604_800).default(3600),
})

export const dataSchema = z
  .strictObject({
    path: relativePath.optional(),
    uri: z.string().min(1).max(2048).optional(),
    bytes: bytes.optional(),
    rows: count.optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits')
      .optional(),
    source: z.string().max(512).optional(),
    licence: z.string().max(128).optional(),
  })
  .refine((d) => (d.path === undefined) !== (d.uri === undefined), { message: 'exactly one of path, uri' })

export const artifactSchema = z.strictObject({
  glob: relativePath.describe('relative to the box folder of the run, e.g. units/*/result.json'),
  minimumCount: count.default(1),
  minimumBytes: bytes.default(1),
  kind: z.enum(artifactKinds),
})

/** Generalised configuration checks: the forms of the config items of the plan screen. */
export const configCheckSchema = z.discriminatedUnion('form', [
  z.strictObject({ form: z.literal('set'), id: slug, key: z.string() }),
  z.strictObject({ form: z.literal('equal'), id: slug, key: z.string(), other: z.string() }),
  z.strictObject({ form: z.literal('one-of'), id: slug, key: z.string(), values: z.array(scalar).min(1) }),
  z.strictObject({
    form: z.literal('range'),
    id: slug,
    key: z.string(),
    minimum: z.number(),
    maximum: z.number(),
    recommended: z.tuple([z.number(), z.number()]).optional(),
    optional: z.boolean().default(false),
  }),
  z.strictObject({ form: z.literal('exists'), id: slug, key: z.string() }),
  z.strictObject({
    form: z.literal('conflict'),
    id: slug,
    when: z.array(z.strictObject({ key: z.string(), is: scalar })).min(2),
    because: z.string(),
  }),
])

export const planSchema = z.strictObject({
  version: z.literal(1),
  name: slug,
  goal: z.string().min(1).max(400).describe('one sentence: what changes, in which direction, by how much'),
  metrics: z.array(metricSchema).min(1).max(64),
  command: argv.describe(
    'argument vector of one unit; {unit}, {index}, {seed} and the parameters of the unit are replaced inside words',
  ),
  environmentVariables: z.record(envName, z.string().max(4096)).default({}),
  logPattern: z
    .string()
    .max(512)
    .optional()
    .describe('for scripts that do not write metrics.jsonl: text with {name} and {value} marks, matched per log line'),
  units: unitsSchema,
  smoke: z
    .strictObject({
      units: z.number().int().min(1).max(2).default(1),
      timeoutSeconds: positive.max(86_400).default(600),
      killAfterSteps: z.number().int().min(1).default(1).describe('steps to wait for before the resume drill kills it'),
    })
    .default({ units: 1, timeoutSeconds: 600, killAfterSteps: 1 }),
  environment: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('uv'),
      requirements: relativePath,
      python: z.string().max(32).optional(),
      lock: relativePath.optional(),
    }),
    z.strictObject({
      kind: z.literal('image'),
      reference: z.string().min(1).max(512),
      interpreter: z.string().max(512).optional(),
    }),
    z.strictObject({
      kind: z.literal('system'),
      interpreter: z.string().min(1).max(512),
      lock: relativePath.optional(),
    }),
  ]),
  data: z.array(dataSchema).max(1000).default([]),
  model: z
    .strictObject({
      parameters: z.number().int().min(0).max(1e15).optional(),
      precision: z.enum(['fp32', 'tf32', 'bf16', 'fp16', 'fp8', 'int8', 'none']).default('fp32'),
    })
    .optional(),
  resources: z.strictObject({
    compute: z.enum(['cpu', 'gpu']),
    workers: z.number().int().min(1).max(4096).default(1),
    threadsPerWorker: z.number().int().min(1).max(1024).optional(),
    gpus: z.number().int().min(0).max(4096).optional(),
    gpuMemoryMiB: z.number().int().positive().optional(),
    memoryBytes: bytes.optional(),
    diskBytes: bytes.optional(),
    shmBytes: bytes.optional(),
  }),
  checkpoints: z.strictObject({
    bytes: bytes.describe('size of one checkpoint'),
    count: count.describe('how many are kept at once, over all units'),
    scratchBytes: bytes.default(0),
    contract: z.literal('checkpoint.json').default('checkpoint.json'),
  }),
  artifacts: z.array(artifactSchema).min(1).max(1000),
  after: z.array(stepSchema).max(32).default([]),
  save: stepSchema.optional().describe('hook that saves state before a park or a stop'),
  secrets: z.array(envName).max(64).default([]).describe('names only; values never stand in a plan'),
  secretChecks: z
    .record(envName, argv)
    .optional()
    .describe('per secret a command that works only with it; run on the host, and only its exit code is looked at'),
  hosts: z.array(slug).min(1).max(256).default(['local']),
  abort: z
    .strictObject({
      nan: z.boolean().default(true),
      belowChanceAfterUnits: z.number().int().min(1).optional(),
      wallHours: positive.optional(),
      idleMinutes: positive.optional(),
      costPercent: positive.optional(),
    })
    .default({ nan: true }),
  budget: z.strictObject({
    usd: z.number().min(0).finite(),
    hours: positive,
    gpuHours: z.number().min(0).finite().optional(),
  }),
  prices: z
    .record(
      slug,
      z.strictObject({
        usdPerHour: z.number().min(0).finite(),
        statedOn: z.iso.date().describe('day on which you looked; six months later it is stale'),
        source: z.string().min(1).max(200).optional().describe('where you looked'),
      }),
    )
    .optional()
    .describe('what a host costs, by its name, where its profile does not know'),
  deadline: z.iso.datetime({ offset: true }).optional(),
  profiles: z.array(slug).min(1).max(64).default(['local']),
  tracking: z
    .strictObject({
      kind: z.enum(['plain', 'wandb', 'mlflow', 'tensorboard', 'none']),
      project: z.string().max(128).optional(),
    })
    .default({ kind: 'plain' }),
  retention: z
    .strictObject({ checkpointDays: positive.default(7), resultDays: positive.optional() })
    .default({ checkpointDays: 7 }),
  seed: z.number().int().min(0).max(4_294_967_295).default(0),
  code: z
    .strictObject({ roots: z.array(relativePath).min(1).default(['.']), exclude: z.array(relativePath).default([]) })
    .default({ roots: ['.'], exclude: [] }),
  configFiles: z.array(relativePath).max(64).default([]),
  configChecks: z.array(configCheckSchema).max(256).default([]),
})

/** A validated plan, defaults filled in. */
export type Plan = z.infer<typeof planSchema>
export type Metric = Plan['metrics'][number]

/** One independent piece of work, expanded from the plan. */
export interface Unit {
  /** Stable, a valid slug, unique in the plan: folder name and identity. */
  readonly id: string
  /** Position in the plan, from 0. */
  readonly index: number
  readonly seed: number
  /** Grid point, or `{groups: [a, b]}` of a combinatorial split; replaced into the command by name. */
  readonly parameters: Readonly<Record<string, string | number | boolean | readonly number[]>>
}
