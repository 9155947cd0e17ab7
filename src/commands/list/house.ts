import { z } from 'zod'
import { viewNames } from '../../compare/views/types.ts'
import type { RunState } from '../../run/types.ts'
import { command, noArgs } from '../registry.ts'
import { type CommandSpec, screenIds } from '../types.ts'

function whyNoMeter(run: RunState | null): string | null {
  if (run === null) return 'no run is open'
  return run.meters.some((meter) => meter.closedAtMs === null) ? null : 'no meter of this run is open'
}

/** Runs, lists, profiles and settings: everything around the walk. */
export const houseCommands: readonly CommandSpec[] = [
  command({
    id: 'run.list',
    title: 'List runs',
    description: 'Every run and meter of this user, over all projects.',
    args: () => z.strictObject({ archived: z.boolean().default(false).describe('archived ones too') }),
    where: ['home'],
    keys: ['r'],
    risk: 'read',
    cli: ['runs'],
    run: async (env, args) => (await import('../runs.ts')).listRuns(env, args),
  }),
  command({
    id: 'run.open',
    title: 'Open run',
    description: 'Opens a run of this or another project, or one cell of it.',
    args: () =>
      z.strictObject({ run: z.string().min(1).describe('run id, or the beginning of one; with #cell, a cell of it') }),
    positional: ['run'],
    where: 'global',
    risk: 'read',
    cli: ['open'],
    run: async (env, args) => (await import('../runs.ts')).openRun(env, args),
  }),
  command({
    id: 'run.new',
    hint: 'new run',
    title: 'New run',
    description: 'Begins another run of the plan of this project.',
    args: noArgs,
    keys: ['N'],
    where: ['home', 'plan'],
    risk: 'change',
    disabled: (s) => (s.hasPlan ? null : 'this project has no kx.yaml yet; n writes one'),
    run: async (env) =>
      (await import('../act.ts')).actOnRun(env, 'plan.check', {}, { startsRun: true, newRun: true }, async (ctx) => {
        await (await import('../first-contact.ts')).meetProfile(env, ctx)
        return (await import('../../plan/service.ts')).checkPlan(ctx)
      }),
  }),
  command({
    id: 'run.archive',
    title: 'Archive run',
    description: 'Takes a finished run off the home screen. Nothing is deleted; a run with a meter cannot be archived.',
    args: () => z.strictObject({ run: z.string().optional().describe('run id; the selected one by default') }),
    positional: ['run'],
    keys: ['A'],
    where: ['home'],
    risk: 'change',
    cli: ['archive'],
    run: async (env, args) => (await import('../runs.ts')).archiveRun(env, args),
  }),
  command({
    id: 'meter.write-off',
    title: 'Write off the meter',
    description:
      'Closes the meter of a run whose box folder is gone without having been seen to go: typed run name and a written reason. Refused while folder or processes are still seen.',
    args: () =>
      z.strictObject({
        run: z.string().optional().describe('run id, or the beginning of one; the selected one by default'),
        name: z.string().optional().describe('name of the run, typed whole as confirmation'),
        reason: z.string().optional().describe('why nobody will see it stop; it goes into the record'),
        host: z.string().optional().describe('one host of the run; all of them by default'),
      }),
    positional: ['run'],
    keys: ['O'],
    where: ['home', 'teardown'],
    risk: 'destroy',
    cli: ['writeoff'],
    disabled: (s) => (s.screen === 'teardown' ? whyNoMeter(s.run) : null),
    run: async (env, args) => (await import('../write-off.ts')).writeOff(env, args),
  }),
  command({
    id: 'checklist.tick',
    hint: 'tick',
    title: 'Tick',
    description: 'Ticks or unticks a task; only that box in the file changes.',
    args: () =>
      z.strictObject({
        file: z.string().optional().describe('Markdown file, or scale / course for the ready ones'),
        task: z.number().int().min(1).optional().describe('number of the task in the file, from 1'),
      }),
    positional: ['file', 'task'],
    keys: ['space', 'x'],
    where: ['checklists'],
    risk: 'change',
    cli: ['tick'],
    run: async (env, args) => (await import('../checklists.ts')).tickTask(env, args),
  }),
  command({
    id: 'checklist.list',
    title: 'Show checklists',
    description:
      'The lists, or the tasks of one with their boxes. What kx checked itself stands beside them in the workbench (g x).',
    args: () => z.strictObject({ file: z.string().optional().describe('Markdown file, or scale / course') }),
    positional: ['file'],
    where: ['checklists'],
    risk: 'read',
    cli: ['checklist'],
    run: async (env, args) => (await import('../checklists.ts')).showChecklist(env, args),
  }),
  command({
    id: 'profile.list',
    title: 'List profiles',
    description: 'Platforms that kx knows, with the month their facts were last verified.',
    args: noArgs,
    where: ['profiles'],
    risk: 'read',
    cli: ['profiles'],
    run: async (env) => (await import('../profiles.ts')).listProfiles(env),
  }),
  command({
    id: 'profile.show',
    title: 'Show profile',
    description:
      'All facts of one platform: tiers and what survives, meter verbs, danger clocks, gotchas; of an overridden one, the file and line of each.',
    args: () => z.strictObject({ name: z.string().min(1).default('local') }),
    positional: ['name'],
    where: ['profiles'],
    risk: 'read',
    cli: ['profile', 'show'],
    run: async (env, args) => (await import('../profiles.ts')).showProfile(env, args),
  }),
  command({
    id: 'profile.check',
    hint: 'check',
    title: 'Check profiles',
    description:
      'Facts that contradict one another, unknown keys, stamps six months old or older, with file and line. Exit 1: something was found.',
    args: () => z.strictObject({ name: z.string().min(1).optional().describe('one profile; all by default') }),
    positional: ['name'],
    keys: ['r'],
    where: ['profiles'],
    risk: 'read',
    cli: ['profile', 'check'],
    run: async (env, args) => (await import('../profiles.ts')).checkProfiles(env, args),
  }),
  command({
    id: 'profile.diff',
    title: 'Compare profiles',
    description: 'Every field in which two profiles differ.',
    args: () =>
      z.strictObject({
        a: z.string().min(1).describe('a profile'),
        b: z.string().min(1).describe('another'),
      }),
    positional: ['a', 'b'],
    where: ['profiles'],
    risk: 'read',
    cli: ['profile', 'diff'],
    run: async (env, args) => (await import('../profiles.ts')).diffOfProfiles(env, args),
  }),
  command({
    id: 'profile.acknowledge',
    hint: 'acknowledge',
    title: 'Acknowledge danger clocks',
    description:
      'Shows what is handy and what ends or bills by itself on a platform, and notes that it was read on this machine.',
    args: () =>
      z.strictObject({ name: z.string().min(1).optional().describe('a profile; the selected one by default') }),
    positional: ['name'],
    keys: ['a'],
    where: ['profiles'],
    risk: 'change',
    cli: ['profile', 'acknowledge'],
    run: async (env, args) => {
      const [{ recordedBeside }, profiles] = await Promise.all([import('../recorded.ts'), import('../profiles.ts')])
      return recordedBeside(env, 'profile.acknowledge', args, () => profiles.acknowledgeProfile(env, args))
    },
  }),
  command({
    id: 'config.show',
    title: 'Show settings',
    description: 'Effective settings and where each came from.',
    args: noArgs,
    where: ['config'],
    risk: 'read',
    cli: ['config'],
    run: async (env) => (await import('../project.ts')).showConfig(env),
  }),
  command({
    id: 'plan.schema',
    title: 'Plan schema',
    description: 'JSON Schema of kx.yaml, for editors.',
    args: noArgs,
    where: [],
    risk: 'read',
    cli: ['schema'],
    run: async () => (await import('../project.ts')).planSchemaJson(),
  }),
  command({
    id: 'plan.edit',
    hint: 'edit',
    title: 'Edit the plan',
    description: 'Opens kx.yaml in $EDITOR; what changed makes proofs stale.',
    args: noArgs,
    keys: ['e'],
    where: ['plan', 'home'],
    risk: 'change',
    disabled: (s) => (s.hasPlan ? null : 'this project has no kx.yaml yet; n writes one'),
  }),
  command({
    id: 'app.view',
    title: 'Print a screen',
    description: 'Prints one screen as lines, for a screen reader or a pipe.',
    args: () =>
      z.strictObject({
        screen: z.enum(screenIds).default('home'),
        width: z.number().int().min(40).max(1000).default(100),
        view: z.enum(viewNames).optional().describe('of the compare screen: how to look at the runs'),
        metric: z.string().min(1).optional().describe('of the compare screen: metric that is drawn'),
      }),
    positional: ['screen'],
    where: [],
    risk: 'read',
    cli: ['view'],
    // Drawn by the surface that asks (cli/plain.ts): screens are above commands.
  }),
  command({
    id: 'docs.keys',
    title: 'Key table',
    description: 'The key table of the docs, made from the commands.',
    args: () =>
      z.strictObject({
        write: z.boolean().default(false).describe('write docs/keys.md and the table of the README'),
      }),
    where: [],
    risk: 'read',
    cli: ['docs', 'keys'],
    run: async (env, args) => (await import('../docs.ts')).keyDocs(env, args),
  }),
]
