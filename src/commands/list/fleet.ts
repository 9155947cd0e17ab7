import { z } from 'zod'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsShares = ({ run }: CommandState) =>
  run === null
    ? 'no run is open; check the plan first (1, then r)'
    : (run.fleet?.hosts.length ?? 0) < 2
      ? 'this run has one host: nobody else can take its units'
      : (run.fleet?.assignments.length ?? 0) === 0
        ? 'no units were given to hosts yet; launch first (5, then r)'
        : null

/** What is done with the hosts of one run. */
export const fleetCommands: readonly CommandSpec[] = [
  command({
    id: 'fleet.show',
    title: 'Show the hosts',
    description: 'Every host of the run: state, age, GPUs, disk, units, money. Looks at none.',
    args: noArgs,
    where: [],
    risk: 'read',
    cli: ['fleet', 'show'],
    run: async (env) => (await import('../fleet.ts')).showFleet(env),
  }),
  command({
    id: 'fleet.give-back',
    title: 'Give units back',
    description:
      'Takes from a host what it has not finished and gives it to the others of the run; the next launch starts it there. Needs the host seen dead, or your reason: silence is not death.',
    args: () =>
      z.strictObject({
        host: z.string().optional().describe('host that will finish nothing more'),
        why: z.string().optional().describe('your reason, where nothing that was seen says so'),
        lost: z
          .boolean()
          .default(false)
          .describe('its disk is gone too: also what it had finished and nobody has pulled'),
      }),
    positional: ['host'],
    where: [],
    risk: 'change',
    cli: ['fleet', 'give-back'],
    disabled: needsShares,
    run: async (env, args) => (await import('../fleet.ts')).giveBack(env, args),
  }),
]
