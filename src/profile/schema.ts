import { z } from 'zod'

/** Month in which a person last compared a fact with its source. Money facts go stale after six months. */
const stamp = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month, such as 2026-06')
const text = z.string().min(1).max(2000)
const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower-case letters, digits, hyphen')

/**
 * `bills`: survives and goes on costing. `unknown` means measure or ask, and is treated as lost. `not-applicable`: the
 * platform has no such act, so nothing may rest on outliving it.
 */
export const survivalSchema = z.enum(['survives', 'bills', 'lost', 'unknown', 'not-applicable'])
export type Survival = z.infer<typeof survivalSchema>

const tierSchema = z.strictObject({
  id,
  purpose: z.enum(['system', 'data', 'durable', 'scratch']),
  path: text.describe('absolute path on the host; may begin with $HOME or $XDG_DATA_HOME'),
  survives: z.strictObject({ reboot: survivalSchema, stop: survivalSchema, destroy: survivalSchema }),
  capacityBytes: z.number().int().positive().optional(),
  inodeCap: z.number().int().positive().optional(),
  regionLocked: z.boolean().default(false),
  note: text.optional(),
})

/** How a machine does a verb to itself. */
const onBoxSchema = z.strictObject({
  command: z.array(z.string().min(1).max(1000)).min(1).max(16).describe('argument vector, run on the machine'),
  condition: text.optional().describe('what must be so, or the command does something else'),
  isConfirmed: z
    .boolean()
    .describe('somebody saw it keep the disk and end the meter; false: a person says so in a profile of their own'),
  verified: stamp,
})

const meterVerbSchema = z.strictObject({
  verb: text.describe('literally as the platform names it'),
  stops: text.describe('what it stops billing'),
  stillBills: text,
  dies: text,
  isReversible: z.boolean(),
  /** Who can do it: kx through a provider, or a person at a console or command line. */
  by: z.enum(['kx', 'person', 'nobody']),
  how: text,
  /**
   * Whether it can be done from the machine itself, with kx gone. `never`: it cannot, or it must not; `unknown`: nobody has
   * seen it done. A command here is run by the guard of a lease, and by nothing else.
   */
  onBox: z.union([z.enum(['never', 'unknown']), onBoxSchema]).default('unknown'),
  /** Several acts in their order, where one is not enough; each is one console step or command, in words. */
  steps: z.array(text).min(1).optional(),
  /** What must be said before it is done, of a verb that cannot be undone. */
  warning: text.optional(),
  /** Column of the survival matrix that this verb goes by. */
  event: z.enum(['stop', 'destroy']).optional(),
  /** What of the bill it ends. */
  ends: z.enum(['everything', 'compute', 'storage', 'nothing', 'unknown']).optional(),
  /** Tiers that are gone after it. */
  loses: z.array(id).optional(),
  /** Tiers that go on billing after it. */
  bills: z.array(id).optional(),
  verified: stamp,
})

const rateSchema = z.strictObject({
  id,
  what: text,
  amount: z.number().min(0),
  unit: text.describe('currency per quantity and time, such as USD per GB-month'),
  note: text.optional(),
  verified: stamp,
})

