import { setTimeout as sleep } from 'node:timers/promises'
import type { CellWriter } from '../run/act.ts'
import { failpoint } from '../run/failpoints.ts'
import type { CellEnded } from '../run/types.ts'
import { askCell, hostOfCell, resultsFor } from './asking.ts'
import type { CellPlan, CellProbe } from './contract.ts'
import type { CellDescription } from './describe.ts'
import { passGate } from './gates.ts'
import { keepValue } from './kept.ts'
import { leftRunning } from './left.ts'
import { planOne } from './planning.ts'
import { AskFailed } from './process.ts'
import type { Frozen, Opened } from './request.ts'
import { decide, type Outcome, pastOf, whyMoved } from './rules.ts'

export interface CellAt {
  readonly cell: CellDescription
  readonly host: string
  readonly hosts: readonly string[]
  readonly frozen: Frozen | null
  readonly isYes: boolean
  /** Change was agreed to for everything that the plan showed. */
  readonly isAgreed: boolean
}

export interface CellOutcome {
  readonly outcome: Outcome
  readonly text: string
}

const noPlan: CellPlan = { change: 'unknown', lines: [], foundBy: 'declared' }

/** Takes one cell on one host as far as it goes: what is done is not done again, what runs is waited for. */
export async function doCell(opened: Opened, at: CellAt): Promise<CellOutcome> {
  const { rooms, recipeRun } = opened
  const { context } = rooms
  const name = hostOfCell(at.cell, at.host, at.hosts)
  const past = pastOf(context.run.state().cells, { recipeRun, cell: at.cell.name, host: name })
  if (past.kind === 'done') return { outcome: 'done', text: 'done before' }
  try {
    if (past.kind === 'open') {
      const settled = await settle(opened, at, past.cellId)
      if (settled !== null) return settled
    } else if (at.cell.parts.includes('probe')) {
      const seen = await waitWhileRunning(opened, at)
      if (seen === 'done') return await recorded(opened, at, 'skipped', 'done already')
      if (seen === 'running')
        return { outcome: 'unknown', text: 'something is still at it there, and its time is over' }
    }
    return await begin(opened, at)
  } catch (error) {
    if (!(error instanceof AskFailed)) throw error
    const isUnknown = error.how === 'unknown' || error.how === 'aborted'
    return { outcome: isUnknown ? 'unknown' : 'failed', text: error.message }
  }
}

/** Looks at a cell that was begun and whose end nobody saw. Null: it is to be run. */
async function settle(opened: Opened, at: CellAt, cellId: string): Promise<CellOutcome | null> {
  const { rooms } = opened
  const { cell: writer, signal } = rooms.context
  const name = hostOfCell(at.cell, at.host, at.hosts)
  const host = name === 'local' ? rooms.here : (await rooms.reach(name)).host
  const deadline = Date.now() + at.cell.timeoutSeconds * 1000
  for (;;) {
    const left = await leftRunning(host, cellId, signal)
    const probed = at.cell.parts.includes('probe') ? await probe(opened, at) : null
    const decision = decide(at.cell, probed, left === null ? null : left.length)
    if (decision === 'take-as-done') return recorded(opened, at, 'done', 'seen done after kx had gone away', cellId)
    if (decision === 'run') return null
    if (decision === 'wait') {
      const who = left !== null && left.length > 0 ? ` (process ${left.join(', ')})` : ''
      writer.say(`${at.cell.title} still runs on ${name}${who}: waiting for it`)
      if (Date.now() > deadline) return { outcome: 'unknown', text: 'it still runs there, and its time is over' }
      await sleep(1000, undefined, { signal })
      continue
    }
    const answer = await rooms.ask.text(
      `${at.cell.title} on ${name}: begun, and nobody saw its end. Look there, then say done, again or stop`,
      'stop',
    )
    if (answer === 'done') return recorded(opened, at, 'done', 'a person said that it is done', cellId)
    if (answer === 'again') return null
    return { outcome: 'unknown', text: 'begun before, and nobody saw its end: a person has to say whether it is done' }
  }
}

