import { z } from 'zod'
import { compareSchema, findingsSchema } from './compare-schema.ts'

const percent = z.number().min(1).max(100)
const factor = z.number().min(1).max(1000)
const file = z
  .string()
  .min(1)
  .max(1024)
  .refine((p) => !p.startsWith('-'), { message: 'a path that does not start with a hyphen' })
const command = z.array(z.string().min(1).max(4096)).min(1).max(64)

/** Limits that patrol grades by. Source of the numbers: handbook monitoring 5 unless said otherwise. */
const patrolSchema = z.strictObject({
  diskWarnPercent: percent.default(90).describe('disk used, bytes or inodes: no new writers from here on'),
  diskErrorPercent: percent.default(95).describe('disk used, bytes or inodes: act'),
  fullWarnHours: z
    .number()
    .positive()
    .max(8760)
    .default(24)
    .describe('hours until a disk is full at its present growth'),
  fullErrorHours: z.number().positive().max(8760).default(1).describe('the same: act'),
  memoryWarnPercent: percent.default(90).describe('share of the memory limit in use'),
  gpuUtilWarnPercent: percent.default(70).describe('GPU utilisation below this, averaged, is worth a look'),
  gpuUtilErrorPercent: percent.default(50).describe('GPU utilisation below this for ten minutes: investigate'),
  gpuMemoryWarnPercent: percent.default(90).describe('GPU memory in use'),
  gpuMemoryErrorPercent: percent.default(95).describe('GPU memory in use: about to fail'),
  gpuHotCelsius: z.number().min(40).max(120).default(83).describe('GPU temperature from which clocks are watched'),
  gpuClockErrorPercent: percent.default(70).describe('clock below this share while hot: throttled'),
  stalledMinutes: z.number().positive().max(1440).default(10).describe('alive, but nothing written for this long'),
  flatLossMinutes: z.number().positive().max(1440).default(30).describe('loss has not moved for this long'),
  unitWarnFactor: factor.default(2).describe('a unit takes this many times what was measured'),
  unitErrorFactor: factor.default(3).describe('the same: something is wrong'),
  fastFinishPercent: percent.default(50).describe('a unit that ends in less than this share of its time is suspect'),
  costWarnPercent: z.number().min(1).max(1000).default(120).describe('cost against the estimate'),
  costErrorPercent: z.number().min(1).max(1000).default(150).describe('cost against the estimate: act'),
  instanceWarnHours: z.number().positive().max(8760).default(24).describe('age of a machine'),
  heartbeatHealthySeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(120)
    .describe('heartbeat younger than this is fine'),
  heartbeatWarnSeconds: z
    .number()
    .positive()
    .max(86_400)
    .default(600)
    .describe('heartbeat older than this is a warning'),
})

