import type { BoxStatus } from '../../engine/types.ts'
import type { GuardFigure } from '../types.ts'

export interface GuardLook {
  readonly nowMs: number
  /** Whether the box answered this look. */
  readonly isSeen: boolean
  readonly status: Pick<BoxStatus, 'guard' | 'exit' | 'runnerAlive'>
  /** Token of the launch: the guard of another one is none of this. */
  readonly token: string
  /** Of the look before, when that was of the same launch. */
  readonly before: GuardFigure | undefined
}

/** What a look tells of the guard. A look that did not tell leaves what was known, under its own time. Pure. */
export function guardFigure({ nowMs, isSeen, status, token, before }: GuardLook): GuardFigure | undefined {
  const { guard, exit, runnerAlive } = status
  if (!isSeen || guard === undefined) return before
  if (guard === null || guard.token !== token)
    return { atMs: nowMs, word: 'none', number: null, leftSeconds: null, alarm: null, why: null }
  const isOver = exit !== null && runnerAlive === false
  return {
    atMs: nowMs,
    word: guard.isAlive ? 'armed' : isOver ? 'left' : 'gone',
    number: guard.number,
    leftSeconds: guard.leaseSeconds - guard.spentSeconds,
    alarm: guard.alarm,
    why: guard.why,
  }
}
