import { basename } from 'node:path'
import type { Host } from '../host/types.ts'
import { type CellDeps, openCell, quietCell } from '../notebook/cell-writer.ts'
import { environmentOf } from '../notebook/environment-of.ts'
import { endLostCells } from '../notebook/recover.ts'
import type { Profile } from '../profile/schema.ts'
import { withStatedPrice } from '../profile/stated-price.ts'
import type { ActContext, ActResult, CellRequest, CellWriter, Clock, LoadedPlan, Progress } from '../run/act.ts'
import { isRunError, messageOf } from '../run/errors.ts'
import { failpoint } from '../run/failpoints.ts'
import { createRun, runFolder } from '../run/folder.ts'
import { type OpenRunOptions, openRun, type WritableRun } from '../run/handle.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { contextAt } from './at-host.ts'

/** Everything that an act needs and that session does not know how to make. */
export interface Rooms {
  readonly clock: Clock
  newId(): string
  hostFor(name: string): Promise<Host>
  profileFor(name: string): Promise<Profile>
  /** Stages that a cell's output goes through before it is stored or shown. */
  readonly output: Pick<CellDeps, 'createSanitiser' | 'createRedactor' | 'limits' | 'onOutput'>
  /** How runs are opened: masking of secrets, the user's index. */
  readonly opening: OpenRunOptions
  /** Told when the act began a run, so that the workbench opens it. */
  readonly onRunBegun: (runId: string) => void
}

export interface ActRequest {
  readonly loaded: LoadedPlan
  /** The plan file as it is now, byte for byte: a new run keeps a copy. */
  readonly planText: string
  /** Run to act on; null begins a new one. */
  readonly runId: string | null
  readonly cell: CellRequest
  /** No cell records: for acts that come every few seconds and leave a record of their own. */
  readonly isQuietCell: boolean
  readonly who: string
  readonly via: string
  readonly signal: AbortSignal
  readonly progress: (progress: Progress) => void
}

/** The run and the host of an act, open. */
export interface Places {
  readonly run: WritableRun
  readonly host: Host
  readonly profile: Profile
  /** Only of a run over several hosts: one of them, opened when it is first asked for and kept open. */
  placeOf?(name: string): Promise<Pick<Places, 'host' | 'profile'>>
  /** Any host, of the plan or not. */
  reach(name: string): Promise<Pick<Places, 'host' | 'profile'>>
  close(): Promise<void>
}

/** Name of the profile of the nth host: each its own where the plan names as many as hosts, else the first for all. */
function profileNameAt(plan: ActRequest['loaded']['plan'], index: number): string {
  return (plan.profiles.length === plan.hosts.length ? plan.profiles[index] : undefined) ?? plan.profiles[0] ?? 'local'
}

async function openPlace(rooms: Rooms, { plan }: ActRequest['loaded'], name: string, isForeign = false) {
  const foreign = name === 'local' ? 'local' : 'generic-ssh'
  const known = await rooms.profileFor(isForeign ? foreign : profileNameAt(plan, Math.max(0, plan.hosts.indexOf(name))))
  const profile = withStatedPrice(known, plan.prices?.[name])
  return { profile, host: await rooms.hostFor(name) }
}

/** Puts the hosts of the plan on record, and keeps those that something was launched on. */
async function nameHosts(run: WritableRun, hosts: readonly string[]): Promise<void> {
  const { fleet, proofs } = run.state()
  const launched = proofs.flatMap((proof) => (proof.kind === 'Receipt' && proof.host ? [proof.host.host] : []))
  const now = [...new Set([...hosts, ...launched])]
  if (JSON.stringify(fleet?.hosts) !== JSON.stringify(now)) await run.append('fleet.set', { hosts: now })
}

