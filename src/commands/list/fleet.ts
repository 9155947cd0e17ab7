import { z } from 'zod'
import { viewOf } from '../../run/host-view.ts'
import type { RunState } from '../../run/types.ts'
import { hasEnded } from '../../walk/end.ts'
import { ownersOf } from '../../walk/shares.ts'
import { command, noArgs } from '../registry.ts'
import type { CommandSpec, CommandState } from '../types.ts'

const needsRun = ({ run }: CommandState) => (run === null ? 'no run is open; check the plan first (1, then r)' : null)
const needsLaunch = (s: CommandState) =>
  needsRun(s) ?? (s.run?.latest.Receipt === undefined ? 'nothing was launched yet (5, then r)' : null)
const needsShares = (s: CommandState) =>
  needsRun(s) ??
  ((s.run?.fleet?.hosts.length ?? 0) < 2
    ? 'this run has one host: nobody else can take its units'
    : (s.run?.fleet?.assignments.length ?? 0) === 0
      ? 'no units were given to hosts yet; launch first (5, then r)'
      : null)

/** The run as the host under the cursor sees it; of one host, the run. Null: there is no cursor, so nothing is said of it. */
function ofSelected({ run, selection, screen }: CommandState): RunState | null {
  if (run === null || selection === null || screen !== 'fleet') return null
  return run.fleet?.hosts.includes(selection) === true ? viewOf(run, selection) : null
}

const why = (s: CommandState, of: (own: RunState, host: string) => string | null) => {
  const own = ofSelected(s)
  return own === null ? null : of(own, s.selection ?? '')
}

const launched = (s: CommandState) =>
  needsLaunch(s) ??
  why(s, (own, host) => (own.latest.Receipt === undefined ? `nothing was launched on ${host} yet` : null))

const hosts = () => z.strictObject({ host: z.string().optional().describe('hosts of the run, with commas') })
const here = ['fleet'] as const

/** What is done with the hosts of one run; on the screen of hosts to those that are marked, else to the one under the cursor. */
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
    id: 'fleet.look',
    hint: 'look',
    title: 'Look at hosts',
    description: 'One bounded, read-only look at the marked hosts, else at the one under the cursor.',
    args: hosts,
    keys: ['r'],
    where: here,
    risk: 'read',
    disabled: launched,
    run: async (env, args) => (await import('../patrol.ts')).patrol(env, args),
  }),
  command({
    id: 'fleet.audit',
    hint: 'audit',
    title: 'Audit hosts',
    description: 'Audits the marked hosts, else the one under the cursor.',
    args: hosts,
    keys: ['a'],
    where: here,
    risk: 'read',
    disabled: needsRun,
    run: async (env, args) =>
      (await import('../act.ts')).actOnRun(env, 'audit.run', args, { perHost: { only: args.host } }, async (ctx) =>
        (await import('../../audit/service.ts')).audit(ctx),
      ),
  }),
  command({
    id: 'fleet.abort',
    hint: 'abort',
    title: 'Abort on hosts',
    description: 'Stops the units on the marked hosts, else on the one under the cursor; results so far stay.',
    args: () =>
      z.strictObject({
        ...hosts().shape,
        reason: z.string().min(1).default('stopped by hand').describe('why; it goes into the record'),
      }),
    keys: ['X'],
    where: here,
    risk: 'change',
    disabled: (s) =>
      launched(s) ?? why(s, (own, host) => (hasEnded(own, () => true) ? `the run on ${host} has ended already` : null)),
    run: async (env, args) => (await import('../launch.ts')).abort(env, args),
  }),
  command({
    id: 'fleet.give-back',
    hint: 'give back',
    title: 'Give units back',
    description:
      'Takes from a host what it has not finished and gives it to the others of the run; the next launch starts it there. Needs the host seen dead, or your reason: silence is not death.',
    args: () =>
      z.strictObject({
        host: z.string().optional().describe('host that will finish nothing more; several with commas'),
        why: z.string().optional().describe('your reason, where nothing that was seen says so'),
        lost: z
          .boolean()
          .default(false)
          .describe('its disk is gone too: also what it had finished and nobody has pulled'),
      }),
    positional: ['host'],
    keys: ['b'],
    where: here,
    risk: 'change',
    cli: ['fleet', 'give-back'],
    disabled: (s) =>
      needsShares(s) ??
      why(s, (own, host) =>
        [...ownersOf(own.fleet?.assignments ?? []).values()].some((owner) => owner.host === host)
          ? null
          : `${host} has no units to give back`,
      ),
    run: async (env, args) => (await import('../fleet.ts')).giveBack(env, args),
  }),
  command({
    id: 'fleet.start',
    hint: 'launch',
    title: 'Launch on hosts',
    description:
      'Starts what the marked hosts, else the one under the cursor, have to do; what runs is not started twice.',
    args: hosts,
    keys: ['S'],
    where: here,
    risk: 'spend',
    disabled: needsRun,
    run: async (env, args) => (await import('../launch.ts')).launch(env, args),
  }),
  command({
    id: 'fleet.verify',
    hint: 'pull',
    title: 'Pull and verify from hosts',
    description: 'Pulls and verifies the artifacts of the marked hosts, else of the one under the cursor.',
    args: hosts,
    keys: ['v'],
    where: here,
    risk: 'change',
    disabled: launched,
    run: async (env, args) => (await import('../verify.ts')).verify(env, args),
  }),
  command({
    id: 'fleet.remove',
    title: 'Tear hosts down',
    description:
      'Removes the box folder of the marked hosts, else of the one under the cursor, each after its own permit and typed name.',
    args: hosts,
    keys: ['D'],
    where: here,
    risk: 'destroy',
    disabled: (s) =>
      launched(s) ??
      why(s, (own, host) =>
        own.latest.VerifiedManifest === undefined ? `nothing of ${host} is verified yet; pull first (v)` : null,
      ),
    run: async (env, args) => (await import('../remove.ts')).remove(env, args),
  }),
]
