import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { ActContext, ActResult, CellRequest } from '../run/act.ts'
import { isRunError } from '../run/errors.ts'
import type { RunState } from '../run/types.ts'
import type { ActRequest, Places, Rooms } from '../session/perform.ts'
import type { CommandEnvironment } from './types.ts'

/** What an act needs and where it goes, read but not yet opened. */
export interface Prepared {
  readonly rooms: Rooms
  readonly request: Pick<ActRequest, 'loaded' | 'planText' | 'runId'>
}

interface Beat extends Prepared {
  readonly key: string
  readonly places: Places
  readonly openedAtMs: number
  /** The journal that was opened: a folder that was moved away or put back is another one. */
  readonly inode: number
  /** Launch whose plan was read; another one has another plan. */
  readonly receiptId: string | undefined
  /** Times that units were given to hosts: after each of them hosts have other units. */
  readonly generation: number
}

/** Everything is read anew now and then: secrets and profiles may have changed, and lost cells want an end. */
const renewAfterMs = 5 * 60_000
/** Without a look for so long nobody patrols any more. */
const idleAfterMs = 60_000

let beat: Beat | null = null
let idle: NodeJS.Timeout | undefined
let turn: Promise<unknown> = Promise.resolve()

/** Parts of a request that belong to the caller. */
export const fromCaller = ({ who, via, signal, progress }: CommandEnvironment) => ({ who, via, signal, progress })

/**
 * One of the looks that come every few seconds. Opening a run costs two commits and a reading of its whole journal, and
 * starting a shell costs as much again: what the last look opened is kept for the next one, and only what was appended
 * since is read. An error, another run or another launch opens everything anew.
 */
export function onBeat(
  env: CommandEnvironment,
  prepare: () => Promise<Prepared>,
  cell: CellRequest,
  act: (context: ActContext) => Promise<ActResult>,
): Promise<ActResult> {
  const look = async () => {
    const { performAt } = await import('../session/perform.ts')
    const { places, rooms, request } = await beatFor(env, prepare)
    return performAt(places, rooms, { ...request, ...fromCaller(env), cell, isQuietCell: true }, act)
  }
  return inTurn(async () => {
    try {
      return await look().catch(async (error: unknown) => {
        await close()
        // Another kx took the run over since the last look; a look may begin again under a new number.
        if (!isRunError(error, 'fenced')) throw error
        return look()
      })
    } finally {
      clearTimeout(idle)
      idle = setTimeout(() => void endBeat(), idleAfterMs).unref()
    }
  })
}

/** Closes what the looks keep open; waits for the one under way. */
export const endBeat = (): Promise<void> => inTurn(close)

async function beatFor(env: CommandEnvironment, prepare: () => Promise<Prepared>): Promise<Beat> {
  const key = JSON.stringify([env.projectFolder, env.runId, env.settings])
  const kept = beat
  if (kept !== null && kept.key === key && Math.abs(Date.now() - kept.openedAtMs) < renewAfterMs) {
    const { run } = kept.places
    const state = inodeOf(run.folder) === kept.inode ? await run.refresh().catch(() => null) : null
    if (state !== null && run.suspect() === null && isSameLaunch(state, kept)) return kept
  }
  await close()
  const prepared = await prepare()
  const { openPlaces } = await import('../session/perform.ts')
  const places = await openPlaces(prepared.rooms, { ...prepared.request, who: env.who })
  const { run } = places
  const receiptId = run.state().latest.Receipt?.id
  const generation = run.state().fleet?.assignments.length ?? 0
  beat = { ...prepared, key, places, openedAtMs: Date.now(), inode: inodeOf(run.folder), receiptId, generation }
  return beat
}

const isSameLaunch = (state: RunState, { receiptId, generation }: Pick<Beat, 'receiptId' | 'generation'>) =>
  state.latest.Receipt?.id === receiptId && (state.fleet?.assignments.length ?? 0) === generation

const inodeOf = (folder: string): number =>
  statSync(join(folder, 'journal.jsonl'), { throwIfNoEntry: false })?.ino ?? -1

async function close(): Promise<void> {
  const kept = beat
  beat = null
  clearTimeout(idle)
  await kept?.places.close()
}

/** One after the other: a run that is being closed must not be looked at. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const next = turn.then(work, work)
  turn = next.catch(() => undefined)
  return next
}
