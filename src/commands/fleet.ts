import type { ActContext, ActResult } from '../run/act.ts'
import { fleetRows } from '../run/fleet-rows.ts'
import { runFolder } from '../run/folder.ts'
import { readRunState } from '../run/reader.ts'
import { formatAge, formatMoment, formatUsdPerHour } from '../text/format.ts'
import { actOnRun } from './act.ts'
import { type HostResult, namedHosts, together, whichHost } from './hosts.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx fleet`: every host of the run, as the journal tells it. Looks at none; kx patrol does. */
export async function showFleet(env: CommandEnvironment): Promise<ActResult> {
  const { currentRunId, findRunId } = await import('../session/current-run.ts')
  const nowMs = Date.now()
  const id = env.runId === null ? currentRunId(env.projectFolder, nowMs) : findRunId(env.projectFolder, env.runId)
  const state = id === null ? null : readRunState(runFolder(env.projectFolder, id))
  if (state === null)
    return { summary: 'no run has been begun in this project; check the plan first: kx plan', exitCode: 1, data: null }
  const rows = fleetRows(state, nowMs)
  const lines = rows.map((row) => {
    const seen = row.truthAtMs === null ? 'never seen' : `seen ${formatAge(nowMs - row.truthAtMs)} ago`
    const released = row.isReleased ? ', gave its units back' : ''
    const why = row.reason === null ? '' : `: ${row.reason}`
    const lease = row.leaseUntilMs === null ? '' : `, lease until ${formatMoment(row.leaseUntilMs)}`
    return `${row.host}: ${row.state}${released}, ${row.unitsDone} of ${row.units} units, ${seen}, ${row.hasMeter ? formatUsdPerHour(row.usdPerHour) : 'no meter'}${lease}${why}`
  })
  const isUnknown = rows.some((row) => row.state === 'unknown')
  const isIll = rows.some((row) => !row.isReleased && (row.state === 'dead' || row.state === 'stalled'))
  return {
    summary:
      rows.length === 0 ? 'no host of this run is known yet: kx audit' : `${rows.length} hosts of ${state.runId}`,
    exitCode: rows.length === 0 || isIll ? 1 : isUnknown ? 4 : 0,
    data: { runId: state.runId, hosts: rows, assignments: state.fleet?.assignments ?? [] },
    lines,
  }
}

export interface GiveBackArgs {
  readonly host?: string | undefined
  readonly why?: string | undefined
  readonly lost: boolean
}

/** `kx fleet give-back`: takes from a host what it has not finished and gives it to the others. */
export function giveBack(env: CommandEnvironment, args: GiveBackArgs): Promise<ActResult> {
  return actOnRun(env, 'fleet.give-back', { ...args }, { ofLaunch: 'alone' }, async (ctx) => {
    if (ctx.at === undefined)
      return { summary: 'this run has one host: nobody else can take its units', exitCode: 1, data: null }
    const { host } = args
    if (host === undefined) return { summary: 'name the host that gives its units back', exitCode: 2, data: null }
    const refused = whichHost(ctx, host)
    if (refused !== null) return refused
    const results: HostResult[] = []
    // One after the other: each gives to those that are left.
    for (const name of namedHosts(host)) results.push({ host: name, result: await giveOne(env, ctx, name, args) })
    return results.length === 1 && results[0] !== undefined ? results[0].result : together(results)
  })
}

async function giveOne(env: CommandEnvironment, ctx: ActContext, host: string, args: GiveBackArgs): Promise<ActResult> {
  const shares = await import('../launch/shares.ts')
  const request = { host, why: args.why ?? null, isLost: args.lost }
  const given = await shares.giveBack(ctx, request)
  if (given.exitCode !== 3) return given
  const why = await env.ask.text(`Why will ${host} finish nothing more`, '')
  return why === null ? given : shares.giveBack(ctx, { ...request, why })
}
