import type { Severity } from '../../walk/item.ts'
import { unknown, type Verdict } from '../../walk/verdict.ts'

/** The probe could not tell: never a pass. */
export const unsure = (reason: string, more: Omit<Verdict, 'result' | 'summary' | 'reason'> = {}): Verdict =>
  unknown(reason, { summary: `not known: ${reason}`, ...more })

const weight = { pass: 0, 'not-applicable': 0, unknown: 1, fail: 2 } as const
const severityWeight: Readonly<Record<Severity, number>> = { info: 0, warn: 1, error: 2 }

/** The one of several verdicts that a list should be judged by: hardest severity first, then fail before unknown. */
export function worst(verdicts: readonly Verdict[], usual: Severity): Verdict | null {
  let found: Verdict | null = null
  const score = (verdict: Verdict) =>
    weight[verdict.result] === 0 ? 0 : severityWeight[verdict.severity ?? usual] * 3 + weight[verdict.result]
  for (const verdict of verdicts) if (found === null || score(verdict) > score(found)) found = verdict
  return found
}
