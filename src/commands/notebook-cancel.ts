import type { ActResult } from '../run/act.ts'
import type { WritableRun } from '../run/handle.ts'
import type { CellProcess, CellRecord } from '../run/types.ts'
import { hostOf } from './act.ts'
import { cellAt, orRefused } from './notebook-at.ts'
import { openForWriting } from './open.ts'
import { declined, recordedOn } from './recorded.ts'
import { Refused } from './refused.ts'
import type { CommandEnvironment } from './types.ts'

type Host = Awaited<ReturnType<typeof hostOf>>
type Killed = Awaited<ReturnType<Host['kill']>>

const refused = (summary: string): Refused => new Refused({ summary, exitCode: 1, data: null })

/**
 * `kx cell cancel`: ends what a cell runs on its host, whichever kx began it and whether that is still there. Start time
 * and boot are compared before any signal, so that a number that was given out again is nobody's end.
 */
export function cancelCell(
  env: CommandEnvironment,
  args: { readonly cell: string; readonly graceSeconds: number },
): Promise<ActResult> {
  return orRefused(async () => {
    const { state, at, runId, projectFolder } = await cellAt(env, args.cell)
    const cell = state.cells[at] as CellRecord
    const { process } = cell
    const name = `#${at + 1} ${cell.started.title}`
    if (cell.ended !== null) throw refused(`${name} has ended already: ${cell.ended.summary}`)
    if (process === undefined)
      throw refused(
        `${name} has no process group on record: it runs in the kx that began it, and is cancelled there. If that kx is gone, the next act ends the cell as unknown.`,
      )
    const where = { ...env, projectFolder, runId }
    const given = { ...args, cell: cell.started.cellId }
    const isAgreed =
      env.via === 'cli' ||
      (await env.ask.confirm(`End ${name}?`, [
        `Process group ${process.pgid} on ${process.host}: TERM, ${args.graceSeconds} s, KILL.`,
      ]))
    if (!isAgreed) return declined(where, 'cell.cancel', given, { summary: `${name} goes on`, exitCode: 3, data: null })
    const run = await openForWriting({ projectFolder }, runId)
    try {
      return await recordedOn(where, run, 'cell.cancel', given, async () => {
        const killed = await killOn(where, process, args.graceSeconds)
        const isEnded = await endIfNobodyElse(run, cell, killed)
        return resultOf(name, process, killed, isEnded)
      })
    } finally {
      await run.close()
    }
  })
}

/** Null: the host did not answer, and nothing is known. */
async function killOn(
  env: CommandEnvironment,
  { host: name, pgid, startTicks, bootId }: CellProcess,
  graceSeconds: number,
): Promise<Killed | { readonly why: string }> {
  let host: Host | null = null
  try {
    host = await hostOf(name, env)
    return await host.kill({ pid: pgid, startTicks, bootId }, graceSeconds)
  } catch (error) {
    return { why: error instanceof Error ? error.message : String(error) }
  } finally {
    await host?.close()
  }
}

/** A kx that is still there sees the end of what it began and writes it down; for one that is gone it is written here. */
async function endIfNobodyElse(run: WritableRun, cell: CellRecord, killed: Awaited<ReturnType<typeof killOn>>) {
  if (!run.wasAlone || (killed !== 'gone' && killed !== 'was-gone')) return false
  const { lostEnd } = await import('../notebook/recover.ts')
  const found =
    killed === 'gone'
      ? ({ state: 'failed', text: 'ended by a person, after its kx was gone' } as const)
      : ({ state: 'unknown', text: 'it was over when it was to be ended; how it ended nobody saw' } as const)
  const how = killed === 'gone' ? ({ cause: 'aborted', signal: null } as const) : undefined
  const isOpen = () =>
    run.state().cells.some((each) => each.started.cellId === cell.started.cellId && each.ended === null)
  await run.refresh()
  if (isOpen()) await run.append('cell.ended', lostEnd(cell, found, how))
  return true
}

function resultOf(
  name: string,
  { pgid, host }: CellProcess,
  killed: Awaited<ReturnType<typeof killOn>>,
  isEnded: boolean,
): ActResult {
  const data = { pgid, host, outcome: typeof killed === 'string' ? killed : 'unknown', isEnded }
  if (typeof killed !== 'string')
    return {
      summary: `${name}: whether it was ended is not known, ${host} did not answer: ${killed.why}`,
      exitCode: 4,
      data,
    }
  const by = isEnded ? '' : '; the kx that began it writes down its end'
  switch (killed) {
    case 'gone':
      return { summary: `${name}: process group ${pgid} on ${host} was ended and is gone${by}`, exitCode: 0, data }
    case 'was-gone':
      return { summary: `${name}: process group ${pgid} on ${host} was gone before${by}`, exitCode: 0, data }
    case 'not-ours':
      return {
        summary: `${name}: the number ${pgid} belongs to another process on ${host} now; nothing was signalled`,
        exitCode: 1,
        data,
      }
    case 'still-there':
      return { summary: `${name}: process group ${pgid} on ${host} is still there after KILL`, exitCode: 4, data }
  }
}
