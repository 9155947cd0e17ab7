import { join } from 'node:path'
import type { ActContext, ActResult, CellRequest, LoadedPlan } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import { redactValue } from '../text/redact.ts'
import { endBeat, fromCaller, onBeat, type Prepared } from './beat.ts'
import { onHosts, type PerHost } from './hosts.ts'
import { knownSecrets } from './known-secrets.ts'
import { allCommands } from './list/all.ts'
import { loadSettings, profileFolders, runOptions, systemClock } from './open.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

export interface ActOptions {
  /** Of the cell, where one command makes several; default: the command's own. */
  readonly title?: string
  /** It only says what would happen: its cell says so. */
  readonly isDryRun?: boolean
  /** Begins a run when the project has no open one. */
  readonly startsRun?: boolean
  /** Begins a run in any case. */
  readonly newRun?: boolean
  /** Leaves no cell behind, and keeps the run and the host open for the next one: for looks that repeat every few seconds. */
  readonly isQuietCell?: boolean
  /**
   * The act is about what was launched: it goes by the plan of the launch, also while the plan file is being edited.
   * `alone`: the project as it is now is not even read.
   */
  readonly ofLaunch?: 'alone' | 'with-project'
  /** How it goes over several hosts; absent: it is about the run as a whole, and happens here. */
  readonly perHost?: PerHost
}

type ProjectRequest = Pick<CommandEnvironment, 'projectFolder' | 'settings' | 'signal'>

/** Reads the plan of the project as it lies on disk now. A bad one is a finding with file and line (`Refused`). */
export async function loadProject({ projectFolder, settings, signal }: ProjectRequest): Promise<LoadedPlan> {
  const [{ loadPlan }, { createLocalHost }, { userFolders }, { formatProblem }] = await Promise.all([
    import('../plan/load.ts'),
    import('../host/local.ts'),
    import('../session/paths.ts'),
    import('../text/problem.ts'),
  ])
  const { config } = await loadSettings(projectFolder, settings)
  const host = createLocalHost()
  const found = await loadPlan(projectFolder, config.planFile, {
    exec: host.exec.bind(host),
    cacheFile: `${userFolders(process.env).cache}/hashes.json`,
    signal,
  })
  await host.close()
  if (found.ok) return found.loaded
  const lines = found.problems.map(formatProblem)
  const summary = `${config.planFile} cannot be used: ${lines.length} problem${lines.length === 1 ? '' : 's'}`
  throw new Refused({ summary, exitCode: 1, data: { problems: found.problems }, lines })
}

export async function profileOf(name: string) {
  const { rememberedProfiles } = await import('../profile/remembered.ts')
  const { profiles } = await rememberedProfiles(await profileFolders())
  const found = profiles.get(name)
  if (found !== undefined) return found.profile
  const known = [...profiles.keys()].join(', ')
  throw new Refused({ summary: `the plan asks for the profile "${name}"; there are ${known}`, exitCode: 1, data: null })
}

/** The host that a plan names: this machine, or whatever the user's `ssh` would take. */
export async function hostOf(name: string, env: ProjectRequest & Pick<CommandEnvironment, 'via'>) {
  if (name === 'local') return (await import('../host/local.ts')).createLocalHost()
  const [{ leaseHost }, { config }] = await Promise.all([
    import('../session/hosts.ts'),
    loadSettings(env.projectFolder, env.settings),
  ])
  return leaseHost(name, {
    transport: config.ssh.transport === 'auto' ? null : config.ssh.transport,
    ...(config.ssh.configFile === null ? {} : { configFile: config.ssh.configFile }),
    isAttended: env.via !== 'auto',
    signal: env.signal,
  })
}

/** Stages that a cell's output goes through before it is stored or shown: sanitised first, then secrets masked. */
export async function outputStages(env: Pick<CommandEnvironment, 'progress'>, secretNames: readonly string[]) {
  const [{ createSanitiser }, { createRedactor }, secrets] = await Promise.all([
    import('../text/sanitise.ts'),
    import('../text/redact.ts'),
    knownSecrets(secretNames),
  ])
  return {
    createSanitiser: () => createSanitiser({ allowSgr: false, mark: '' }),
    createRedactor: () => createRedactor(secrets),
    onOutput: (text: string) => env.progress({ text: '', output: text.split('\n').filter((line) => line !== '') }),
  }
}