const probe = async (opened: Opened, at: CellAt): Promise<CellProbe> => {
  const { cell: writer } = opened.rooms.context
  try {
    return await askCell(opened, 'probe', at.cell, at, { writer, targets: frozenTargets(at) ?? [] })
  } catch (error) {
    if (error instanceof AskFailed && error.how === 'aborted') throw error
    writer.say(`${at.cell.title} on ${at.host} could not be looked at: ${(error as Error).message}`)
    return 'unknown'
  }
}

async function waitWhileRunning(opened: Opened, at: CellAt): Promise<CellProbe> {
  const deadline = Date.now() + at.cell.timeoutSeconds * 1000
  for (;;) {
    const seen = await probe(opened, at)
    if (seen !== 'running' || Date.now() > deadline) return seen
    opened.rooms.context.cell.say(`${at.cell.title} runs on ${at.host} already: waiting for it`)
    await sleep(1000, undefined, { signal: opened.rooms.context.signal })
  }
}

const frozenTargets = (at: CellAt): readonly string[] | null =>
  at.frozen?.[hostOfCell(at.cell, at.host, at.hosts)]?.[at.cell.name] ?? null

async function begin(opened: Opened, at: CellAt): Promise<CellOutcome> {
  const { rooms } = opened
  const { context, ask } = rooms
  const { cell } = at
  const name = hostOfCell(cell, at.host, at.hosts)
  if (cell.risk === 'read' && cell.parts.includes('when')) {
    const when = await askCell(opened, 'when', cell, at, { writer: context.cell, targets: [] })
    if (when !== true) return recorded(opened, at, 'skipped', `not needed: ${when}`)
  }
  let plan = noPlan
  if (cell.risk !== 'read' || cell.parts.includes('plan')) {
    plan = await planOne(opened, cell, at)
    if (plan.change === 'no' && plan.lines[0]?.startsWith('not needed: ') === true)
      return recorded(opened, at, 'skipped', plan.lines[0])
  }
  const frozen = frozenTargets(at)
  const fresh = plan.targets ?? []
  const moved = plan.targets === undefined ? null : whyMoved(frozen, fresh)
  if (moved !== null) return recorded(opened, at, 'refused', moved)
  if (plan.change === 'no' && (cell.risk === 'destroy' || cell.risk === 'spend'))
    return recorded(opened, at, 'skipped', 'there is nothing to do')
  // A list that nobody has seen yet is not what was agreed to.
  const isSeen = frozen !== null || fresh.length === 0
  const isAgreed = plan.change === 'no' || (at.isAgreed && isSeen)
  const gate = await passGate(ask, { cell, host: name, plan, isYes: at.isYes, who: context.who, isAgreed })
  if (!gate.isOpen) return recorded(opened, at, 'refused', gate.why)
  return work(opened, at, { targets: frozen ?? fresh, approvedBy: gate.by })
}

async function openFor(opened: Opened, at: CellAt, part: 'run' | 'undo'): Promise<CellWriter> {
  const { rooms, description, recipeRun, sourceSha256, parameters } = opened
  const name = hostOfCell(at.cell, at.host, at.hosts)
  const host = name === 'local' ? rooms.here : (await rooms.reach(name)).host
  return rooms.openStep(
    {
      name: `recipe.${description.id}.${at.cell.name}`,
      title: part === 'undo' ? `Undo: ${at.cell.title}` : at.cell.title,
      args: { recipe: description.id, recipeRun, cell: at.cell.name, host: name, part, parameters },
      risk: at.cell.risk,
      source: `${description.id}: ${at.cell.name} ${JSON.stringify(parameters)}\nSHA-256 of the recipe ${sourceSha256}`,
      phase: 'recipe',
    },
    host,
  )
}

