import type { RunHandle } from './act.ts'
import { isRunError } from './errors.ts'
import { failpoint } from './failpoints.ts'
import type { IntentClosed, IntentOpened, JournalRecord, RunState } from './types.ts'

export interface IntentRequest extends IntentOpened {
  /** A token that an earlier intent closed as failed may be used again. Default: never. */
  readonly mayRepeatAfterFailure?: boolean
}

/**
 * Writes the intent before the act that cannot be undone, and refuses a token that was used before: decided under the
 * append lock, so of two processes with the same token exactly one goes on. Throws `RunError` `refused`.
 */
export async function openIntent(run: RunHandle, request: IntentRequest): Promise<JournalRecord> {
  const { mayRepeatAfterFailure = false, ...intent } = request
  failpoint('intent.before-open')
  const record = await run.append('intent.opened', intent, (state) => {
    if (state.intents.some((i) => i.intentId === intent.intentId))
      return `The intent ${intent.intentId} exists already.`
    const same = state.intents.filter((i) => i.token === intent.token && i.act === intent.act)
    const blocking = same.find((i) => !(mayRepeatAfterFailure && i.closed?.outcome === 'failed'))
    if (blocking === undefined) return null
    const how = blocking.closed === null ? 'its outcome is not known yet' : `it ended as ${blocking.closed.outcome}`
    return (
      `The ${intent.act} with token ${intent.token} was begun before (${new Date(blocking.atMs).toISOString()}); ${how}. ` +
      'It is not done twice: look at what the host has under that token.'
    )
  })
  failpoint('intent.opened')
  return record
}

/** Writes how it went. `unknown` is an outcome of its own: somebody has to look. */
export async function closeIntent(run: RunHandle, closed: IntentClosed): Promise<JournalRecord> {
  failpoint('intent.before-close')
  const record = await run.append('intent.closed', closed, (state) => {
    const intent = state.intents.find((i) => i.intentId === closed.intentId)
    if (intent === undefined) return `There is no intent ${closed.intentId}.`
    return intent.closed === null ? null : `The intent ${closed.intentId} was closed before.`
  })
  failpoint('intent.closed')
  return record
}

/** The same where another kx may be first with what it saw: then that stands. */
export async function closeOnce(run: RunHandle, closed: IntentClosed): Promise<void> {
  await closeIntent(run, closed).catch((error: unknown) => {
    if (!isRunError(error, 'refused')) throw error
  })
}

/** Intents whose outcome nobody wrote: after a crash each of them is looked at before anything else is done. */
export function openIntents(state: RunState): RunState['intents'] {
  return state.intents.filter((i) => i.closed === null)
}
