import type { CheckedItem, Evidence, ItemSpec, Result, Severity } from './item.ts'

/** What a rule found, before it is put together with the fixed part of its item. */
export interface Verdict {
  readonly result: Result
  /** One line for the list. */
  readonly summary: string
  /** Required when the result is unknown or not-applicable. */
  readonly reason?: string
  /** Where it is milder or harder than the item's own. */
  readonly severity?: Severity
  /** A better way out than the item's usual one, with the figures of this case. */
  readonly fix?: string
  readonly value?: Evidence['value']
  readonly detail?: readonly string[]
  readonly command?: string
}

type More = Omit<Verdict, 'result' | 'summary' | 'reason'>

export const pass = (summary: string, more: More = {}): Verdict => ({ result: 'pass', summary, ...more })
export const fail = (summary: string, more: More = {}): Verdict => ({ result: 'fail', summary, ...more })
/** It could not be told: never a pass. */
export const unknown = (reason: string, more: More & { readonly summary?: string } = {}): Verdict => ({
  summary: reason,
  ...more,
  result: 'unknown',
  reason,
})
/** The question has no meaning here. */
export const notApplicable = (reason: string, more: More & { readonly summary?: string } = {}): Verdict => ({
  summary: reason,
  ...more,
  result: 'not-applicable',
  reason,
})

/** Lines of detail that an item keeps: a proof is one bounded line of the journal. */
const detailLimit = 50

/** The item with its verdict. */
export function judged(
  spec: ItemSpec,
  verdict: Verdict,
  at: { readonly atMs: number; readonly host?: string },
): CheckedItem {
  const { result, summary, reason, severity, fix, value, detail, command } = verdict
  return {
    ...spec,
    severity: severity ?? spec.severity,
    ...(fix === undefined ? {} : { fix }),
    result,
    ...(reason === undefined ? {} : { reason }),
    evidence: {
      summary,
      atMs: at.atMs,
      ...(at.host === undefined ? {} : { host: at.host }),
      ...(command === undefined ? {} : { command }),
      ...(value === undefined ? {} : { value }),
      ...(detail === undefined || detail.length === 0 ? {} : { detail: detail.slice(0, detailLimit) }),
    },
  }
}
