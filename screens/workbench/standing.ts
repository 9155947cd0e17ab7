import { endIn, livenessOf, stageOf } from '../../src/run/reader.ts'
import { linkWords } from '../../src/session/link-words.ts'
import type { Token } from '../../src/ui/theme.ts'
import { mayBill } from '../../src/walk/meter.ts'
import type { RunLiveness } from '../../src/walk/phase.ts'
import type { RunEnd } from '../../src/walk/run-end.ts'
import { staleAfterMs } from './ages.ts'
import type { ScreenInput } from './input.ts'
import { lostLink } from './link.ts'

/** How the open run stands now. */
export interface RunStanding {
  readonly word: RunLiveness | 'no run open' | 'not launched' | 'torn down' | 'unconfirmed' | 'written off'
  readonly token: Token
  /** How a finished run has ended, when it is not complete. */
  readonly end: RunEnd | null
  /** Why it is unknown. */
  readonly reason: string | null
  /** The look that this rests on is old, and what it saw may have moved since. */
  readonly isStale: boolean
}

const tokens: Readonly<Record<RunLiveness, Token>> = {
  running: 'state.running',
  stalled: 'state.stale',
  finished: 'state.pass',
  dead: 'state.fail',
  unknown: 'state.unknown',
}

/** Whether what a look saw can be otherwise a moment later: neither over nor torn down. */
export function isMoving(state: RunLiveness): boolean {
  return state !== 'finished' && state !== 'dead'
}

/** The state by the newest look, of this process or on record. An old look is not a look: then it is unknown. */
export function standingOf(input: ScreenInput): RunStanding {
  const { run, observation, nowMs } = input
  const plain = (word: RunStanding['word'], token: Token): RunStanding => ({
    word,
    token,
    end: null,
    reason: null,
    isStale: false,
  })
  if (run === null) return plain('no run open', 'text.muted')
  const stage = stageOf(run)
  // A box folder that is gone says nothing of a machine whose meter nobody has seen end.
  if (stage === 'torn down')
    return mayBill(run.meters.filter((meter) => meter.closedAtMs === null))
      ? {
          ...plain('unconfirmed', 'severity.warn'),
          reason: 'The box folder is gone; nobody has seen the meter end. Teardown says how to look.',
        }
      : plain('torn down', 'state.pass')
  if (stage === 'written off') return plain('written off', 'severity.warn')
  const isNewer = observation !== null && observation.atMs >= (run.observation?.atMs ?? 0)
  const seen = isNewer ? { atMs: observation.atMs, payload: observation } : run.observation
  const { liveness, reason } = livenessOf({ ...run, observation: seen }, nowMs)
  if (liveness === null) return plain('not launched', 'text.muted')
  const lost = lostLink(input)
  // What is over stays so; of what moves nothing is known while the host is not heard.
  if (lost !== null && isMoving(liveness))
    return {
      ...plain('unknown', tokens.unknown),
      reason: `${linkWords(lost, nowMs, input.reconnectKey)}${lost.status.reason === '' ? '' : `. ${lost.status.reason}`}`,
    }
  const isStale = isMoving(liveness) && seen !== null && nowMs - seen.atMs > staleAfterMs
  const found = liveness === 'finished' ? endIn({ ...run, observation: seen }) : null
  const end = found?.word === 'completed' ? null : found
  const isSuspect = isNewer && observation.isSuspect && liveness === 'finished'
  const token = end !== null ? 'state.fail' : isSuspect ? 'severity.warn' : tokens[liveness]
  return { word: liveness, token, end, reason, isStale }
}
