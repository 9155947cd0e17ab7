import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { textsIn } from '../host/proxy/arguments.ts'
import { isSecretVariable } from '../host/unit-environment.ts'
import type { ActResult, RunHandle } from '../run/act.ts'
import type { CellRecord } from '../run/types.ts'
import { isKnownSecret, knownNamesIn } from '../secret/known.ts'
import { formatDuration } from '../text/format.ts'
import { hostOfCell } from './asking.ts'
import { type CellOutcome, doCell, undoCell } from './cell.ts'
import type { CellDescription } from './describe.ts'
import { coerceParameter, gatherParameters } from './given.ts'
import { keepValue, keptValues } from './kept.ts'
import { frozenOf, inPool, type Planned, planAll } from './planning.ts'
import { AskFailed } from './process.ts'
import type { Frozen, Kept, Opened, RecipeRooms, RunRequest } from './request.ts'
import { type Outcome, pastOf, planLines, stretchesOf } from './rules.ts'

const keptRequest = 'request'
const keptFrozen = 'frozen'

/** A recipe cannot be begun as it was asked for. */
class NotBegun extends Error {
  readonly exitCode: 1 | 2 | 3
  constructor(text: string, exitCode: 1 | 2 | 3) {
    super(text)
    this.exitCode = exitCode
  }
}

/** What of one cell on one host is shown and told to scripts. */
export interface CellRow extends CellOutcome {
  readonly cell: string
  readonly host: string
}

/**
 * Runs a recipe, or says what it would do: plan, gates, cells in their order over the hosts, and what became of each. The
 * act's own cell is the recipe's; each of its cells is one beside it.
 */
export async function runRecipe(rooms: RecipeRooms, request: RunRequest): Promise<ActResult> {
  const process = rooms.start()
  try {
    const opened = await open(rooms, process, request)
    return request.isDryRun ? await dryRun(opened, request) : await realRun(opened, request)
  } catch (error) {
    if (error instanceof NotBegun) return { summary: error.message, exitCode: error.exitCode, data: null }
    if (error instanceof AskFailed)
      return {
        summary: error.message,
        exitCode: error.how === 'unknown' || error.how === 'aborted' ? 4 : 1,
        data: null,
      }
    throw error
  } finally {
    await process.close()
  }
}

/** Takes back what a recipe run did, the last first. What was undone before is left alone. */
export async function undoRecipe(
  rooms: RecipeRooms,
  request: Pick<RunRequest, 'file' | 'isYes' | 'resume'>,
): Promise<ActResult> {
  const process = rooms.start()
  try {
    const opened = await open(rooms, process, { ...request, parameters: {}, hosts: [], host: null, finding: null })
    const { rows, asked } = await undoAll(opened, keptOf(rooms, opened.recipeRun).hosts, request.isYes)
    if (!asked) return { summary: 'nothing was taken back: nobody agreed to it', exitCode: 3, data: null }
    return resultOf(opened, rows, rows.length === 0 ? 'there is nothing to take back' : 'taken back')
  } catch (error) {
    if (error instanceof NotBegun) return { summary: error.message, exitCode: error.exitCode, data: null }
    throw error
  } finally {
    await process.close()
  }
}

async function open(
  rooms: RecipeRooms,
  process: Opened['process'],
  request: Pick<RunRequest, 'file' | 'parameters' | 'hosts' | 'host' | 'resume' | 'finding'>,
): Promise<Opened> {
  const { context } = rooms
  const { resume } = request
  const before = resume === null ? null : keptOf(rooms, resume)
  const file = before?.file ?? request.file
  if (!existsSync(file)) throw new NotBegun(`There is no recipe in ${file}.`, 1)
  const sourceSha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (before !== null && before.sourceSha256 !== sourceSha256)
    throw new NotBegun(`${file} is not what it was when that run began: run it anew, or bring the old text back.`, 1)
  let description: Opened['description']
  let parameters: Opened['parameters']
  try {
    description = await process.load(file)
    const { finding } = request
    const byRule = before !== null || finding === null ? {} : await process.fill(finding.rule, finding)
    const takesHost = request.host !== null && description.parameters.some(({ name }) => name === 'host')
    const filled = takesHost ? { ...byRule, host: request.host } : byRule
    parameters =
      before?.parameters ??
      (await process.parameters(await gathered(rooms, description, { ...filled, ...request.parameters })))
  } catch (error) {
    if (error instanceof AskFailed) throw new NotBegun(parameterWords(error.message), 2)
    throw error
  }
  for (const [name, value] of Object.entries(parameters)) refuseSecret(name, knownNamesIn(textsIn(value).join('\n')))
  const recipeRun = resume ?? context.cell.cellId
  await claimRun(rooms, recipeRun, description.title)
  const kept: Kept = { file, sourceSha256, recipe: description.id, parameters, hosts: request.hosts }
  if (before === null) keepValue(context.run.folder, recipeRun, keptRequest, context.run.scrub(kept))
  return { rooms, process, description, parameters, recipeRun, sourceSha256 }
}

