/** How a run that wrote its exit file has ended. Whoever left none has not ended in order: it is dead. */
export interface RunEnd {
  readonly word: 'completed' | 'failed' | 'aborted'
  /** Why, in words, with the runner's own name for it. */
  readonly text: string
}

const ends: Readonly<Record<string, RunEnd>> = {
  completed: { word: 'completed', text: 'completed' },
  'abort-nan': { word: 'aborted', text: 'a value was no number (abort-nan)' },
  'abort-chance': { word: 'aborted', text: 'the first units were no better than guessing (abort-chance)' },
  'abort-time': { word: 'aborted', text: 'its hours were used up (abort-time)' },
  'abort-idle': { word: 'aborted', text: 'nothing was written for too long (abort-idle)' },
  stopped: { word: 'aborted', text: 'it was asked to stop (stopped)' },
  'units-failed': { word: 'failed', text: 'not every unit succeeded (units-failed)' },
  'after-failed': { word: 'failed', text: 'a step after the units failed (after-failed)' },
  'artifacts-missing': { word: 'failed', text: 'declared artifacts were not written (artifacts-missing)' },
}

/** What an exit file says. A reason that is not known, and a good one beside a bad code, count as failed. */
export function runEndOf(exit: { readonly code: number; readonly reason: string }): RunEnd {
  const known = Object.hasOwn(ends, exit.reason) ? ends[exit.reason] : undefined
  if (known !== undefined && (known.word !== 'completed' || exit.code === 0)) return known
  return { word: 'failed', text: `it ended with code ${exit.code} (${exit.reason})` }
}

/** The end in the payload of an outcome or an observation, which may hold anything; null: it has none. */
export function runEndIn(payload: unknown): RunEnd | null {
  const fields = payload as
    | { readonly exit?: unknown; readonly signals?: { readonly exit?: unknown } }
    | null
    | undefined
  const exit = (fields?.exit ?? fields?.signals?.exit) as { readonly code?: unknown; readonly reason?: unknown } | null
  if (typeof exit?.code !== 'number' || typeof exit.reason !== 'string') return null
  return runEndOf({ code: exit.code, reason: exit.reason })
}
