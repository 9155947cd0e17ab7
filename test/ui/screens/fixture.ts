import { livenessOf } from '../../../src/run/reader.ts'
import type { RunState } from '../../../src/run/types.ts'
import type { PlanView, Shelves } from '../../../src/session/view.ts'
import type { Standings } from '../../../src/session/workspace.ts'
import { phaseStates } from '../../../src/walk/rail.ts'
import { staleness } from '../../../src/walk/staleness.ts'
import { host, planAt } from './scene/plan.ts'
import { runAt } from './scene/run.ts'
import { shelvesAt } from './scene/shelves.ts'
import { nowMs, type Stage } from './scene/stages.ts'

export { nowMs, type Stage, stages } from './scene/stages.ts'

export interface Scene {
  readonly stage: Stage
  readonly run: RunState | null
  readonly plan: PlanView
  readonly shelves: Shelves
  readonly standings: Standings
}

/** Everything that screens are drawn from at one stage. */
export async function sceneAt(stage: Stage): Promise<Scene> {
  const run = runAt(stage)
  const plan = planAt(stage)
  const now = plan.status === 'ok' ? plan.loaded.digests : null
  const state = run ?? { proofs: [], overrides: {} }
  const liveness = run === null ? null : livenessOf(run, nowMs).liveness
  return {
    stage,
    run,
    plan,
    shelves: await shelvesAt(stage),
    standings: {
      phases: phaseStates(state, now, nowMs, null, { host, liveness }),
      staleness: plan.status === 'loading' ? new Map() : staleness(state.proofs, now, nowMs, host),
    },
  }
}
