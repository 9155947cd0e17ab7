import { z } from 'zod'
import type { RunState } from '../../run/types.ts'
import { hasEnded, launchInDoubt } from '../../walk/end.ts'
import { command, noArgs } from '../registry.ts'
import { smokedHosts } from '../smoked-hosts.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsPlan = (s: CommandState) =>
  s.hasPlan ? null : 'this project has no kx.yaml yet; n on Home or Plan writes one'
const needsRun = (s: CommandState) =>
  needsPlan(s) ?? (s.run === null ? 'no run is open; check the plan first (1, then r)' : null)
const has = (run: RunState | null, kind: keyof RunState['latest']) => run?.latest[kind] !== undefined
/** The newest launch has an outcome, and nothing was begun since. */
const isOver = (run: RunState | null) => run !== null && run.latest.Receipt !== undefined && hasEnded(run, () => true)
/** Commands that launch: what they have begun can be stopped while they wait for its first sign of life. */
const launchers: readonly string[] = ['launch.start', 'walk.auto']
const isLaunching = ({ run, busyWith }: CommandState) =>
  busyWith === 'launch.start' || (run !== null && launchInDoubt(run) !== null)
/** Without a look at the plan file: what was launched is looked at and stopped whatever has become of that. */
const needsReceipt = (s: CommandState) =>
  has(s.run, 'Receipt') ? null : (needsRun(s) ?? 'nothing was launched yet (5, then r)')

/** For acts that happen on hosts: which of the run's. */
const hostArgument = { host: z.string().optional().describe('one host of the run; all of them by default') }

