import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import { smokedHosts } from '../smoked-hosts.ts'
import type { CommandSpec } from '../types.ts'
import { has, hostArgument, needsPlan, needsRun } from './walk-needs.ts'

/** Acts of the phases before anything runs on a meter: plan, audit, smoke and cost. */
export const untilLaunchCommands: readonly CommandSpec[] = [
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
    run: async (env, args) => {
      const [{ recordedBeside }, project] = await Promise.all([import('../recorded.ts'), import('../project.ts')])
      return recordedBeside(env, 'plan.new', args, () => project.newPlan(env, args))
    },
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
    run: async (env, args) => {
      const { actOnRun } = await import('../act.ts')
      const found = await actOnRun(env, 'audit.run', args, { perHost: { only: args.host } }, async (ctx) =>
        (await import('../../audit/service.ts')).audit(ctx, args),
      )
      return (await import('../recipe-for.ts')).withRecipes(env, found)
    },
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
]
