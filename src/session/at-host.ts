import type { ActContext, CellWriter, LoadedPlan } from '../run/act.ts'
import { workersOn } from '../run/capacity.ts'
import { hostRun } from '../run/host-view.ts'
import type { Fleet, RunState } from '../run/types.ts'
import { holdersOf, shareOf } from '../walk/shares.ts'

/** Which units of a run over several hosts an act on one of them is about. */
export type ShareKind = 'owned' | 'held'

const unitFiles = { glob: 'units/*/*', minimumCount: 0, minimumBytes: 0, kind: 'other' } as const

const isOfUnits = (glob: string) => glob.split('/').filter((part) => part !== '' && part !== '.')[0] === 'units'

/**
 * The plan as one of several hosts is given it: its own units, and of the artifacts what those make. Steps after the units
 * speak of all of them, so no single host runs them; counts that the plan asks for are held against the whole at the end.
 */
export function sharePlan(loaded: LoadedPlan, units: LoadedPlan['units'], machineClass: string | null): LoadedPlan {
  const { plan } = loaded
  const part = loaded.units.length === 0 ? 0 : units.length / loaded.units.length
  return {
    ...loaded,
    units,
    plan: {
      ...plan,
      after: [],
      resources: { ...plan.resources, workers: workersOn(plan, machineClass) },
      artifacts: [
        ...plan.artifacts.map((artifact) => ({
          ...artifact,
          minimumCount: isOfUnits(artifact.glob) ? Math.floor(artifact.minimumCount * part) : 0,
        })),
        // What the steps may read of a unit comes home with it: they run where the units of all hosts come together.
        ...(plan.after.length === 0 || plan.artifacts.some(({ glob }) => glob === unitFiles.glob) ? [] : [unitFiles]),
      ],
    },
  }
}

/** Units of a host by what was assigned; all of them while nothing was. A host that gave all away is asked for what it had. */
export function unitsFor(loaded: LoadedPlan, fleet: Fleet | undefined, host: string, kind: ShareKind) {
  const assignments = fleet?.assignments ?? []
  if (assignments.length === 0) return null
  const owned = new Set(
    shareOf(
      assignments,
      host,
      loaded.units.map((unit) => unit.id),
    ),
  )
  if (owned.size > 0 || kind === 'owned') return loaded.units.filter((unit) => owned.has(unit.id))
  const holders = holdersOf(assignments)
  return loaded.units.filter((unit) => holders.get(unit.id)?.some((holder) => holder.host === host))
}

/** What an act on one host of several is given: the run, the plan and the output as that host sees them. */
export function contextAt(
  whole: ActContext,
  place: Pick<ActContext, 'host' | 'profile'>,
  name: string,
  kind: ShareKind,
): ActContext {
  const { at: _at, ...common } = whole
  const run = hostRun(whole.run, name)
  const state: RunState = run.state()
  const units = unitsFor(whole.loaded, whole.run.state().fleet, name, kind)
  return {
    ...common,
    ...place,
    run,
    loaded: units === null ? whole.loaded : sharePlan(whole.loaded, units, state.view?.machineClass ?? null),
    cell: whole.cell.part?.(name) ?? named(whole.cell, name),
    progress: (progress) =>
      whole.progress({ ...progress, text: progress.text === '' ? '' : `${name}: ${progress.text}` }),
  }
}

/** For a writer that keeps nothing: its lines still say which host they are of. */
function named(cell: CellWriter, host: string): CellWriter {
  return {
    cellId: cell.cellId,
    stdout: (chunk) => cell.stdout(chunk),
    stderr: (chunk) => cell.stderr(chunk),
    say: (line) => cell.say(`[${host}] ${line}`),
    // The cell is that of the whole act; whoever opened it ends it.
    end: async () => undefined,
  }
}
