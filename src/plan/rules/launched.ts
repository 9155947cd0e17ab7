import type { CheckedItem } from '../../walk/item.ts'
import type { Digests } from '../../walk/proof.ts'
import { fail, judged, pass, type Verdict } from '../../walk/verdict.ts'

/** What the newest receipt of the run says of what was launched. */
export interface Launched {
  /** Digest of command, variables, units and environment (see `unitDigest`). Empty: not known. */
  readonly unitSha256: string
  readonly digests: Digests
  /** It was torn down or written off: nothing more can be launched in this run. */
  readonly isClosed: boolean
}

const newRun = 'new run: kx plan --new-run'

/**
 * Of a run that was launched: whether the plan as it is now could go on in it. A launch of other units is refused for good
 * (finished ones stay), so it is said here, before audit, smoke and cost are done once more. Empty: nothing was launched.
 */
export function launchedItems(
  now: { readonly unitSha256: string; readonly digests: Digests; readonly nowMs: number },
  launched: Launched | null,
): readonly CheckedItem[] {
  if (launched === null) return []
  const spec = {
    id: 'plan.same-as-launched',
    title: 'The plan is the one that this run was launched with',
    gate: 'plan',
    severity: 'error',
    how: 'auto',
    fix: 'Take the change back, or begin a new run: kx plan --new-run',
  } as const
  return [judged(spec, verdict(now, launched), { atMs: now.nowMs, host: 'local' })]
}

function verdict(now: { readonly unitSha256: string; readonly digests: Digests }, launched: Launched): Verdict {
  if (launched.unitSha256 !== '' && launched.unitSha256 !== now.unitSha256)
    return fail(`this run was launched with another plan; ${newRun}`)
  const names = (['plan', 'code', 'config', 'data'] as const).filter(
    (name) => launched.digests[name] !== undefined && launched.digests[name] !== now.digests[name],
  )
  if (launched.isClosed && names.length > 0)
    return fail(`this run is over, and its ${names.join(', ')} changed since; ${newRun}`)
  return pass(
    names.length === 0 ? 'nothing changed since the launch' : `the same units; ${names.join(', ')} changed since`,
  )
}
