import type { RunLiveness } from '../../walk/phase.ts'
import type { RunEnd } from '../../walk/run-end.ts'
import type { Observation } from '../types.ts'

/**
 * What a tick comes to, with its exit code (handbook monitoring 6): 0 healthy, in progress or done; 1 something asks for
 * a person, such as a run that has failed or was aborted; 4 it is not known. What asks for a person goes before "not known" unless nothing is known at all.
 */
export function decide(
  state: RunLiveness,
  openErrors: number,
  end: RunEnd | null = null,
): { readonly decision: Observation['decision']; readonly exitCode: Observation['exitCode'] } {
  if (state === 'unknown') return { decision: 'unknown', exitCode: 4 }
  const isCutShort = state === 'finished' && end !== null && end.word !== 'completed'
  if (state === 'dead' || isCutShort || openErrors > 0) return { decision: 'escalate', exitCode: 1 }
  return state === 'finished' ? { decision: 'done', exitCode: 0 } : { decision: 'running', exitCode: 0 }
}

/** What makes an observation worth a line in the journal; epochs and disk noise are not (handbook monitoring 9.2). */
export function signatureOf(observation: Observation): string {
  const { state, reasons, unitsDone, counts, isSuspect, openFindings, engineState } = observation
  // Ages inside a reason change at every tick: only the words count.
  const words = reasons.map((reason) => reason.replace(/(?:\d+(?:\.\d+)?(?: (?:ms|s|min|h|d)\b)? ?)+/g, '# '))
  return JSON.stringify([state, isSuspect, engineState, unitsDone, counts.failed, counts.aborted, openFindings, words])
}
