import type { ActResult, CellRequest, CellWriter } from '../run/act.ts'
import { messageOf } from '../run/errors.ts'
import type { WritableRun } from '../run/handle.ts'
import type { CellEnded } from '../run/types.ts'
import { outputStages, sourceOf } from './act.ts'
import { allCommands } from './list/all.ts'
import { openForWriting, systemClock } from './open.ts'
import type { CommandEnvironment } from './types.ts'

type Args = Readonly<Record<string, unknown>>

/** An act that is about the journal of a run alone, as a cell of that run: no plan is read and no host is asked. */
export async function recordedOn(
  env: CommandEnvironment,
  run: WritableRun,
  commandId: string,
  args: Args,
  act: (cell: CellWriter) => Promise<ActResult>,
): Promise<ActResult> {
  const cell = await cellOn(env, run, commandId, args)
  try {
    const result = await act(cell)
    for (const line of result.lines ?? []) cell.say(line)
    await endAs(cell, result)
    return result
  } catch (error) {
    // What went wrong first is what the person must see; the journal may be the very thing that failed.
    await cell.end({ state: 'failed', summary: messageOf(error) }).catch(() => undefined)
    throw error
  }
}

/**
 * An act beside the walk, such as trusting a key: a cell of the run that is open, or of the current one of the project.
 * Without a run there is no notebook, and it happens all the same; so it does where the journal refuses, which is said.
 */
export async function recordedBeside(
  env: CommandEnvironment,
  commandId: string,
  args: Args,
  act: () => Promise<ActResult>,
  cause: CellEnded['cause'] = null,
): Promise<ActResult> {
  const { currentRunId } = await import('../session/current-run.ts')
  const runId = env.runId ?? currentRunId(env.projectFolder, systemClock.nowMs())
  if (runId === null) return act()
  let run: WritableRun | null = null
  let cell: CellWriter
  try {
    run = await openForWriting(env, runId)
    cell = await cellOn(env, run, commandId, args)
  } catch (error) {
    await run?.close()
    const result = await act()
    return { ...result, summary: `${result.summary} (not in the notebook of ${runId}: ${messageOf(error)})` }
  }
  try {
    const result = await act()
    for (const line of result.lines ?? []) cell.say(line)
    // What happened has happened; a journal that fails now must not hide it.
    const trouble = await endAs(cell, result, cause).then(() => null, messageOf)
    return trouble === null
      ? result
      : { ...result, summary: `${result.summary} (its end is not on record: ${trouble})` }
  } catch (error) {
    await cell.end({ state: 'failed', summary: messageOf(error) }).catch(() => undefined)
    throw error
  } finally {
    await run.close()
  }
}

/**
 * The answer no to a question about money, about what is destroyed or about going on in spite of an error: a decision of a
 * person like a yes, and a cell like one. Where nobody was there to be asked nobody decided anything, and none is left.
 */
export async function declined(
  env: CommandEnvironment,
  commandId: string,
  args: Args,
  result: ActResult,
): Promise<ActResult> {
  if (env.ask.isAttended === false) return result
  const said = `${env.who} said no: ${result.summary}`
  const recorded = await recordedBeside(env, commandId, args, async () => ({ ...result, summary: said }), 'aborted')
  // What the person is told is what they are told without a record, and what is wrong with the record.
  return { ...recorded, summary: `${result.summary}${recorded.summary.slice(said.length)}` }
}

async function cellOn(env: CommandEnvironment, run: WritableRun, commandId: string, args: Args): Promise<CellWriter> {
  const spec = allCommands().get(commandId)
  if (spec === undefined) throw new Error(`no command ${commandId}`)
  const [{ openCell }, { newIds }, stages] = await Promise.all([
    import('../notebook/cell-writer.ts'),
    import('../session/ids.ts'),
    outputStages(env, []),
  ])
  const cell: CellRequest = {
    name: spec.id,
    title: spec.title,
    args,
    risk: spec.risk,
    source: sourceOf(spec.id, args),
    phase: spec.id.split('.')[0] ?? spec.id,
  }
  const { onOutput: _live, ...output } = stages
  return openCell(run, cell, {
    clock: systemClock,
    newId: newIds(systemClock),
    who: env.who,
    via: env.via,
    host: null,
    ...output,
  })
}

function endAs(cell: CellWriter, result: ActResult, cause: CellEnded['cause'] = null): Promise<void> {
  const state = result.exitCode === 4 ? 'unknown' : result.exitCode === 0 ? 'done' : 'failed'
  return cell.end({ state, summary: result.summary, exitCode: result.exitCode, cause })
}
