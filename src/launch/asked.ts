import type { RunState } from '../run/types.ts'

/** Whether somebody asked in the journal that the launch with this token be stopped; the reason, or null. */
export function askedToStop(state: RunState, token: string): string | null {
  for (const { act, payload } of state.intents) {
    const { launchToken, reason } = (payload ?? {}) as { readonly launchToken?: unknown; readonly reason?: unknown }
    if (act === 'abort' && launchToken === token) return typeof reason === 'string' ? reason : 'stopped by hand'
  }
  return null
}