/** Two that go on with the same recipe run would do its cells twice: the second is told who is at it. */
async function claimRun(rooms: RecipeRooms, recipeRun: string, title: string): Promise<void> {
  const claim = await rooms.claim(`recipe ${recipeRun}`)
  if (claim.isOurs) return
  const { pid, hostname, ageSeconds } = claim
  throw new NotBegun(
    `${title}: another kx is at this run of it (process ${pid} on ${hostname}, for ${formatDuration(ageSeconds)}); nothing was done. ` +
      `Wait for its end and look with: kx open ${rooms.context.run.id}#${recipeRun}. If it hangs, end that process, then: kx recipe resume ${recipeRun}`,
    1,
  )
}

/** Secret values stay with kx: a recipe would put them into a command, where every user of the host can read them. */
function refuseSecret(parameter: string, names: readonly string[]): void {
  if (names.length === 0) return
  throw new NotBegun(
    `The value of ${names.join(', ')} is not given to a recipe (parameter ${parameter}): it could show it to every user of the ` +
      'host. Put the secret into a file on the host, and give the recipe the path of that file.',
    1,
  )
}

/** By flag or by form as they were given, else by environment; what is then still wanted is asked for. */
async function gathered(
  rooms: RecipeRooms,
  { parameters: described, id }: Opened['description'],
  given: RunRequest['parameters'],
): Promise<Readonly<Record<string, unknown>>> {
  const { parameters, missing, unknown } = gatherParameters(described, given, process.env)
  if (unknown.length > 0) {
    const known = described.map((each) => `--${each.name}`).join(', ')
    throw new NotBegun(`${id} has no --${unknown.join(', --')}${known === '' ? '' : `; it has ${known}`}`, 2)
  }
  for (const { name, environment } of described)
    if (environment !== null && given[name] === undefined && isSecretHere(environment))
      refuseSecret(name, [environment])
  const asked: Record<string, unknown> = { ...parameters }
  for (const each of missing) {
    const choices = each.choices.length > 0 ? ` (${each.choices.join(', ')})` : ''
    const answer = await rooms.ask.text(`${each.name}${choices}: ${each.description}`, '')
    if (answer === null || answer === '') throw new NotBegun(`${id} needs --${each.name}: ${each.description}`, 3)
    asked[each.name] = coerceParameter(each, answer)
  }
  return asked
}

/** By its name or form, or because kx knows it; one that is too short to be found elsewhere is known by its name. */
function isSecretHere(variable: string): boolean {
  const value = process.env[variable]
  return value !== undefined && (isSecretVariable(variable, value) || isKnownSecret(variable, value))
}

function keptOf(rooms: RecipeRooms, recipeRun: string): Kept {
  const kept = keptValues(rooms.context.run.folder, recipeRun)[keptRequest] as Kept | undefined
  if (kept === undefined) throw new NotBegun(`Cell ${recipeRun} is no run of a recipe.`, 1)
  return kept
}

/** zod says it as JSON; a person wants a line for each parameter. */
function parameterWords(text: string): string {
  try {
    const issues = JSON.parse(text) as readonly { readonly path: readonly string[]; readonly message: string }[]
    return issues.map(({ path, message }) => `${path.join('.') || 'parameters'}: ${message}`).join('; ')
  } catch {
    return text
  }
}

async function dryRun(opened: Opened, { hosts }: RunRequest): Promise<ActResult> {
  const { context } = opened.rooms
  const planned = await planAll(opened, hosts, () => true)
  const lines = planned.flatMap(({ cell, host, plan }) => planLines(cell, host, plan))
  for (const line of lines) context.cell.say(line)
  keepValue(context.run.folder, context.cell.cellId, keptFrozen, context.run.scrub(frozenOf(planned)))
  const count = (change: string) => planned.filter((each) => each.plan.change === change).length
  return {
    summary: `dry run: ${count('yes')} would change, ${count('no')} would not, ${count('unknown')} unknown; nothing was done`,
    exitCode: 0,
    data: {
      dryRun: context.cell.cellId,
      plan: planned.map(({ cell, host, plan }) => ({ cell: cell.name, host, ...plan })),
    },
    lines,
  }
}

/** The targets of an earlier dry run. */
export function frozenBy(rooms: RecipeRooms, dryRunCell: string): Frozen | null {
  return (keptValues(rooms.context.run.folder, dryRunCell)[keptFrozen] as Frozen | undefined) ?? null
}