/** Everything that `.kxrc` can say. `.kxrc.example` is made from this. */
export const configSchema = z.strictObject({
  theme: z
    .enum(['auto', 'dark', 'light', 'ansi16', 'mono'])
    .default('auto')
    .describe('auto asks the terminal for its background'),
  color: z.enum(['auto', 'always', 'never']).default('auto').describe('NO_COLOR in the environment means never'),
  ascii: z.boolean().default(false).describe('draw with no character outside ASCII'),
  mouse: z.boolean().default(true).describe('wheel and click; one key lets go of the mouse at any time'),
  clipboard: z
    .enum(['auto', 'osc52', 'tmux', 'file'])
    .default('auto')
    .describe('how text is copied; auto tries what this terminal can do and says which it was'),
  escTimeoutMs: z
    .number()
    .int()
    .min(10)
    .max(2000)
    .default(30)
    .describe('how long a lone Esc is waited for; more over a slow link'),
  refreshSeconds: z.number().min(1).max(3600).default(2).describe('pause between two looks at a live run'),
  who: z.string().min(1).max(128).nullable().default(null).describe('name in records; null: the login name'),
  editor: command.nullable().default(null).describe('editor as a list of words; null: $VISUAL, $EDITOR, vi'),
  pager: command.nullable().default(null).describe('pager as a list of words; null: $PAGER, less'),
  planFile: file.default('kx.yaml').describe('plan of a project, from its folder'),
  checklists: z
    .array(file)
    .max(64)
    .default(['checklists', 'TODO.md'])
    .describe('Markdown files with task items, or folders of such files'),
  ssh: z
    .strictObject({
      configFile: file
        .nullable()
        .default(null)
        .describe('absolute path, read in place of ~/.ssh/config; it may name programs to run'),
      transport: z
        .enum(['auto', 'ssh', 'openssh'])
        .default('auto')
        .describe("ssh: kx's own; openssh: the system's ssh program; auto: whichever the host needs"),
    })
    .prefault({}),
  s3: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .max(1024)
        .nullable()
        .default(null)
        .describe("address of an object store that is not Amazon's; null: what the AWS tools would ask"),
      pathStyle: z
        .boolean()
        .default(false)
        .describe('bucket in the path of the address, as most stores of your own want it'),
      region: z
        .string()
        .regex(/^[a-z0-9-]+$/)
        .max(64)
        .nullable()
        .default(null)
        .describe('region that is asked; null: by AWS_REGION or your AWS profile'),
      profile: z
        .string()
        .min(1)
        .max(128)
        .nullable()
        .default(null)
        .describe('profile of the AWS tools; null: AWS_PROFILE or the default one'),
    })
    .prefault({}),
  transfer: z
    .strictObject({
      rsync: z
        .enum(['auto', 'never', 'always'])
        .default('auto')
        .describe('rsync for what is pulled; auto: where much of an older copy can be used again; kx pull says why'),
    })
    .prefault({}),
  confirm: z
    .strictObject({
      guardMs: z
        .number()
        .int()
        .min(0)
        .max(5000)
        .default(300)
        .describe('keys that come earlier than this after a dialog was painted are ignored'),
    })
    .prefault({}),
  notify: z
    .strictObject({
      bell: z.boolean().default(true).describe('ring the terminal bell for a new error'),
    })
    .prefault({}),
  guard: z
    .strictObject({
      absentMinutes: z
        .number()
        .min(1)
        .max(10_080)
        .default(60)
        .describe('on the box: finished, dead or stalled, and nobody came for so long: save and park, or alarm'),
      stalledMinutes: z
        .number()
        .min(1)
        .max(10_080)
        .default(60)
        .describe(
          'on the box: nothing written for so long counts as stalled; never less than three steps of the smoke',
        ),
    })
    .prefault({}),
  patrol: patrolSchema.prefault({}),
  compare: compareSchema.prefault({}),
  findings: findingsSchema.prefault({}),
  keys: z
    .record(
      z.string().min(1).max(128),
      z.union([z.string().min(1).max(64), z.array(z.string().min(1).max(64)).max(8)]).nullable(),
    )
    .default({})
    .describe('command id: chord, list of chords, or null to take its keys away'),
})

export type Config = z.infer<typeof configSchema>

/**
 * Keys that a project may not set: they name programs to run, the person, or who is sent what a person's credentials sign. A cloned
 * project is somebody else's.
 */
export const personalKeys: ReadonlySet<string> = new Set([
  'who',
  'editor',
  'pager',
  'ssh.configFile',
  's3.endpoint',
  's3.profile',
])

/** Pairs whose first value may not be larger than the second. */
export const orderedKeys: readonly (readonly [small: string, large: string])[] = [
  ['patrol.diskWarnPercent', 'patrol.diskErrorPercent'],
  ['patrol.fullErrorHours', 'patrol.fullWarnHours'],
  ['patrol.gpuUtilErrorPercent', 'patrol.gpuUtilWarnPercent'],
  ['patrol.gpuMemoryWarnPercent', 'patrol.gpuMemoryErrorPercent'],
  ['patrol.unitWarnFactor', 'patrol.unitErrorFactor'],
  ['patrol.costWarnPercent', 'patrol.costErrorPercent'],
  ['findings.learningRateLeast', 'findings.learningRateMost'],
  ['patrol.heartbeatHealthySeconds', 'patrol.heartbeatWarnSeconds'],
]
