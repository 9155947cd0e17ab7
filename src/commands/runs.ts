import type { ActResult } from '../run/act.ts'
import { archiveRun as archive } from '../run/folder.ts'
import { closedStages } from '../run/reader.ts'
import { formatAge, formatUsdPerHour } from '../text/format.ts'
import { sanitiseLine } from '../text/sanitise.ts'
import { openForWriting } from './open.ts'
import type { CommandEnvironment } from './types.ts'

/** `kx runs`: every run and meter of this user. */
export async function listRuns(_env: CommandEnvironment, args: { readonly archived: boolean }): Promise<ActResult> {
  const [{ createHomeReader }, { userFolders }] = await Promise.all([
    import('../session/home.ts'),
    import('../session/paths.ts'),
  ])
  const nowMs = Date.now()
  const home = createHomeReader(userFolders(process.env).state).read(nowMs, args.archived)
  const lines = home.runs.map((r) => {
    const units = r.unitsTotal === null ? '' : `, ${r.unitsDone ?? '?'} of ${r.unitsTotal} units`
    const age = r.seenAtMs === null ? '' : formatAge(nowMs - r.seenAtMs)
    const seen = age === '' ? '' : age === 'now' ? ', seen just now' : `, seen ${age} ago`
    const state = closedStages.includes(r.stage) ? r.stage : (r.liveness ?? r.stage ?? 'unknown')
    const end = state === 'finished' && r.end !== null && r.end !== 'completed' ? `, ${r.end}` : ''
    return `${r.runId}  ${r.project}: ${state}${end}${units}${seen}${r.reason === null ? '' : `  ${r.reason}`}`
  })
  for (const m of home.meters)
    lines.push(
      `meter  ${m.what} on ${m.host}: ${formatUsdPerHour(m.usdPerHour)}, run ${m.runId}, open for ${formatAge(nowMs - m.openedAtMs)}${m.note === undefined ? '' : `; still billing, unconfirmed: ${sanitiseLine(m.note, 300)}`}`,
    )
  for (const w of home.warnings) lines.push(`warning: ${w}`)
  const hasTrouble = home.warnings.length > 0
  return {
    summary: `${home.runs.length} runs, ${home.meters.length} open meters${hasTrouble ? '; what is listed may not be all' : ''}`,
    exitCode: hasTrouble ? 4 : 0,
    data: home,
    lines,
  }
}

/** Runs of other projects whose id begins like this, from the user's index. */
async function elsewhere(
  beginning: string,
): Promise<readonly { readonly runId: string; readonly projectFolder: string }[]> {
  const [{ openIndex }, { userFolders }] = await Promise.all([
    import('../run/index-file.ts'),
    import('../session/paths.ts'),
  ])
  return openIndex(userFolders(process.env).state)
    .read()
    .runs.filter((r) => r.runId.startsWith(beginning))
}

/** The one run whose id begins like this, of this project or of any other of this user; or why there is none. */
export async function locateRun(
  env: Pick<CommandEnvironment, 'projectFolder'>,
  beginning: string,
): Promise<{ readonly runId: string; readonly projectFolder: string } | ActResult> {
  const { findRunId } = await import('../session/current-run.ts')
  const own = findRunId(env.projectFolder, beginning)
  if (own !== null) return { runId: own, projectFolder: env.projectFolder }
  const [other, ...more] = await elsewhere(beginning)
  if (other !== undefined && more.length === 0) return { runId: other.runId, projectFolder: other.projectFolder }
  const summary =
    other === undefined
      ? `no run begins with ${beginning}; kx runs lists them all`
      : `${more.length + 1} runs begin with ${beginning}; give more of the id`
  return { summary, exitCode: 1, data: null }
}

/** `kx open`: opens a run in the workbench, which goes to its project when it is of another one. */
export async function openRun(env: CommandEnvironment, args: { readonly run: string }): Promise<ActResult> {
  if (args.run.includes('#')) return openCellOf(env, args.run)
  const other = await locateRun(env, args.run)
  if ('exitCode' in other) return other
  if (other.projectFolder === env.projectFolder) {
    env.openRun(other.runId)
    return { summary: `run ${other.runId}`, exitCode: 0, data: other }
  }
  env.openRun(other.runId, other.projectFolder)
  const summary = `run ${other.runId} of ${other.projectFolder}`
  return {
    summary: env.via === 'cli' ? `${summary}: kx --project ${other.projectFolder} --run ${other.runId}` : summary,
    exitCode: 0,
    data: other,
  }
}

/** `kx open <run>#<cell>`: the workbench goes to that cell of the notebook; elsewhere its record is shown. */
async function openCellOf(env: CommandEnvironment, address: string): Promise<ActResult> {
  if (env.via === 'cli') return (await import('./notebook.ts')).showCell(env, { cell: address, lines: 200 })
  const { cellAt, orRefused } = await import('./notebook-at.ts')
  return orRefused(async () => {
    const { runId, projectFolder, state, at } = await cellAt(env, address)
    env.openRun(runId, projectFolder, state.cells[at]?.started.cellId)
    return { summary: `cell ${at + 1} of ${runId}`, exitCode: 0, data: { runId, projectFolder, number: at + 1 } }
  })
}

/** `kx archive`: takes a run off the home screen. */
export async function archiveRun(
  env: CommandEnvironment,
  args: { readonly run?: string | undefined },
): Promise<ActResult> {
  // The home screen lists runs of every project: one that is named may be of another.
  const located = args.run === undefined ? null : await locateRun(env, args.run)
  if (located !== null && 'exitCode' in located) return located
  const run = await openForWriting(located ?? env, located?.runId ?? env.runId)
  try {
    const { recordedOn } = await import('./recorded.ts')
    return await recordedOn(env, run, 'run.archive', { run: run.id }, async () => {
      await archive(run, env.who)
      return { summary: `${run.id} is archived; nothing was deleted`, exitCode: 0, data: { runId: run.id } }
    })
  } finally {
    await run.close()
  }
}
