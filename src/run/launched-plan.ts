import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan, Unit } from '../spec/schema.ts'
import { writtenOffIn } from '../walk/end.ts'
import type { Digests } from '../walk/proof.ts'
import { sha256Hex } from './journal-line.ts'
import type { RunState } from './types.ts'

/** The plan of the newest launch, resolved as it was started. */
export interface LaunchedPlan {
  readonly plan: Plan
  readonly units: readonly Unit[]
}

/** What the newest receipt says of what was launched, and whether the run is closed for good; null: nothing was. */
export function launchedIn(
  state: RunState,
): { readonly unitSha256: string; readonly digests: Digests; readonly isClosed: boolean } | null {
  const receipt = state.latest.Receipt
  if (receipt === undefined) return null
  const { unitSha256 } = (receipt.payload ?? {}) as { readonly unitSha256?: unknown }
  return {
    unitSha256: typeof unitSha256 === 'string' ? unitSha256 : '',
    digests: receipt.boundTo,
    isClosed: state.latest.MeterStopped !== undefined || writtenOffIn(state) !== null,
  }
}

/** Where the resolved plan of a launch lies in its run: by its own digest, so that no later launch writes over it. */
export function launchedPlanFile(runFolder: string, sha256: string): string {
  return join(runFolder, 'evidence', `run-config-${sha256.slice(0, 16)}.json`)
}

/**
 * The plan that the newest receipt speaks of, whatever has become of the plan file since; without a receipt that of a
 * launch whose end is not on record. Null: nothing was launched, or the file is missing or is not what is named.
 */
export function readLaunchedPlan(runFolder: string, state: RunState): LaunchedPlan | null {
  // Each host of several was given a part: all of it lies with the assignment.
  const assigned = state.view === undefined ? state.fleet?.assignments.at(-1) : undefined
  const begun = state.intents.findLast((intent) => intent.act === 'launch' && intent.closed?.outcome !== 'failed')
  const payload = state.latest.Receipt?.payload ?? begun?.payload
  const sha256 =
    assigned?.planSha256 ?? (payload as { readonly runConfigSha256?: unknown } | null | undefined)?.runConfigSha256
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) return null
  try {
    const bytes = readFileSync(launchedPlanFile(runFolder, sha256))
    if (sha256Hex(bytes) !== sha256) return null
    const { plan, units } = JSON.parse(bytes.toString('utf8')) as Partial<LaunchedPlan>
    return plan === undefined || units === undefined ? null : { plan, units }
  } catch {
    return null
  }
}

/**
 * Declared artifacts of both: those of the plan as it is now, and what only the launched one names. The latter demand
 * nothing any more (a wrong pattern may be corrected), but what lies there is pulled before anything is removed.
 */
export function artifactsOf(launched: Plan, now: Plan | null): Plan['artifacts'] {
  if (now === null) return launched.artifacts
  const named = new Set(now.artifacts.map((artifact) => artifact.glob))
  const dropped = launched.artifacts.filter((artifact) => !named.has(artifact.glob))
  return [...now.artifacts, ...dropped.map((artifact) => ({ ...artifact, minimumCount: 0, minimumBytes: 0 }))]
}
