import type { LoadedPlan } from '../../../../src/run/act.ts'
import type { PlanView } from '../../../../src/session/view.ts'
import { parsePlan } from '../../../../src/spec/parse.ts'
import { expandUnits } from '../../../../src/spec/units.ts'
import type { Digests, HostIdentity } from '../../../../src/walk/proof.ts'
import { type Stage, startMs } from './stages.ts'

const planText = `version: 1
name: cpcv-wdbc
goal: Show that a small network tells malignant from benign tumours on unseen groups of patients, test accuracy at least 0.93 on average.
metrics:
  - { name: test_acc, direction: higher, chance: 0.627, target: 0.93, primary: true }
  - { name: loss, direction: lower }
command: [node, train.mjs, --split, "{index}"]
units:
  cpcv: { groups: 10, choose: 2 }
environment: { kind: system, interpreter: node }
data:
  - { path: data/wdbc.csv, bytes: 120351, sha256: 5c42141e8fef2577ca1604424d8057dafcf17cb69805ec15f9ec1df81d431179 }
resources: { compute: cpu, workers: 2, threadsPerWorker: 1, memoryBytes: 400000000, diskBytes: 50000000 }
checkpoints: { bytes: 67000, count: 90 }
artifacts:
  - { glob: "units/*/result.json", minimumCount: 45, kind: json }
hosts: [local]
profiles: [local]
abort: { nan: true, belowChanceAfterUnits: 2, wallHours: 1, idleMinutes: 10 }
budget: { usd: 0, hours: 2 }
tracking: { kind: plain }
seed: 20
`

export const digests: Digests = {
  plan: '2b1c7162e63932c8f5a5fc0f66d706d70f247f24352f50d7daac9c8d8e18c810',
  code: 'e9ed31ee354e0cd1a1e72b779a04b98be03842a366df7ae8f9dae74efc792979',
  config: '1b917bacc9a3d9bd35e2868caf2aa5213caf265335dd1a4333a1a3b115088457',
  data: '92f07cfd329a2168bde4eb2c6d36ac19d1eefaaa5a3e77bdcbe391f838ef3ac4',
}
export const host: HostIdentity = {
  host: 'local',
  hostname: 'vm',
  machineId: '3d1219c7c4c5',
  bootId: '0f0f0f0f-1111-2222-3333-444444444444',
  user: '0',
}
export const runId = '20261122-1130-cpcv-wdbc-1bf4'

function loadedPlan(): LoadedPlan {
  const parsed = parsePlan(planText, 'kx.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const { plan } = parsed
  return {
    plan,
    units: expandUnits(plan),
    file: '/home/ada/cpcv/kx.yaml',
    text: null,
    projectFolder: '/home/ada/cpcv',
    digests,
    code: [{ path: 'train.mjs', bytes: 9801, sha256: 'ab'.repeat(32), mode: 0o644 }],
  }
}
export const loaded = loadedPlan()

export function planAt(stage: Stage): PlanView {
  if (stage === 'loading') return { status: 'loading' }
  if (stage === 'no-plan') return { status: 'none', file: 'kx.yaml' }
  if (stage === 'bad-plan')
    return {
      status: 'bad',
      file: '/home/ada/cpcv/kx.yaml',
      problems: [
        'kx.yaml:4:3 metrics[0].direction: expected higher or lower, found "up"',
        'kx.yaml:9 unknown key unit, is it units?',
      ],
    }
  return { status: 'ok', loaded, readAtMs: startMs }
}
