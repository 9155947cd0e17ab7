import { viewOf } from '../../src/run/host-view.ts'
import type { CheckedItem } from '../../src/walk/item.ts'
import type { Phase } from '../../src/walk/phase.ts'
import type { Proof, ProofKind } from '../../src/walk/proof.ts'
import { ageText } from './ages.ts'
import { actOf, type ScreenInput } from './input.ts'
import { byUrgency, checklistItem, countItems } from './items.ts'
import type { PaneModel, Span, StyledLine } from './model.ts'
import { hostsOfRun, proofByHost, shownHost } from './shown-host.ts'

/** Newest proof of a kind in the open run. */
export function proofOf<P = unknown>(input: ScreenInput, kind: ProofKind): Proof<P> | undefined {
  const { run, screen } = input
  const host = hostOfScreen(input)
  const own = run === null || host === null || !shownByHost.has(kind) ? run : viewOf(run, host)
  // The launch screen shows what that host needs, the others only their own.
  return (screen === 'launch' || kind === proofByHost[screen] ? own : run)?.latest[kind] as Proof<P> | undefined
}

const shownByHost: ReadonlySet<ProofKind> = new Set(Object.values(proofByHost))

/** Host of several that this screen shows; null: the run has one, or all are shown. */
export const hostOfScreen = ({ run, screen, chosenHost = '' }: ScreenInput): string | null =>
  shownHost(run, screen, chosenHost)

/** Why a proof no longer holds, in words; null while it does. */
export function staleText(input: ScreenInput, proof: Proof | undefined): string | null {
  return proof === undefined ? null : (input.staleness.get(proof.id)?.text ?? null)
}

/** Items to show: those that are coming in while the phase runs, else those of the proof. */
export function itemsOf(input: ScreenInput, commandId: string, proof: Proof | undefined): readonly CheckedItem[] {
  if (input.live !== null && actOf(input.live) === commandId && input.live.items.length > 0) return input.live.items
  return proof?.items ?? []
}

/** The checklist pane of a phase screen. */
export function checklistPane(
  input: ScreenInput,
  commandId: string,
  proof: Proof | undefined,
  empty: string,
): PaneModel {
  const items = byUrgency(itemsOf(input, commandId, proof))
  const isStale = staleText(input, proof) !== null && actOf(input.live) !== commandId
  return {
    kind: 'checklist',
    id: 'items',
    title: checksTitle(input),
    note: items.length === 0 ? undefined : countItems(items),
    items: items.map((item) => checklistItem(item, input.nowMs, isStale)),
    empty: actOf(input.live) === commandId ? 'checking …' : empty,
  } as PaneModel
}

function checksTitle(input: ScreenInput): string {
  const host = hostOfScreen(input)
  if (host === null) return 'Checks'
  const hosts = hostsOfRun(input.run)
  return `Checks of ${host} (${hosts.indexOf(host) + 1} of ${hosts.length}, ${input.hostKey ?? 'H'}: next host)`
}

/** The item under the cursor, whole: for the side pane of wide terminals. */
export function detailPane(input: ScreenInput, commandId: string, proof: Proof | undefined): PaneModel {
  const items = byUrgency(itemsOf(input, commandId, proof))
  const id = input.selected('items')
  const item = items.find((i) => i.id === id) ?? items[0]
  const lines: StyledLine[] = []
  if (item === undefined) lines.push([{ text: 'Nothing checked yet.', token: 'text.muted' }])
  else {
    const row = checklistItem(item, input.nowMs)
    lines.push(
      [{ text: item.title, token: 'text.strong' }],
      [{ text: item.id, token: 'text.muted' }],
      '',
      item.evidence.summary,
    )
    for (const line of row.detail ?? []) lines.push(line)
    lines.push('', [{ text: `looked at ${ageText(input.nowMs - item.evidence.atMs)}`, token: 'text.muted' }])
  }
  return { kind: 'text', id: 'detail', title: 'Detail', lines }
}

const words: Readonly<Record<string, string>> = {
  todo: 'not done yet',
  running: 'running',
  passed: 'passed',
  blocked: 'blocked',
  stale: 'stale',
  unknown: 'unknown',
}
const tokensByState = {
  todo: 'state.todo',
  running: 'state.running',
  passed: 'state.pass',
  blocked: 'state.blocked',
  stale: 'state.stale',
  unknown: 'state.unknown',
} as const

/** Acts that r does again from its beginning, whatever was left of them. */
const repeatable = new Set(['plan.check', 'audit.run', 'smoke.run', 'cost.price', 'teardown.verify'])

/** That the newest act of a phase was begun and never seen to end, with what to do; null when nothing hangs. */
function interruptedText(input: ScreenInput, phase: Phase): string | null {
  if (input.live !== null) return null
  const cell = input.run?.cells.findLast((c) => c.started.phase === phase && repeatable.has(c.started.name))
  if (cell === undefined || cell.ended !== null) return null
  const proven = input.run?.proofs.findLast((p) => p.phase === phase)
  if (proven !== undefined && proven.atMs >= cell.startedAtMs) return null
  return `begun ${ageText(input.nowMs - cell.startedAtMs)}, its end was not seen (is another kx at it?); r runs it again`
}

/** The line under the rail: how the phase stands, why, and what to press next. */
export function phaseSummary(input: ScreenInput, phase: Phase, next: string): Span[] {
  const { state, why } = input.phases[phase]
  const interrupted = interruptedText(input, phase)
  if (interrupted !== null) {
    const before: Span[] = state === 'todo' ? [] : [{ text: `${words[state] ?? state}, `, token: tokensByState[state] }]
    return [...before, { text: 'interrupted', token: 'state.unknown' }, { text: ` – ${interrupted}` }]
  }
  // Until the files were read it is not known what still holds, and nothing is wrong with them either.
  if (input.plan.status === 'loading' && state === 'unknown')
    return [{ text: 'reading the project …', token: 'text.muted' }]
  const spans: Span[] = [{ text: words[state] ?? state, token: tokensByState[state] }]
  // The file and line that keep the project from being read come before what follows from it.
  const broken = input.plan.status === 'bad' && (state === 'unknown' || phase === 'plan') ? input.plan : null
  const [problem] = broken?.problems ?? []
  // The state says the first word already.
  const more = why.replace(/^Passed(, .*)?\.$/, '$1')
  if (problem !== undefined) {
    spans.push({ text: ` – ${problem}`, token: 'state.fail' })
    if (phase !== 'plan') spans.push({ text: '; 1, then e edits the plan', token: 'text.muted' })
  } else if (more !== why) spans.push({ text: more })
  else if (why !== '' && state !== 'todo' && state !== 'running')
    spans.push({ text: ` – ${why.replace(/^(?:Stale: |Blocked: |Blocked )/, '')}` })
  // While an act of this phase runs, the live strip says what can be pressed.
  const isActing = state === 'running' && input.live !== null
  if (next !== '' && !isActing) spans.push({ text: `  ${next}`, token: 'text.muted' })
  return spans
}

/** `key: value` with the key muted. */
export function fact(key: string, value: string, token?: Span['token']): StyledLine {
  return [
    { text: `${key.padEnd(14)} `, token: 'text.muted' },
    token === undefined ? { text: value } : { text: value, token },
  ]
}

/** A heading between facts. */
export function heading(text: string): StyledLine {
  return [{ text, token: 'text.strong' }]
}
