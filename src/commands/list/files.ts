import { z } from 'zod'
import { command } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsRun = (s: CommandState) =>
  s.hasPlan
    ? s.run === null
      ? 'no run is open; check the plan first (1, then r)'
      : null
    : 'this project has no kx.yaml yet; n on Home or Plan writes one'
const needsReceipt = (s: CommandState) =>
  s.run?.latest.Receipt === undefined ? (needsRun(s) ?? 'nothing was launched yet (5, then r)') : null

const host = (all: string) => ({
  host: z.string().optional().describe(`hosts of the run, with commas; ${all} by default`),
})
const only = () =>
  z.strictObject({
    only: z.string().min(1).optional().describe('a path, a folder or a pattern such as units/a*/**; all by default'),
    ...host('all that were launched'),
  })

/** Files between this machine and the box, whenever one wants them: none of these gives or takes a permit. */
export const fileCommands: readonly CommandSpec[] = [
  command({
    id: 'transfer.push',
    title: 'Push code and data',
    description:
      'Sends the code list and the declared data of the plan to the folder of the run on the box, before a launch does. What is there is not sent again, what was cut goes on.',
    args: () => z.strictObject(host('all that get units')),
    keys: ['U'],
    where: ['plan', 'launch'],
    risk: 'change',
    cli: ['push'],
    disabled: needsRun,
    run: async (env, args) => (await import('../transfer.ts')).push(env, args),
  }),
  command({
    id: 'transfer.pull',
    hint: 'pull',
    title: 'Pull artifacts',
    description:
      'Copies the declared artifacts that are on the box now, each hashed at both ends; at any time of a run, as often as you like. What still changes is said.',
    args: only,
    positional: ['only'],
    keys: ['P'],
    where: ['patrol', 'teardown'],
    risk: 'change',
    cli: ['pull'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../transfer.ts')).pull(env, args),
  }),
  command({
    id: 'transfer.verify',
    title: 'Verify what was pulled',
    description:
      'Reads every pulled file again: against what it was when it came, against the box now, and by its format. Copies and changes nothing.',
    args: only,
    positional: ['only'],
    keys: ['V'],
    where: ['patrol', 'teardown'],
    risk: 'read',
    cli: ['verify'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../transfer.ts')).verifyPulled(env, args),
  }),
]
