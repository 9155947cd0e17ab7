import type { RunHandle } from './act.ts'
import { isRunError } from './errors.ts'
import { closeOnce } from './intent.ts'
import { leaseIn } from './lease.ts'
import type { LeaseExtended } from './types.ts'

/** Payload of the intent of an extension: what is on record once the box is seen to have taken it. */
export type LeaseIntent = Omit<LeaseExtended, 'host' | 'token'> & { readonly launchToken: string }

/** Puts an extension on record that a guard was seen to have taken. Once, also with several kx at it. */
export async function recordExtension(run: RunHandle, extended: LeaseExtended): Promise<void> {
  await run
    .append('lease.extended', extended, (state) =>
      state.leaseExtensions.some(
        (each) =>
          each.approvalId === extended.approvalId && each.host === extended.host && each.number >= extended.number,
      )
        ? 'This extension is on record.'
        : null,
    )
    .catch((error: unknown) => {
      if (!isRunError(error, 'refused')) throw error
    })
}

/**
 * Extensions whose outcome nobody wrote down (the link went, or kx was killed), settled by what the guard says that it
 * holds: a number that it has reached was taken; one that it has not, while it answers for that launch, was not.
 */
export async function settleExtensions(
  run: RunHandle,
  guard: { readonly token: string; readonly number: number },
): Promise<void> {
  const state = run.state()
  for (const intent of state.intents) {
    if (intent.act !== 'lease' || (intent.closed !== null && intent.closed.outcome !== 'unknown')) continue
    const payload = intent.payload as Partial<LeaseIntent> | null
    if (payload?.launchToken !== guard.token || typeof payload.number !== 'number') continue
    const lease = leaseIn(state)
    const isNews = lease !== null && payload.approvalId === lease.approvalId && lease.number < payload.number
    if (guard.number >= payload.number && isNews) {
      const { launchToken, ...rest } = payload as LeaseIntent
      await recordExtension(run, { ...rest, host: intent.host, token: launchToken })
    }
    if (intent.closed === null)
      await closeOnce(run, {
        intentId: intent.intentId,
        outcome: guard.number >= payload.number ? 'done' : 'failed',
        payload: { why: `the guard holds lease ${guard.number}` },
      })
  }
}