/** Facts of one platform; no code. Sections follow the fixed order of the handbook. */
export const profileSchema = z.strictObject({
  platform: id,
  title: text,
  extends: id.optional(),
  verified: stamp,
  /** What the facts rest on: daily use, the platform's documentation, things seen live. */
  basis: text.optional(),
  kind: z.enum(['workstation', 'ssh', 'ssh-rental', 'cloud-api', 'kubernetes', 'slurm', 'notebook']),
  meterStopVerb: text,
  meterStopIrreversible: z.enum(['true', 'false', 'mixed', 'not-applicable']),
  detach: z
    .array(z.enum(['systemd', 'tmux', 'setsid', 'sbatch', 'k8s-job', 'kaggle-commit', 'onstart', 'none']))
    .min(1),
  spot: z.strictObject({ available: z.boolean(), graceSeconds: z.number().min(0).nullable(), note: text.optional() }),
  sharedFileSystem: z.strictObject({ path: text.nullable(), regionLocked: z.boolean() }),
  inodeCap: z.union([z.number().int().positive(), z.enum(['none-documented', 'host-dependent', 'measure'])]),
  egress: z.enum(['free', 'metered', 'host-dependent', 'not-applicable', 'unknown']),
  chinaMirrorNeeded: z.enum(['yes', 'no', 'depends']),
  /** Ways round slow or blocked sources, where the machines stand in China. */
  mirrors: z
    .strictObject({
      environment: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/), text).default({}),
      order: z.array(text).min(1),
      notes: z.array(text).default([]),
    })
    .optional(),
  hostDriverCudaMax: text.nullable().describe('null: not known; per-offer: said by each offer'),
  localNvme: z.enum(['yes', 'no', 'ephemeral', 'host-dependent', 'unknown']),
  launch: z.strictObject({
    path: text,
    steps: z.array(text).default([]),
    startScriptReruns: z.union([z.boolean(), z.literal('unknown')]),
    environment: text.optional().describe('what the run finds installed there, and what must not be replaced'),
    interpreter: text.optional().describe('path of the Python that belongs to the image'),
  }),
  storage: z.strictObject({ tiers: z.array(tierSchema).min(1) }),
  network: z.strictObject({
    ssh: z.array(z.enum(['none', 'direct', 'proxied', 'basic'])).min(1),
    user: text.nullable(),
    address: text.optional().describe('form of the address, with <…> for what differs'),
    portsMayChange: z.union([z.boolean(), z.literal('unknown')]),
    environmentReachesSsh: z.enum(['yes', 'no', 'unknown', 'not-applicable']),
    notes: z.array(text).default([]),
  }),
  interruption: z.strictObject({ notice: text, restoresState: z.boolean(), notes: z.array(text).default([]) }),
  billing: z.strictObject({
    currency: z.enum(['USD', 'CNY', 'none', 'unknown']),
    usdPerHour: z.number().min(0).nullable().describe('null: not known from the profile alone'),
    priceSource: text,
    verified: stamp,
    granularity: text.optional().describe('in what steps time is billed'),
    rates: z.array(rateSchema).default([]),
    verbs: z.array(meterVerbSchema).min(1),
    absenceProof: text.describe('how it is seen that the machine is gone'),
  }),
  park: z.strictObject({ verb: text.nullable(), isAutomatic: z.boolean(), note: text }),
  daemon: z.strictObject({ survivesDisconnect: z.boolean(), survivesReboot: z.boolean(), note: text }),
  dangerClocks: z
    .array(
      z.strictObject({
        id,
        what: text,
        afterHours: z.number().positive().nullable(),
        /** For clocks of seconds; then `afterHours` is null. */
        afterSeconds: z.number().positive().optional(),
        /** What sets it going. */
        startsWith: z
          .enum(['launch', 'stop', 'destroy', 'idle', 'notice', 'balance-zero', 'arrears', 'exists', 'job-end'])
          .optional(),
        consequence: text,
        verified: stamp,
      }),
    )
    .default([]),
  conveniences: z.array(text).default([]),
  gotchas: z
    .array(
      z.strictObject({ id: z.string().regex(/^[A-Z][A-Z0-9]{1,9}\d{1,3}$/), symptom: text, cause: text, fix: text }),
    )
    .default([]),
  overrides: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string().max(1000)).default({}),
  verification: z.enum(['V4', 'V5']).default('V4'),
})

export type Profile = z.infer<typeof profileSchema>
export type Tier = Profile['storage']['tiers'][number]
export type MeterVerb = Profile['billing']['verbs'][number]
export type DangerClock = Profile['dangerClocks'][number]
