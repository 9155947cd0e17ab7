import { statSync } from 'node:fs'
import { outputFileOf } from '../notebook/cell-writer.ts'
import { readOutput } from '../notebook/outputs.ts'
import { cellIdOf, endStateOf } from '../run/cell-record.ts'
import { runFolder } from '../run/folder.ts'
import type { RunState } from '../run/types.ts'
import type { Shelves } from '../session/view.ts'
import { redactText } from '../text/redact.ts'
import { sanitise } from '../text/sanitise.ts'
import { isSameLog, type LogReader, readBytesOf, secretsOf } from './log-reader.ts'
import type { ShelfRequest } from './shelves.ts'

/** Lines of an output that open below its row; the whole of it is in the pane beside it. */
const openLines = 40
/** A cell that runs is read again so often. */
const againMs = 1_000

const isCellId = (id: string): boolean => /^[A-Za-z0-9-]{1,64}$/.test(id)

/** Outputs that the notebook shows: of the cell under the cursor, else the newest, and the ends of those that are open. */
export async function notebookShelf(
  request: ShelfRequest,
  run: RunState,
  reader: LogReader,
): Promise<Partial<Shelves> | null> {
  const folder = runFolder(request.projectFolder, run.runId)
  const isRunning = (cellId: string) => {
    const cell = run.cells.findLast((each) => cellIdOf(each) === cellId)
    return cell !== undefined && endStateOf(cell) === null
  }
  const opened = (request.opened?.('cells') ?? []).filter(isCellId)
  const chosen = request.selected('cells') ?? run.cells.at(-1)?.started.cellId
  const openOutputs = await opens(request, folder, opened, isRunning)
  const output = chosen === undefined || !isCellId(chosen) ? null : await outputOf(request, folder, chosen, reader)
  if ((chosen !== undefined && isRunning(chosen)) || opened.some(isRunning)) request.again(againMs)
  return openOutputs === null && output === null ? null : { ...openOutputs, ...output }
}

async function outputOf(
  request: ShelfRequest,
  folder: string,
  cellId: string,
  reader: LogReader,
): Promise<Partial<Shelves> | null> {
  const path = outputFileOf(folder, cellId)
  const log = await reader.look(path, readBytesOf(path), secretsOf(request.plan))
  const before = request.shelves.cellOutput
  // Nothing new: nothing is drawn again for it.
  if (before?.cellId === cellId && isSameLog(before.log, log)) return null
  return { cellOutput: { cellId, log } }
}

/** Null: what is open was read before and has not changed. */
async function opens(
  request: ShelfRequest,
  folder: string,
  opened: readonly string[],
  isRunning: (cellId: string) => boolean,
): Promise<Partial<Shelves> | null> {
  const known = request.shelves.openOutputs ?? new Map()
  const wanted = opened.filter((cellId) => !known.has(cellId) || isRunning(cellId))
  if (wanted.length === 0 && known.size === opened.length) return null
  const secrets = wanted.length === 0 ? null : await secretsOf(request.plan)()
  const read = (cellId: string) => {
    // A cell that printed nothing new must not draw the screen anew.
    if (statSync(outputFileOf(folder, cellId), { throwIfNoEntry: false }) === undefined) return null
    const output = readOutput(folder, cellId, openLines)
    if (output === null) return null
    const text = redactText(sanitise(output.lines.join('\n'), { allowSgr: false, mark: '' }), secrets).text
    return { before: output.before, lines: text === '' ? [] : text.split('\n') }
  }
  const fresh = new Map(wanted.map((cellId) => [cellId, read(cellId)]))
  return { openOutputs: new Map(opened.map((cellId) => [cellId, fresh.get(cellId) ?? known.get(cellId) ?? null])) }
}
