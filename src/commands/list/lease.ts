import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsReceipt = ({ run }: CommandState) =>
  run?.latest.Receipt === undefined ? 'nothing was launched yet (5, then r)' : null

/** Until when the meters of a launched run may run. */
export const leaseCommands: readonly CommandSpec[] = [
  command({
    id: 'lease.show',
    title: 'Show the lease',
    description:
      'Until when the run may run, who extended it, whether the guard on the box is armed, and what it does then.',
    args: noArgs,
    where: ['patrol', 'cost', 'launch'],
    risk: 'read',
    cli: ['lease', 'show'],
    isCliDefault: true,
    disabled: needsReceipt,
    run: async (env, args) => (await import('../lease.ts')).show(env, args),
  }),
  command({
    id: 'lease.arm',
    title: 'Arm the guard again',
    description:
      'Starts the guard of the lease anew where it is gone, as after a reboot of the machine. The time without it counts.',
    args: noArgs,
    where: ['patrol', 'cost', 'launch'],
    risk: 'change',
    cli: ['lease', 'arm'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../lease.ts')).arm(env, args),
  }),
  command({
    id: 'lease.extend',
    title: 'Extend the lease',
    description: 'More hours for the run, by a person and within the cap that was approved: shows the price, and asks.',
    args: () => z.strictObject({ hours: z.number().positive().max(168).describe('hours more') }),
    positional: ['hours'],
    where: ['patrol', 'cost'],
    keys: ['E'],
    risk: 'spend',
    cli: ['lease', 'extend'],
    disabled: needsReceipt,
    run: async (env, args) => (await import('../lease.ts')).extend(env, args),
  }),
]
