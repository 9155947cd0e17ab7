import { formatDuration, plural } from '../text/format.ts'
import type { CheckedItem, Result } from '../walk/item.ts'
import type { Proof } from '../walk/proof.ts'
import { runEndIn } from '../walk/run-end.ts'
import { tickLine } from './rules/line.ts'
import type { Observation, OutcomePayload } from './types.ts'

/** The outcome of a launch that has ended, from its last observation; null while it has not. */
export function outcomeOf(receipt: Proof, observation: Observation, id: string): Proof<OutcomePayload> | null {
  const { state, counts, units, signals } = observation
  if (state !== 'finished' && state !== 'dead') return null
  const item = (
    idOf: string,
    title: string,
    severity: CheckedItem['severity'],
    result: Result,
    summary: string,
  ): CheckedItem => ({
    id: idOf,
    title,
    gate: 'patrol',
    severity,
    how: 'auto',
    result,
    ...(result === 'unknown' || result === 'not-applicable' ? { reason: summary } : {}),
    evidence: { summary, host: observation.host, atMs: observation.atMs },
  })
  const end = runEndIn({ exit: signals.exit })
  const isCutShort = end !== null && end.word !== 'completed'
  const took = `took ${formatDuration(signals.elapsedSeconds)}, expected ${formatDuration(signals.expectedSeconds)}`
  const isComparable = signals.elapsedSeconds !== null && signals.expectedSeconds !== null
  const isFast = isComparable && (signals.elapsedSeconds ?? 0) < 0.5 * (signals.expectedSeconds ?? 0)
  return {
    id,
    kind: 'Outcome',
    phase: 'patrol',
    atMs: observation.atMs,
    ...(receipt.host === undefined ? {} : { host: receipt.host }),
    ...(receipt.machineClass === undefined ? {} : { machineClass: receipt.machineClass }),
    boundTo: receipt.boundTo,
    needs: [receipt.id],
    items: [
      item('patrol.tick-line', 'Each tick says something', 'error', 'pass', tickLine(observation)),
      item(
        'patrol.reconcile',
        'The end is seen in process and files',
        'error',
        signals.isProcessAlive === false || signals.isSameBoot === false ? 'pass' : 'unknown',
        observation.reasons.join('; '),
      ),
      item(
        'patrol.unit-checkpoint',
        'All units are in the roster',
        'warn',
        counts.done === observation.unitsTotal ? 'pass' : 'fail',
        `${counts.done} of ${plural(observation.unitsTotal ?? 0, 'unit')} done`,
      ),
      item(
        'patrol.fast-finish',
        'It did not end too fast',
        'warn',
        state === 'dead' || isCutShort ? 'not-applicable' : !isComparable ? 'unknown' : isFast ? 'fail' : 'pass',
        state === 'dead' || isCutShort ? `it never said that it was complete; ${took}` : took,
      ),
    ],
    payload: {
      state,
      reasons: observation.reasons,
      isSuspect: observation.isSuspect,
      exit: signals.exit,
      unitsTotal: observation.unitsTotal ?? 0,
      counts,
      startedAtMs: observation.startedAtMs,
      endedAtMs: observation.endedAtMs,
      elapsedSeconds: signals.elapsedSeconds,
      unitSeconds: units.flatMap((row) => (row.state === 'done' && row.seconds !== null ? [row.seconds] : [])),
      failedUnits: units.flatMap((row) => (row.state === 'failed' ? [row.unit] : [])),
    },
  }
}