/** Opens or begins the run and reaches the host; ends cells that a killed kx left open. */
export async function openPlaces(
  rooms: Rooms,
  request: Pick<ActRequest, 'loaded' | 'runId' | 'planText' | 'who'>,
): Promise<Places> {
  const { loaded } = request
  const { hosts } = loaded.plan
  // A run that is there may have more hosts than the plan has now.
  const before = request.runId === null ? null : await runFor(rooms, request)
  const isFleet = hosts.length > 1 || (before?.state().fleet?.hosts.length ?? 0) > 1
  let host: Host | null = null
  let run = before
  try {
    // Everything that can be missing is found before a run is begun: a run without an act would be litter.
    const known = await rooms.profileFor(profileNameAt(loaded.plan, 0))
    const profile = withStatedPrice(known, loaded.plan.prices?.[hosts[0] ?? 'local'])
    // What is about all of several hosts happens here; each of them is opened when it is asked for.
    host = await rooms.hostFor(isFleet ? 'local' : (hosts[0] ?? 'local'))
    run ??= await runFor(rooms, request)
    failpoint('act.run-open')
    await endLostCells(run)
    if (isFleet) await nameHosts(run, hosts)
    return placesAt(rooms, loaded, { run, host, profile }, isFleet)
  } catch (error) {
    await run?.close()
    await host?.close()
    throw error
  }
}

function placesAt(
  rooms: Rooms,
  loaded: ActRequest['loaded'],
  open: Pick<Places, 'run' | 'host' | 'profile'>,
  isFleet: boolean,
): Places {
  const opened = new Map<string, Promise<Pick<Places, 'host' | 'profile'>>>()
  const close = async () => {
    await open.run.close()
    await open.host.close()
    for (const place of opened.values()) await place.then((each) => each.host.close()).catch(() => undefined)
  }
  const placeOf = (name: string, isForeign = false) => {
    let place = opened.get(name)
    if (place === undefined) {
      place = openPlace(rooms, loaded, name, isForeign)
      opened.set(name, place)
      // The next act asks again: a host that was away may be back.
      place.catch(() => opened.delete(name))
    }
    return place
  }
  const isOfPlan = (name: string) =>
    loaded.plan.hosts.includes(name) || open.run.state().fleet?.hosts.includes(name) === true
  const reach = async (name: string) => (name === open.host.name ? open : placeOf(name, !isOfPlan(name)))
  return isFleet ? { ...open, placeOf: (name) => placeOf(name), reach, close } : { ...open, reach, close }
}

/**
 * Runs one act at open places: opens a cell, calls `body`, ends the cell with how it went. An error of `body` ends the
 * cell as failed (as unknown when it was aborted) and is thrown on.
 */
export async function performAt(
  places: Places,
  rooms: Rooms,
  request: ActRequest,
  body: (context: ActContext) => Promise<ActResult>,
): Promise<ActResult> {
  const { run, host, profile, placeOf } = places
  const context: ActContext = {
    run,
    loaded: request.loaded,
    host,
    profile,
    cell: await cellFor(rooms, request, run, placeOf === undefined ? host : null),
    clock: rooms.clock,
    signal: request.signal,
    who: request.who,
    newId: () => rooms.newId(),
    // What is drawn live was not on record yet, and nobody else masks it.
    progress: ({ text, item, ...rest }) =>
      request.progress({ ...rest, text: run.scrub(text), ...(item === undefined ? {} : { item: run.scrub(item) }) }),
    openStep: (step, at) => cellFor(rooms, { ...request, cell: step, isQuietCell: false }, run, at),
    reach: (name) => places.reach(name),
    claim: (what) => run.claim(what, Number.POSITIVE_INFINITY),
  }
  const reached = new Map<string, Promise<HostIdentity | null>>()
  const at: ActContext['at'] =
    placeOf === undefined
      ? undefined
      : async (name, kind, signal) => {
          const place = await placeOf(name)
          if (!request.isQuietCell && !reached.has(name))
            reached.set(
              name,
              place.host.identity(request.signal).catch(() => null),
            )
          const own = contextAt(context, place, name, kind)
          return signal === undefined ? own : { ...own, signal }
        }
  const result = await inCell(at === undefined ? context : { ...context, at }, request.cell.risk, reached, body)
  failpoint('act.ended')
  const { lines } = result
  return { ...result, summary: run.scrub(result.summary), ...(lines === undefined ? {} : { lines: run.scrub(lines) }) }
}