/** Cell of a recipe run: the named one, or the last (of a file, where one is given). */
export function lastRecipeRun(run: RunHandle, named: string, file: string | null): string | null {
  const isRun = (cellId: string) => {
    const kept = keptValues(run.folder, cellId)[keptRequest] as Kept | undefined
    return kept !== undefined && (file === null || kept.file === file)
  }
  const found = run.state().cells.findLast(({ started }) => {
    if (started.name !== 'recipe.run' || (started.args as { dryRun?: unknown }).dryRun === true) return false
    return (named === 'last' || started.cellId === named || started.cellId.startsWith(named)) && isRun(started.cellId)
  })
  return found?.started.cellId ?? null
}

async function realRun(opened: Opened, request: RunRequest): Promise<ActResult> {
  const { rooms, description, recipeRun } = opened
  const { context } = rooms
  const kept = keptOf(rooms, recipeRun)
  const hosts = request.isFailedOnly ? failedHosts(opened, kept.hosts) : kept.hosts
  if (hosts.length === 0) return { summary: 'no host has a cell that failed', exitCode: 0, data: { recipeRun } }
  // What was begun and not seen to its end may still be at it: it is planned when it has been looked at, and asked about.
  const isOpen = (cell: CellDescription, host: string) =>
    !['done', 'open'].includes(pastOf(context.run.state().cells, { recipeRun, cell: cell.name, host }).kind)
  // What only looks is begun at once; what changes something is looked at first, all of it.
  const planned = await planAll(opened, hosts, (cell, host) => cell.risk !== 'read' && isOpen(cell, host))
  for (const { cell, host, plan } of planned) for (const line of planLines(cell, host, plan)) context.cell.say(line)
  const isAgreed = await agreeToChanges(opened, planned, request)
  if (!isAgreed)
    return {
      summary: `${description.title}: nothing was done, nobody agreed to the changes`,
      exitCode: 3,
      data: { recipeRun },
    }
  const rows = await runStretches(opened, hosts, { ...request, frozen: request.frozen ?? frozenOf(planned) })
  if (
    rows.some((row) => row.outcome === 'failed' || row.outcome === 'refused') &&
    !request.isYes &&
    !context.signal.aborted
  )
    rows.push(...(await undoAll(opened, hosts, false)).rows.map((row) => ({ ...row, text: `undo: ${row.text}` })))
  return resultOf(opened, rows, 'done')
}

/** One yes for all that can be changed back, with all of it shown. */
async function agreeToChanges(
  { rooms, description }: Opened,
  planned: readonly Planned[],
  request: RunRequest,
): Promise<boolean> {
  const changes = planned.filter(({ cell, plan }) => cell.risk === 'change' && plan.change !== 'no')
  if (changes.length === 0 || request.isYes) return true
  return rooms.ask.confirm(
    `${description.title}: go on?`,
    changes.flatMap(({ cell, host, plan }) => planLines(cell, host, plan)),
  )
}

async function runStretches(opened: Opened, hosts: readonly string[], request: RunRequest): Promise<CellRow[]> {
  const { description, rooms } = opened
  const { signal } = rooms.context
  const rows: CellRow[] = []
  const outcomes = new Map<string, Outcome>()
  /** By host, the cell whose end nobody saw: what comes after it would rest on a guess. */
  const unseen = new Map<string, string>()
  const key = (cell: string, host: string) => `${cell}\n${host}`
  const isOk = (name: string, host: string) => {
    const need = description.cells.find((each) => each.name === name)
    const of = need === undefined ? [] : need.on === 'each' ? [host] : [hostOfCell(need, host, hosts)]
    return of.every((each) => ['done', 'skipped'].includes(outcomes.get(key(name, each)) ?? 'not-begun'))
  }
  const put = (cell: CellDescription, host: string, { outcome, text }: CellOutcome) => {
    outcomes.set(key(cell.name, host), outcome)
    if (outcome === 'unknown') unseen.set(host, cell.name)
    rows.push({ cell: cell.name, host, outcome, text })
    rooms.context.progress({ text: `${host}: ${cell.title}: ${text}`, done: rows.length })
    rooms.context.cell.say(`${outcome.padEnd(9)} ${host}: ${cell.title}: ${text}`)
  }
  for (const stretch of stretchesOf(description)) {
    let failures = 0
    await inPool(stretch.on === 'each' ? hosts : hosts.slice(0, 1), description.fanOut.cap, async (host) => {
      // Hosts that are under way go on; no further one is begun.
      const isStopped = failures >= description.fanOut.stopAfterFailures
      let hasFailed = false
      for (const cell of stretch.cells) {
        const name = hostOfCell(cell, host, hosts)
        // A cell that is done once, after cells on every host, needs all of them.
        const over = stretch.on === 'each' ? [host] : hosts
        const missing = cell.needs.find((need) => !over.every((each) => isOk(need, each)))
        if (signal.aborted) put(cell, name, { outcome: 'not-begun', text: 'not begun: it was given up' })
        else if (unseen.has(name))
          put(cell, name, { outcome: 'not-begun', text: `not begun: nobody saw the end of ${unseen.get(name)}` })
        else if (isStopped) put(cell, name, { outcome: 'not-begun', text: `not begun: ${failures} failed before` })
        else if (missing !== undefined)
          put(cell, name, { outcome: 'not-begun', text: `not begun: it needs ${missing}` })
        else {
          rooms.context.progress({ text: `${name}: ${cell.title} …`, done: rows.length })
          const at = { cell, host, hosts, frozen: request.frozen, isYes: request.isYes, isAgreed: true }
          const outcome = await doCell(opened, at).catch((error: unknown): CellOutcome => {
            if (signal.aborted) return { outcome: 'unknown', text: 'given up' }
            return { outcome: 'failed', text: error instanceof Error ? error.message : String(error) }
          })
          put(cell, name, outcome)
          hasFailed ||= outcome.outcome !== 'done' && outcome.outcome !== 'skipped'
        }
      }
      if (hasFailed) failures += 1
    })
  }
  return rows
}

