import { basename } from 'node:path'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import type { Settings } from '../commands/types.ts'
import { runFolder } from '../run/folder.ts'
import { livenessOf } from '../run/reader.ts'
import type { RunState } from '../run/types.ts'
import { currentRunId } from '../session/current-run.ts'
import { type RunWatch, watchRun } from '../session/run-watch.ts'
import type { PlanView, Shelves } from '../session/view.ts'
import type { Standings, Workspace } from '../session/workspace.ts'
import type { Phase } from '../walk/phase.ts'
import type { HostIdentity } from '../walk/proof.ts'
import { phaseStates } from '../walk/rail.ts'
import { staleness } from '../walk/staleness.ts'
import type { ShelfLoader } from './shelves.ts'

export interface WorkspaceOptions {
  readonly projectFolder: string
  /** Settings from the command line. */
  readonly settings: Settings
  /** Run that was open when kx was left; null: the newest one. */
  readonly runId: string | null
  /** Said once, when something could not be read in the background. */
  readonly onTrouble: (text: string) => void
}

const emptyShelves: Shelves = {
  home: null,
  checklists: null,
  profiles: null,
  config: null,
  report: null,
  unitLog: null,
  series: [],
  seriesVersion: 0,
  cellOutput: null,
}

/** Writes of the journal come in bursts; one look after each burst is enough. */
const settleMs = 30

/** Says of what cannot be judged yet that it is being read, not that it cannot be read. */
function stillReading(phases: Standings['phases']): Standings['phases'] {
  const said = Object.entries(phases).map(([phase, { state, why }]) => [
    phase,
    { state, why: state === 'unknown' && /cannot be read/.test(why) ? 'The project is being read.' : why },
  ])
  return Object.fromEntries(said) as Standings['phases']
}

/** Reads a project for the workbench. Nothing is read before `begin`, so that the first frame waits for nothing. */
export function createWorkspace(options: WorkspaceOptions): Workspace & { begin(): Promise<void> } {
  const { projectFolder } = options
  const listeners = new Set<() => void>()
  let plan: PlanView = { status: 'loading' }
  let watch: RunWatch | null = null
  let run: RunState | null = null
  let identity: HostIdentity | null = null
  let shelves: Shelves = emptyShelves
  let loadShelf: ShelfLoader | null = null
  let isLookingSoon = false
  let isClosed = false
  let again: NodeJS.Timeout | undefined
  let remembered: { readonly key: readonly unknown[]; readonly standings: Standings } | null = null

  const changed = () => {
    if (!isClosed) for (const listener of listeners) listener()
  }
  const put = (change: Partial<Shelves>) => {
    shelves = { ...shelves, ...change }
    changed()
  }
  const refresh = async () => {
    if (watch === null) return
    try {
      if (!watch.read()) return
      run = watch.state()
      changed()
    } catch (error) {
      options.onTrouble(
        `the journal of this run cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
  const lookSoon = () => {
    if (isLookingSoon || isClosed) return
    isLookingSoon = true
    void wait(settleMs).then(() => {
      isLookingSoon = false
      return refresh()
    })
  }
  const openRun = async (runId: string | null) => {
    watch?.close()
    watch = null
    run = null
    shelves = {
      ...shelves,
      report: null,
      unitLog: null,
      series: [],
      seriesVersion: shelves.seriesVersion + 1,
      cellOutput: null,
      openOutputs: new Map(),
    }
    if (runId !== null) {
      try {
        watch = watchRun(runFolder(projectFolder, runId), lookSoon)
        run = watch.state()
        const broken = watch.broken()
        if (broken !== null)
          options.onTrouble(
            `the journal of ${runId} is not whole: line ${broken.line} ${broken.why}; kx journal verify says more`,
          )
      } catch (error) {
        options.onTrouble(`run ${runId} cannot be opened: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    changed()
  }
  const reloadPlan = async () => {
    const { readPlanView } = await import('../commands/plan-view.ts')
    plan = await readPlanView(projectFolder, options.settings)
    changed()
  }

  let loads = 0
  const load: Workspace['load'] = async (screen, selected, isShown = () => true, opened = () => []) => {
    loads += 1
    const own = loads
    clearTimeout(again)
    loadShelf ??= (await import('./shelves.ts')).makeShelfLoader()
    const runId = run?.runId
    // What was begun for another run must not be shown as of this one.
    const isOfRun = () => run?.runId === runId
    const change = await loadShelf({
      ...{ screen, selected, isShown, opened, projectFolder, run, plan, shelves },
      put: (part) => isOfRun() && put(part),
      again: (milliseconds) => {
        // A later load has another screen, or asks for itself.
        if (own !== loads || isClosed) return
        again = setTimeout(() => {
          load(screen, selected, isShown, opened).catch((error: unknown) =>
            options.onTrouble(error instanceof Error ? error.message : String(error)),
          )
        }, milliseconds).unref()
      },
    })
    if (change !== null && isOfRun()) put(change)
  }

  return {
    project: basename(projectFolder),
    projectFolder,
    run: () => run,
    plan: () => plan,
    shelves: () => shelves,
    standings: (nowMs: number, busyPhase: Phase | null) => {
      const digests = plan.status === 'ok' ? plan.loaded.digests : null
      // Staleness by age moves in minutes; finer would only cost.
      const key = [run, plan, identity, busyPhase, Math.floor(nowMs / 30_000)]
      if (remembered !== null && key.every((part, i) => part === remembered?.key[i])) return remembered.standings
      const state = run ?? { proofs: [], overrides: {} }
      const isPlanUnread = plan.status === 'loading'
      const liveness = run === null ? null : livenessOf(run, nowMs).liveness
      const phases = phaseStates(state, digests, nowMs, busyPhase, { host: identity, liveness })
      const standings: Standings = {
        // While the plan is still being read nothing is called stale, nor unreadable: that would be a guess.
        phases: isPlanUnread ? stillReading(phases) : phases,
        staleness: isPlanUnread ? new Map() : staleness(state.proofs, digests, nowMs, identity),
      }
      remembered = { key, standings }
      return standings
    },
    openRun,
    reloadPlan,
    refresh,
    load,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    begin: async () => {
      await openRun(options.runId ?? currentRunId(projectFolder, Date.now()))
      // It is drawn before more code is loaded.
      await turn()
      await turn()
      const { createLocalHost } = await import('../host/local.ts')
      const host = createLocalHost()
      identity = await host.identity()
      await host.close()
      await reloadPlan()
    },
    close: () => {
      isClosed = true
      clearTimeout(again)
      watch?.close()
    },
  }
}