/** A cell on record that needed no work, or was not let. What an earlier one kept is carried over to it. */
async function recorded(
  opened: Opened,
  at: CellAt,
  outcome: Outcome,
  text: string,
  keptOf?: string,
): Promise<CellOutcome> {
  const kept = keptOf === undefined ? {} : (resultsFor(opened, at.host, at.hosts)[at.cell.name] ?? {})
  const writer = await openFor(opened, at, 'run')
  for (const [name, value] of Object.entries(kept))
    keepValue(opened.rooms.context.run.folder, writer.cellId, name, value)
  writer.say(text)
  await writer.end({ state: outcome === 'refused' ? 'failed' : 'done', summary: text })
  return { outcome, text }
}

async function work(
  opened: Opened,
  at: CellAt,
  { targets, approvedBy }: { readonly targets: readonly string[]; readonly approvedBy: string | null },
): Promise<CellOutcome> {
  const { cell } = at
  const tries = 1 + (cell.retry?.times ?? 0)
  const writer = await openFor(opened, at, 'run')
  failpoint('recipe.cell-open')
  for (let attempt = 1; ; attempt += 1) {
    try {
      const deadline = Date.now() + cell.timeoutSeconds * 1000
      await waitForTrue(opened, at, writer, deadline)
      const seconds = Math.max(1, (deadline - Date.now()) / 1000)
      const done = await askCell(opened, 'run', cell, at, { writer, targets, seconds })
      failpoint('recipe.cell-run')
      const text = done?.summary ?? 'done'
      await writer.end({ state: 'done', summary: text, exitCode: 0, approvedBy })
      failpoint('recipe.cell-ended')
      return { outcome: 'done', text }
    } catch (error) {
      const failed = error instanceof AskFailed ? error : new AskFailed('error', (error as Error).message)
      if (failed.how !== 'aborted' && attempt < tries && !opened.rooms.context.signal.aborted) {
        writer.say(`try ${attempt} of ${tries}: ${failed.message}; again in ${cell.retry?.delaySeconds ?? 0} s`)
        await sleep((cell.retry?.delaySeconds ?? 0) * 1000)
        continue
      }
      if (failed.next !== null) writer.say(failed.next)
      await writer.end({ ...endOf(failed), summary: failed.message, approvedBy })
      return { outcome: endOf(failed).state === 'unknown' ? 'unknown' : 'failed', text: failed.message }
    }
  }
}

function endOf({ how }: AskFailed): Pick<CellEnded, 'state' | 'cause' | 'exitCode'> {
  if (how === 'unknown') return { state: 'unknown', cause: 'channel-lost', exitCode: null }
  if (how === 'aborted') return { state: 'unknown', cause: 'aborted', exitCode: null }
  return { state: 'failed', cause: how === 'timeout' ? 'timeout' : null, exitCode: 1 }
}

async function waitForTrue(opened: Opened, at: CellAt, writer: CellWriter, deadline: number): Promise<void> {
  if (!at.cell.parts.includes('waitUntil')) return
  const { signal } = opened.rooms.context
  while (!(await askCell(opened, 'isTrue', at.cell, at, { writer, targets: [] }))) {
    if (Date.now() > deadline)
      throw new AskFailed('timeout', `What it waits for did not come true in ${at.cell.timeoutSeconds} s.`)
    await sleep(Math.max(0.1, at.cell.everySeconds ?? 5) * 1000, undefined, { signal }).catch(() => {
      throw new AskFailed('aborted', 'It was given up.')
    })
  }
}

/** Takes back what a cell did, as a cell of its own. */
export async function undoCell(opened: Opened, at: CellAt): Promise<CellOutcome> {
  const writer = await openFor(opened, at, 'undo')
  try {
    const done = await askCell(opened, 'undo', at.cell, at, {
      writer,
      targets: [],
      seconds: at.cell.timeoutSeconds,
    })
    const text = done?.summary ?? 'taken back'
    await writer.end({ state: 'done', summary: text, exitCode: 0, approvedBy: opened.rooms.context.who })
    return { outcome: 'done', text }
  } catch (error) {
    const failed = error instanceof AskFailed ? error : new AskFailed('error', (error as Error).message)
    await writer.end({ ...endOf(failed), summary: failed.message })
    return { outcome: endOf(failed).state === 'unknown' ? 'unknown' : 'failed', text: failed.message }
  }
}
