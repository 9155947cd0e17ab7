import { type Counted, countedOf } from '../walk/shares.ts'
import { viewOf } from './host-view.ts'
import type { RunState } from './types.ts'

interface Row {
  readonly unit: string
  readonly state: string
}

function rowsIn(payload: unknown): readonly Row[] {
  const { units } = (payload ?? {}) as { readonly units?: unknown }
  return Array.isArray(units) ? (units as readonly Row[]) : []
}

/** Units whose results were pulled from a host and verified. */
export function verifiedOn(state: RunState, host: string): ReadonlySet<string> {
  const payload = viewOf(state, host).latest.VerifiedManifest?.payload as { readonly unitsWhole?: unknown } | undefined
  const units = payload?.unitsWhole
  // All files of a unit may be there although it failed: what the host said of it goes before.
  const rows = rowsIn(state.fleet?.truths[host]?.payload)
  const notDone = new Set(rows.flatMap((row) => (row.state === 'failed' || row.state === 'aborted' ? [row.unit] : [])))
  return new Set(
    Array.isArray(units) ? units.filter((unit): unit is string => typeof unit === 'string' && !notDone.has(unit)) : [],
  )
}

/**
 * Units that a host has finished, as it was last seen: what it showed then, also when it has been silent since, and what was
 * pulled from it. `isPulledOnly`: only the latter, for a host whose disk is gone.
 */
export function doneOn(
  state: RunState,
  host: string,
  options: { readonly isPulledOnly?: boolean } = {},
): ReadonlySet<string> {
  const done = new Set(verifiedOn(state, host))
  if (options.isPulledOnly === true) return done
  for (const row of rowsIn(state.fleet?.truths[host]?.payload)) if (row.state === 'done') done.add(row.unit)
  return done
}

/** Which units of a run over several hosts are done, and whose result counts, by all that was seen. */
export function countedIn(state: RunState): Counted {
  const { fleet } = state
  if (fleet === undefined) return { from: new Map(), aside: [] }
  return countedOf(fleet.assignments, new Map(fleet.hosts.map((host) => [host, doneOn(state, host)])))
}