/** Hosts on which a cell of this recipe run failed, or nobody saw its end. */
function failedHosts({ rooms, recipeRun, description }: Opened, hosts: readonly string[]): readonly string[] {
  const { cells } = rooms.context.run.state()
  return hosts.filter((host) =>
    description.cells.some((cell) =>
      ['failed', 'open'].includes(
        pastOf(cells, { recipeRun, cell: cell.name, host: hostOfCell(cell, host, hosts) }).kind,
      ),
    ),
  )
}

/** Everything of this recipe run that was begun and can be taken back, the last first. */
async function undoAll(
  opened: Opened,
  hosts: readonly string[],
  isYes: boolean,
): Promise<{ readonly rows: readonly CellRow[]; readonly asked: boolean }> {
  const { rooms, recipeRun, description } = opened
  const { run } = rooms.context
  const args = (record: CellRecord) =>
    record.started.args as {
      readonly cell?: string
      readonly host?: string
      readonly part?: string
      readonly recipeRun?: string
    }
  const { cells } = run.state()
  const begun = cells
    .filter((record) => args(record).recipeRun === recipeRun && args(record).part === 'run')
    .map((record) => ({
      cell: description.cells.find((each) => each.name === args(record).cell),
      host: args(record).host ?? '',
      record,
    }))
  const toUndo: { cell: CellDescription; host: string }[] = []
  for (const { cell, host, record } of begun.toReversed()) {
    if (cell === undefined || !cell.parts.includes('undo')) continue
    if (toUndo.some((each) => each.cell === cell && each.host === host)) continue
    const past = pastOf(cells, { recipeRun, cell: cell.name, host })
    if (past.kind === 'none' || past.cellId !== record.started.cellId) continue
    // What kept nothing on record has nothing to be told by: a cell that failed before it began its work.
    if (past.kind !== 'done' && Object.keys(keptValues(run.folder, past.cellId)).length === 0) continue
    toUndo.push({ cell, host })
  }
  if (toUndo.length === 0) return { rows: [], asked: true }
  const lines = toUndo.map(({ cell, host }) => `${host}: ${cell.title}`)
  if (!isYes && !(await rooms.ask.confirm('Take back what was done, the last first?', lines)))
    return { rows: [], asked: false }
  const rows: CellRow[] = []
  for (const { cell, host } of toUndo) {
    const at = { cell, host: host === 'local' ? (hosts[0] ?? host) : host, hosts, frozen: null, isYes, isAgreed: true }
    const outcome = await undoCell(opened, at)
    rows.push({ cell: cell.name, host, ...outcome })
    if (outcome.outcome !== 'done') break
  }
  return { rows, asked: true }
}

function resultOf({ description, recipeRun }: Opened, rows: readonly CellRow[], word: string): ActResult {
  const of = (...outcomes: readonly Outcome[]) => rows.filter((row) => outcomes.includes(row.outcome)).length
  const [bad, unknown, left] = [of('failed', 'refused'), of('unknown'), of('not-begun')]
  const parts = [
    `${of('done', 'skipped')} of ${rows.length} cells ${word}`,
    ...(bad > 0 ? [`${bad} failed`] : []),
    ...(unknown > 0 ? [`${unknown} unknown`] : []),
    ...(left > 0 ? [`${left} not begun`] : []),
  ]
  const next = bad + unknown + left > 0 ? `; go on with: kx recipe resume (run ${recipeRun})` : ''
  return {
    summary: `${description.title}: ${parts.join(', ')}${next}`,
    exitCode: unknown > 0 ? 4 : bad + left > 0 ? 1 : 0,
    data: { recipeRun, recipe: description.id, cells: rows },
    lines: rows.map((row) => `${row.outcome.padEnd(9)}  ${row.host}: ${row.cell}: ${row.text}`),
  }
}
