import { createLogFollower, type ReadBytes, type ShownLog } from '../../../../src/session/log-follower.ts'
import type { Shelves } from '../../../../src/session/view.ts'
import { words } from './items.ts'
import { runId } from './plan.ts'
import { minute, nowMs, type Stage, stages, startMs } from './stages.ts'

/** A log as the follower holds it, of `lines` lines and one that is not ended. */
async function logOf(lines: number, pending: string): Promise<ShownLog> {
  const text = `${Array.from({ length: lines }, (_, i) => `epoch ${i + 1}/300 loss ${(1 / (i + 1)).toFixed(4)} 学習`).join('\n')}\n${pending}`
  const bytes = Buffer.from(text)
  const read: ReadBytes = async (offset, length) => ({
    bytes: bytes.subarray(offset, offset + length),
    size: bytes.length,
  })
  return createLogFollower(null).look(read)
}

const reportText = `# Report of ${runId}

**confirmed** by the plan's own criteria. A person decides.

| metric | better | mean | n |
|---|---|---|---|
| test_acc (primary) | higher | 0.9715 ± 0.01312 | 45 of 45 |
| loss | lower | none, and this cell says at some length why there is nothing to be said about it | 0 of 45 |

- val_acc in split-00-02: ▁█████▇▇▇
`

export async function shelvesAt(stage: Stage): Promise<Shelves> {
  const isEmpty = stage === 'loading'
  const isRun = stages.indexOf(stage) >= stages.indexOf('running')
  const states = ['running', 'finished', 'torn down', 'stalled', 'dead', 'unknown', 'planned']
  return {
    home: isEmpty
      ? null
      : {
          runs:
            stage === 'no-plan'
              ? []
              : states.map((state, i) => ({
                  runId: i === 0 ? runId : `2026112${i}-0915-other-plan-00${i}0`,
                  project: i === 5 ? 'プロジェクト' : `project-${i}`,
                  projectFolder: '/home/ada/cpcv',
                  name: 'cpcv-wdbc',
                  state,
                  progress: state === 'planned' ? '' : `${i * 5}/45`,
                  seenAtMs: state === 'planned' ? null : nowMs - i * 17 * minute,
                  usdPerHour: state === 'unknown' ? null : i === 0 ? 1.2 : 0,
                  openFindings: i === 4 ? 3 : 0,
                  isArchived: false,
                  reason: state === 'unknown' ? 'Not looked at for 85 min.' : null,
                })),
          meters:
            stage === 'no-plan'
              ? []
              : [
                  {
                    meterId: 'm1',
                    what: 'gpu_1x_h100',
                    host: 'box-1',
                    runId,
                    usdPerHour: 2.49,
                    openedAtMs: startMs,
                    leaseUntilMs: nowMs + 7_200_000,
                  },
                  {
                    meterId: 'm2',
                    what: 'volume',
                    host: 'box-1',
                    runId,
                    usdPerHour: null,
                    openedAtMs: startMs,
                    leaseUntilMs: null,
                  },
                ],
          warnings: stage === 'failed' ? ['index line 7 could not be read and was left out'] : [],
        },
    checklists: isEmpty
      ? null
      : [
          {
            file: 'scale.md',
            title: 'Going to large scale',
            problem: null,
            tasks: words.map(([id, , , title], i) => ({
              line: i,
              depth: i % 2,
              isTicked: i % 3 === 0,
              text: title,
              id,
              checks: [`plan.${id}`, 'plan.absent'],
            })),
          },
          { file: 'broken.md', title: 'Broken', problem: 'broken.md is larger than 1 MiB', tasks: [] },
        ],
    profiles: isEmpty
      ? null
      : [
          {
            id: 'local',
            title: 'This machine',
            lines: ['tiers: boxes, home', 'no meter'],
            note: 'shipped, facts of 2026-11',
          },
        ],
    recipes: isEmpty
      ? null
      : [
          {
            id: 'free-disk',
            title: 'Prune scratch and old checkpoints, keep the best',
            origin: 'kx',
            problem: null,
            runbook: { when: 'The disk is full.', touches: 'Checkpoints.', back: 'There is none.' },
            parameters: [
              { name: 'keep', type: 'number', description: 'kept', choices: [], isRequired: false, initial: 3 },
            ],
            cells: [
              { title: 'Look', risk: 'read', timeoutSeconds: 60, parts: [] },
              { title: 'Prune', risk: 'destroy', timeoutSeconds: 600, parts: ['plan', 'probe'] },
              { title: 'Requeue', risk: 'change', timeoutSeconds: 60, parts: ['undo'] },
            ],
          },
          {
            id: 'mine',
            title: '',
            origin: 'project',
            problem: 'it has no cells',
            runbook: { when: '', touches: '', back: '' },
            parameters: [],
            cells: [],
          },
        ],
    config: isEmpty
      ? null
      : [
          { key: 'theme', value: 'auto', origin: 'built-in' },
          { key: 'refreshSeconds', value: '2', origin: '/home/ada/cpcv/.kxrc line 3' },
        ],
    report: stages.indexOf(stage) >= stages.indexOf('verified') ? reportText.split('\n') : null,
    unitLog: isRun
      ? {
          unit: stage === 'failed' ? 'split-01-02' : 'split-01-05',
          log: await logOf(stage === 'failed' ? 12_000 : 40, 'epoch 41/300 …'),
        }
      : null,
    series: [],
    seriesVersion: 1,
    cellOutput: isRun ? { cellId: 'cell-4', log: await logOf(5, '') } : null,
  }
}
