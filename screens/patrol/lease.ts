import type { GuardFigure, Observation } from '../../src/patrol/types.ts'
import { viewOf } from '../../src/run/host-view.ts'
import { leaseIn } from '../../src/run/lease.ts'
import { livenessOf } from '../../src/run/reader.ts'
import type { RunState } from '../../src/run/types.ts'
import { formatAge, formatHours, formatMoment } from '../../src/text/format.ts'
import { ageText, staleMark } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, Span, StyledLine } from '../workbench/model.ts'
import { standingOf } from '../workbench/standing.ts'

/** What of a host is needed to say whether its guard can be counted on now. */
interface GuardSight {
  readonly guard: GuardFigure | undefined
  /** When the host was last looked at; null: never. */
  readonly lookedAtMs: number | null
  /** The host does not answer, or its figures are of before the link was lost. */
  readonly isLost: boolean
  readonly isMoving: boolean
}

const span = (text: string, token: Span['token'] = 'text.normal'): Span => ({ text, token })

/** End of the lease of one host: of the approval with its extensions, else of its meters. Null: none is on record. */
function endOf(state: RunState): number | null {
  const lease = leaseIn(state)
  if (lease !== null) return lease.untilMs
  const ends = state.meters.flatMap((meter) => (meter.closedAtMs === null ? (meter.leaseUntilMs ?? []) : []))
  return ends.length === 0 ? null : Math.min(...ends)
}

function endLine(state: RunState, nowMs: number): Span {
  const untilMs = endOf(state)
  if (untilMs === null) return span('no lease: nothing ends the meter by itself', 'severity.warn')
  const leftMs = untilMs - nowMs
  if (leftMs <= 0) return span(`ended ${formatMoment(untilMs)}, ${ageText(-leftMs)}`, 'severity.error')
  // Rounded down: a lease has never more left than it says.
  const left = leftMs < 5000 ? 'less than 5 s' : formatAge(leftMs)
  return span(`ends ${formatMoment(untilMs)}, ${left} left`, leftMs < 3_600_000 ? 'severity.warn' : 'text.normal')
}

function extendedLine(state: RunState, nowMs: number): Span[] {
  const last = leaseIn(state)?.extensions.at(-1)
  if (last === undefined) return [span('never extended', 'text.muted')]
  return [span(`extended by ${last.by} for ${formatHours(last.hours)}, ${ageText(nowMs - last.atMs)}`, 'text.muted')]
}

const words: Readonly<Record<GuardFigure['word'], readonly [string, Span['token']]>> = {
  armed: ['armed', 'state.pass'],
  gone: ['gone: nobody on the box ends the meter', 'severity.error'],
  left: ['left with the run, which is over', 'text.muted'],
  none: ['none of this launch is on the box', 'severity.error'],
}

function guardLine({ guard, lookedAtMs, isLost, isMoving }: GuardSight, nowMs: number): Span {
  if (guard === undefined)
    return span(`guard unknown: ${lookedAtMs === null ? 'not looked at yet' : 'no look has told'}`, 'state.unknown')
  const [word, token] = words[guard.word]
  const seen = ageText(nowMs - guard.atMs)
  const alarm = guard.alarm === null ? '' : `, alarm ${guard.alarm}${guard.why === null ? '' : ` (${guard.why})`}`
  // Armed once is not armed now: what the newest look did not tell is not known.
  if (isLost || (lookedAtMs !== null && guard.atMs < lookedAtMs))
    return span(`guard unknown; when last seen, ${seen}: ${word}${alarm}`, 'state.unknown')
  const mark = staleMark(nowMs - guard.atMs, isMoving)
  const shown = mark !== '' ? 'state.stale' : alarm !== '' ? 'severity.error' : token
  return span(`guard ${word}, seen ${seen}${alarm}${mark}`, shown)
}

/** What happens at the end, as the launch of this host wrote it down, else as it was approved. */
function thenLine(state: RunState): Span[] {
  const of = (payload: unknown) => (payload as { readonly leaseEnd?: unknown } | null | undefined)?.leaseEnd
  const text = of(state.latest.Receipt?.payload) ?? of(state.latest.PricedPlan?.payload)
  return [span(`then: ${typeof text === 'string' ? text : 'not on record; kx lease show says it'}`, 'text.muted')]
}

function linesOf(state: RunState, sight: GuardSight, nowMs: number): readonly StyledLine[] {
  const end = endLine(state, nowMs)
  // Without a lease no guard was armed, and nothing happens by itself.
  if (endOf(state) === null) return [[end]]
  return [[end], [guardLine(sight, nowMs)], thenLine(state), extendedLine(state, nowMs)]
}

/**
 * Until when the meter may run, who last gave it more time, whether the guard on the box is there and what it does at the
 * end. Of several hosts each has its own. Null: nothing was launched.
 */
export function leasePane(input: ScreenInput, o: Observation | null, isLost: boolean): PaneModel | null {
  const { run, nowMs } = input
  if (run === null || run.latest.Receipt === undefined) return null
  const pane = (lines: readonly StyledLine[]): PaneModel => ({ kind: 'text', id: 'lease', title: 'Lease', lines })
  const { fleet } = run
  if (fleet === undefined || fleet.hosts.length < 2) {
    const standing = standingOf(input).word
    const isMoving = standing !== 'finished' && standing !== 'dead'
    const sight = {
      guard: o?.guard,
      lookedAtMs: o?.atMs ?? null,
      isLost: isLost || standing === 'unknown',
      isMoving,
    }
    return pane(linesOf(run, sight, nowMs))
  }
  return pane(
    fleet.hosts.flatMap((host) => {
      const state = viewOf(run, host)
      if (state.latest.Receipt === undefined) return []
      const line = o?.hosts?.find((each) => each.host === host)
      const isOver = line?.state === 'finished' || line?.state === 'dead'
      const sight = {
        guard: line?.guard,
        lookedAtMs: line?.truthAtMs ?? null,
        isLost: line?.state === 'unknown' || livenessOf(state, nowMs).liveness === 'unknown',
        isMoving: !isOver,
      }
      return [[span(host, 'text.strong')], ...linesOf(state, sight, nowMs)]
    }),
  )
}