/** What an act is given to read: the project as it is now, or for an act on a launched run the plan of that launch. */
async function loadedFor(
  env: CommandEnvironment,
  options: ActOptions,
  runId: () => Promise<string | null>,
): Promise<LoadedPlan> {
  if (options.ofLaunch === undefined) return loadProject(env)
  const launched = await launchedOf(env.projectFolder, await runId())
  if (launched === null) return loadProject(env)
  const now = options.ofLaunch === 'alone' ? null : await loadProject(env).catch(refusalAsNull)
  const { artifactsOf } = await import('../run/launched-plan.ts')
  const { config } = await loadSettings(env.projectFolder, env.settings)
  return {
    file: join(env.projectFolder, config.planFile),
    text: null,
    projectFolder: env.projectFolder,
    digests: now?.digests ?? {},
    code: now?.code ?? [],
    units: launched.units,
    plan: { ...launched.plan, artifacts: artifactsOf(launched.plan, now?.plan ?? null) },
  }
}

async function launchedOf(projectFolder: string, runId: string | null) {
  if (runId === null) return null
  const [{ readRunState }, { readLaunchedPlan }, { runFolder }] = await Promise.all([
    import('../run/reader.ts'),
    import('../run/launched-plan.ts'),
    import('../run/folder.ts'),
  ])
  const folder = runFolder(projectFolder, runId)
  const state = readRunState(folder)
  return state === null ? null : readLaunchedPlan(folder, state)
}

function refusalAsNull(error: unknown): null {
  if (error instanceof Refused) return null
  throw error
}

/** The run that an act goes to: the named one, the current one, or null for a new one. */
async function runIdFor(env: CommandEnvironment, options: ActOptions): Promise<string | null> {
  if (options.newRun === true) return null
  const { currentRunId, findRunId } = await import('../session/current-run.ts')
  const asked = env.runId
  const id = asked === null ? currentRunId(env.projectFolder, systemClock.nowMs()) : findRunId(env.projectFolder, asked)
  if (id !== null || (options.startsRun === true && asked === null)) return id
  const summary =
    asked === null
      ? 'no run has been begun in this project; check the plan first: kx plan'
      : `no single run of this project begins with ${asked}; kx runs lists them`
  throw new Refused({ summary, exitCode: 1, data: null })
}

/**
 * Runs one act on a run: reads the plan, opens (or begins) the run, opens its cell, hands the service everything that it
 * may touch, and ends the cell whatever happens. The same for a key, the `:` line, the palette and `kx`.
 */
export async function actOnRun(
  env: CommandEnvironment,
  commandId: string,
  args: Readonly<Record<string, unknown>>,
  options: ActOptions,
  service: (ctx: ActContext) => Promise<ActResult>,
): Promise<ActResult> {
  const act = options.perHost === undefined ? service : onHosts(options.perHost, service)
  const spec = allCommands().get(commandId)
  if (spec === undefined) throw new Error(`no command ${commandId}`)
  const cell: CellRequest = {
    name: spec.id,
    title: options.title ?? spec.title,
    args,
    risk: spec.risk,
    source: sourceOf(spec.id, args),
    phase: spec.id.split('.')[0] ?? spec.id,
    ...(options.isDryRun === true ? { dryRun: true } : {}),
  }
  try {
    if (options.isQuietCell === true) return await onBeat(env, () => prepared(env, options), cell, act)
    await endBeat()
    const { rooms, request } = await prepared(env, options)
    failpoint('act.before-run')
    const { performAct } = await import('../session/perform.ts')
    return await performAct(rooms, { ...request, ...fromCaller(env), cell, isQuietCell: false }, act)
  } catch (error) {
    if (error instanceof Refused) return error.result
    throw error
  }
}

/** What was asked for, as a line. What is named like a secret is masked by its name here: later it is only text. */
export function sourceOf(commandId: string, args: Readonly<Record<string, unknown>>): string {
  return `${commandId} ${JSON.stringify(redactValue(args, null).value)}`
}

/** What an act needs and where it goes, read but not yet opened. */
async function prepared(env: CommandEnvironment, options: ActOptions): Promise<Prepared> {
  const { newIds } = await import('../session/ids.ts')
  const loaded = await loadedFor(env, options, () => runIdFor(env, options))
  const runId = await runIdFor(env, options)
  return {
    rooms: {
      clock: systemClock,
      newId: newIds(systemClock),
      hostFor: (name) => hostOf(name, env),
      profileFor: profileOf,
      output: await outputStages(env, loaded.plan.secrets),
      opening: await runOptions(loaded.plan.secrets),
      onRunBegun: (id) => env.openRun(id),
    },
    // The very text that was checked: the file may be edited at any moment.
    request: { loaded, planText: loaded.text ?? '', runId },
  }
}