/** Runs one act: opens the places, performs, closes them whatever happens. */
export async function performAct(
  rooms: Rooms,
  request: ActRequest,
  body: (context: ActContext) => Promise<ActResult>,
): Promise<ActResult> {
  const places = await openPlaces(rooms, request)
  try {
    return await performAt(places, rooms, request, body)
  } finally {
    await places.close()
  }
}

async function runFor(
  rooms: Rooms,
  request: Pick<ActRequest, 'loaded' | 'runId' | 'planText' | 'who'>,
): Promise<WritableRun> {
  const { loaded } = request
  if (request.runId !== null) return openRun(runFolder(loaded.projectFolder, request.runId), rooms.opening)
  const run = await createRun({
    ...rooms.opening,
    projectFolder: loaded.projectFolder,
    project: basename(loaded.projectFolder),
    planName: loaded.plan.name,
    planText: request.planText,
    by: request.who,
  })
  rooms.onRunBegun(run.id)
  return run
}

/** Whose yes an act went by that cost or destroyed something. */
function approvedBy({ run, who }: ActContext, risk: CellRequest['risk']): string | null {
  if (risk === 'destroy') return who
  if (risk !== 'spend') return null
  const approval = run.state().latest.Approval?.payload as { readonly by?: unknown } | undefined
  return typeof approval?.by === 'string' ? approval.by : who
}

async function inCell(
  context: ActContext,
  risk: CellRequest['risk'],
  reached: ReadonlyMap<string, Promise<HostIdentity | null>>,
  body: (context: ActContext) => Promise<ActResult>,
): Promise<ActResult> {
  const { cell, signal } = context
  const hosts = async () => {
    const found = (await Promise.all(reached.values())).filter((each) => each !== null)
    return found.length === 0 ? {} : { hosts: found }
  }
  try {
    const result = await body(context)
    const state = signal.aborted || result.exitCode === 4 ? 'unknown' : result.exitCode === 0 ? 'done' : 'failed'
    await cell.end({
      state,
      summary: result.summary,
      exitCode: result.exitCode,
      cause: signal.aborted ? 'aborted' : null,
      proofId: result.proof?.id ?? null,
      approvedBy: state === 'done' ? approvedBy(context, risk) : null,
      ...(await hosts()),
    })
    return result
  } catch (error) {
    // What went wrong first is what the person must see; the journal may be the very thing that failed.
    await cell
      .end({
        state: signal.aborted ? 'unknown' : 'failed',
        summary: messageOf(error),
        cause: signal.aborted ? 'aborted' : null,
        ...(await hosts()),
      })
      .catch(() => undefined)
    throw error
  }
}

async function cellFor(rooms: Rooms, request: ActRequest, run: WritableRun, host: Host | null): Promise<CellWriter> {
  if (request.isQuietCell) return quietCell(rooms.newId())
  // Who answers is part of the record; when nobody does, the act itself says so.
  const identity = host === null ? null : await host.identity(request.signal).catch(() => null)
  const deps: CellDeps = {
    clock: rooms.clock,
    newId: () => rooms.newId(),
    who: request.who,
    via: request.via,
    host: identity,
    ...rooms.output,
  }
  const { digests } = request.loaded
  const cell: CellRequest = {
    ...request.cell,
    ...(Object.keys(digests).length === 0 ? {} : { boundTo: digests }),
    environment: environmentOf(run.state(), identity?.host ?? null, digests),
  }
  try {
    return await openCell(run, cell, deps)
  } catch (error) {
    if (!isRunError(error, 'fenced')) throw error
    // Nothing of this act has happened yet, and the state is read: a new act may begin under a new number.
    await run.rejoin()
    return openCell(run, cell, deps)
  }
}