/** The seven phases' acts, in the order of the walk. Each loads its phase when it is first used. */
export const walkCommands: readonly CommandSpec[] = [
  command({
    id: 'plan.check',
    hint: 'check',
    title: 'Check the plan',
    description:
      'Reads kx.yaml, expands its units, digests code, config and data, and runs every plan check. Begins a run when none is open.',
    args: () =>
      z.strictObject({
        newRun: z.boolean().default(false).describe('begin a new run instead of going on with the open one'),
      }),
    keys: ['r'],
    where: ['plan'],
    risk: 'change',
    cli: ['plan'],
    disabled: needsPlan,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(
        env,
        'plan.check',
        args,
        { startsRun: true, newRun: args.newRun },
        async (ctx) => {
          await (await import('../first-contact.ts')).meetProfile(env, ctx)
          return (await import('../../plan/service.ts')).checkPlan(ctx)
        },
      ),
  }),
  command({
    id: 'plan.new',
    title: 'New plan',
    description: 'Writes a commented kx.yaml from a few answers. Never overwrites one.',
    args: () =>
      z.strictObject({
        name: z
          .string()
          .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dot, underscore, hyphen')
          .describe('name of the plan'),
        goal: z
          .string()
          .min(1)
          .default('raise val_acc by 0.01 over the baseline')
          .describe('one sentence: what changes, which way, by how much'),
        command: z.string().min(1).default('python train.py --seed {seed}').describe('command line of one unit'),
        metric: z.string().min(1).default('val_acc').describe('primary metric'),
        direction: z.enum(['higher', 'lower']).default('higher').describe('which way is better'),
        seeds: z.number().int().min(1).max(1000).default(3).describe('how many seeds, one unit each'),
        compute: z.enum(['cpu', 'gpu']).default('cpu').describe('what a unit needs'),
        hours: z.number().positive().default(2).describe('most hours the run may take'),
        usd: z.number().min(0).default(0).describe('most money it may cost'),
      }),
    positional: ['name'],
    where: ['home', 'plan'],
    keys: ['n'],
    risk: 'change',
    cli: ['new'],
    disabled: (s) => (s.hasPlan ? 'this project has a kx.yaml already; edit it with e' : null),
    run: async (env, args) => (await import('../project.ts')).newPlan(env, args),
  }),
  command({
    id: 'audit.run',
    hint: 'audit',
    title: 'Audit the host',
    description:
      'Checks the machine that the run will use, live: disks, memory, GPU, environment, data, secrets, clock.',
    args: () =>
      z.strictObject({
        only: z.array(z.string()).optional().describe('item ids to check, comma separated'),
        ...hostArgument,
      }),
    keys: ['r'],
    where: ['audit'],
    risk: 'read',
    cli: ['audit'],
    disabled: needsRun,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(env, 'audit.run', args, { perHost: { only: args.host } }, async (ctx) =>
        (await import('../../audit/service.ts')).audit(ctx, args),
      ),
  }),
  command({
    id: 'environment.sync',
    hint: 'env',
    title: 'Sync the environment',
    description:
      'Brings uv where it is missing, makes an environment and installs exactly what the lock pins, on the host of the plan. Each step is a cell and looks first whether it is done. Where the image is the environment, nothing is installed.',
    args: noArgs,
    keys: ['E'],
    where: ['audit'],
    risk: 'change',
    cli: ['env'],
    disabled: needsRun,
    run: async (env) => (await import('../environment.ts')).syncEnvironment(env),
  }),
  command({
    id: 'smoke.run',
    hint: 'smoke',
    title: 'Run the smoke',
    description:
      'Runs one or two units end to end, kills one and resumes it, measures steps, seconds and memory. Of several hosts, on one of each hardware class.',
    args: () => z.strictObject(hostArgument),
    keys: ['r'],
    where: ['smoke'],
    risk: 'change',
    cli: ['smoke'],
    disabled: needsRun,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(env, 'smoke.run', args, { perHost: smokedHosts(args.host) }, async (ctx) =>
        (await import('../../smoke/service.ts')).smoke(ctx),
      ),
  }),
  command({
    id: 'cost.price',
    hint: 'price',
    title: 'Price the plan',
    description: 'Hours and money, p50 and p90, from the smoke; says how many samples stand behind them.',
    args: noArgs,
    keys: ['r'],
    where: ['cost'],
    risk: 'read',
    cli: ['cost'],
    disabled: needsRun,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(env, 'cost.price', args, {}, async (ctx) =>
        (await import('../../cost/fleet.ts')).priceAll(ctx),
      ),
  }),
  command({
    id: 'cost.approve',
    hint: 'approve',
    title: 'Approve',
    description: 'A person approves hours, money, cap and lease. Expires; a changed plan or smoke makes it stale.',
    args: () =>
      z.strictObject({
        expiresHours: z.number().positive().max(168).default(24).describe('hours until the approval expires'),
      }),
    keys: ['a'],
    where: ['cost'],
    risk: 'spend',
    cli: ['approve'],
    disabled: (s) => needsRun(s) ?? (has(s.run, 'PricedPlan') ? null : 'price the plan first (r)'),
    run: async (env, args) => (await import('../approve.ts')).approve(env, args),
  }),
  command({
    id: 'launch.start',
    hint: 'launch',
    title: 'Launch',
    description:
      'Starts the units on the box, detached: they outlive kx, the terminal and the login. Relaunch skips what is finished.',
    args: () => z.strictObject(hostArgument),
    keys: ['r'],
    where: ['launch'],
    risk: 'spend',
    cli: ['launch'],
    disabled: needsRun,
    run: async (env, args) => (await import('../launch.ts')).launch(env, args),
  }),
  command({
    id: 'patrol.tick',
    hint: 'look',
    title: 'Look now',
    description: 'One bounded, read-only look at the run: units, disks, memory, GPU, findings.',
    args: () => z.strictObject(hostArgument),
    keys: ['r'],
    where: ['patrol'],
    risk: 'read',
    cli: ['patrol'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../patrol.ts')).patrol(env, args),
  }),
  command({
    id: 'patrol.abort',
    hint: 'abort',
    title: 'Abort the run',
    description: 'Asks the runner to stop, then TERM, grace, KILL; results so far stay. Relaunch resumes.',
    args: () =>
      z.strictObject({
        reason: z.string().min(1).default('stopped by hand').describe('why; it goes into the record'),
        ...hostArgument,
      }),
    positional: ['reason'],
    keys: ['X'],
    where: ['patrol', 'launch'],
    risk: 'change',
    cli: ['abort'],
    besides: launchers,
    disabled: (s) =>
      isLaunching(s) ? null : (needsReceipt(s) ?? (isOver(s.run) ? 'the run has ended already' : null)),
    run: async (env, args) => (await import('../launch.ts')).abort(env, args),
  }),
  command({
    id: 'patrol.acknowledge',
    title: 'Acknowledge finding',
    description: 'Marks the finding under the cursor as seen; it stays listed until it clears.',
    args: () =>
      z.strictObject({
        finding: z
          .string()
          .optional()
          .describe('finding id, or a rule for all of its findings; the selected one by default'),
      }),
    positional: ['finding'],
    keys: ['a'],
    where: ['patrol'],
    risk: 'change',
    cli: ['acknowledge'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../records.ts')).acknowledge(env, args),
  }),
  command({
    id: 'teardown.verify',
    hint: 'verify',
    title: 'Pull and verify',
    description:
      'Pulls every declared artifact, hashes both ends, checks structure by kind, compares found with expected.',
    args: () => z.strictObject(hostArgument),
    keys: ['r'],
    where: ['teardown'],
    risk: 'change',
    cli: ['teardown', 'verify'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../verify.ts')).verify(env, args),
  }),
  command({
    id: 'teardown.remove',
    hint: 'remove',
    title: 'Remove the box folder',
    description:
      'Asks for the typed name of the run, makes a single-use permit, removes the box folder and sees it gone. There is no override; a script types the name with --name.',
    args: () =>
      z.strictObject({
        name: z
          .string()
          .optional()
          .describe('name of the run, typed whole as confirmation; it opens nothing that the permit refuses'),
        ...hostArgument,
      }),
    keys: ['D'],
    where: ['teardown'],
    risk: 'destroy',
    cli: ['teardown', 'remove'],
    disabled: (s) => needsReceipt(s) ?? (has(s.run, 'VerifiedManifest') ? null : 'pull and verify first (r)'),
    run: async (env, args) => (await import('../remove.ts')).remove(env, args),
  }),
  command({
    id: 'teardown.look',
    hint: 'look at the meter',
    title: 'Look whether the meter ended',
    description:
      'Prints the verb that ends a meter which kx cannot turn off, looks from outside whether its machine is gone, and records what that proves. Until then it is still billing, unconfirmed.',
    args: () =>
      z.strictObject({
        wait: z.number().min(0).max(1440).default(0).describe('minutes to go on looking, every half a minute'),
        done: z.boolean().default(false).describe('say that the verb was carried out'),
        ended: z
          .string()
          .optional()
          .describe('say that the meter ended, with reason and proof; recorded as said, not seen'),
      }),
    keys: ['E'],
    where: ['teardown'],
    risk: 'change',
    cli: ['teardown', 'look'],
    disabled: (s) =>
      needsReceipt(s) ??
      (s.run?.meters.some((meter) => meter.closedAtMs === null) === true ? null : 'no meter of this run is open'),
    run: async (env, args) => (await import('../meter-look.ts')).lookAtMeter(env, args),
  }),
  command({
    id: 'report.write',
    hint: 'report',
    title: 'Write the report',
    description:
      'Plan against actual, metrics, findings, artifacts n of n, reproduce command: report.md and report.json.',
    args: noArgs,
    keys: ['w'],
    where: ['teardown', 'report'],
    risk: 'change',
    cli: ['report'],
    disabled: needsRun,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(env, 'report.write', args, { ofLaunch: 'with-project' }, async (ctx) =>
        (await import('../../teardown/service.ts')).writeReport(ctx),
      ),
  }),
  command({
    id: 'item.override',
    title: 'Override item',
    description: 'Goes on in spite of the error item under the cursor. The written reason becomes part of the proof.',
    args: () =>
      z.strictObject({
        item: z.string().optional().describe('item id; the selected one by default'),
        reason: z.string().optional().describe('why this is all right'),
        ...hostArgument,
      }),
    positional: ['item', 'reason'],
    keys: ['o'],
    where: ['plan', 'audit', 'smoke', 'cost', 'launch', 'teardown'],
    risk: 'change',
    cli: ['override'],
    disabled: needsRun,
    run: async (env, args) => (await import('../records.ts')).override(env, args),
  }),
  command({
    id: 'walk.auto',
    title: 'Walk by itself',
    description: 'Runs every phase in order up to a gate that only a person may pass.',
    args: () =>
      z.strictObject({
        plan: z.string().optional().describe('plan file'),
        auto: z.boolean().default(false).describe('said for clarity: the walk always stops at a gate for a person'),
      }),
    positional: ['plan'],
    keys: ['W'],
    where: 'global',
    risk: 'change',
    cli: ['walk'],
    disabled: needsPlan,
    run: async (env, args) => (await import('../auto.ts')).walkAuto(env, args),
  }),
]
