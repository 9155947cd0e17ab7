import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec } from '../types.ts'
import { has, hostArgument, isLaunching, isOver, launchers, needsPlan, needsReceipt, needsRun } from './walk-needs.ts'

/** Acts of the launch and of the phases behind it, and those on the whole walk. */
export const sinceLaunchCommands: readonly CommandSpec[] = [
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
