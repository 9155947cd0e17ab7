import type { SmokePayload } from '../../src/smoke/types.ts'
import { formatBytes, formatDuration } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel, StyledLine } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

const median = (values: readonly number[]) => {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(half)] ?? null)
    : ((sorted[half - 1] ?? 0) + (sorted[half] ?? 0)) / 2
}

function measured(p: SmokePayload): StyledLine[] {
  return [
    heading('Measured'),
    fact('machine', p.machineClass),
    fact('units run', p.units.join(', ') || 'none'),
    fact(
      'unit',
      `${formatDuration(median(p.unitSeconds))} (${p.unitSeconds.length} sample${p.unitSeconds.length === 1 ? '' : 's'})`,
    ),
    fact(
      'step',
      `median ${formatDuration(median(p.stepSeconds))} (${p.stepSeconds.length} samples, first ${p.droppedSteps} of each unit dropped)`,
    ),
    fact('steps a unit', p.stepsPerUnit === null ? 'unknown' : `${p.stepsPerUnit}`),
    fact('peak memory', formatBytes(p.peakRssBytes)),
    fact('checkpoint', `${formatBytes(p.checkpointBytes)}, one save ${formatDuration(p.checkpointSeconds)}`),
    '',
    heading('Kill and resume'),
    p.resume === null
      ? [{ text: 'not proven', token: 'state.fail' }]
      : fact(
          'resumed',
          `killed at step ${p.resume.killedAtStep}, went on at step ${p.resume.resumedAtStep}`,
          'state.pass',
        ),
  ]
}

export function smokeModel(input: ScreenInput): ScreenModel {
  const proof = proofOf<SmokePayload>(input, 'SmokeProof')
  const stale = staleText(input, proof)
  const next =
    proof === undefined
      ? 'r runs one unit end to end, kills it and resumes it'
      : stale !== null
        ? 'r runs it again'
        : `run ${ageText(input.nowMs - proof.atMs)}; 4 goes on to the cost`
  return {
    id: 'smoke',
    title: 'Smoke',
    summary: phaseSummary(input, 'smoke', next),
    panes: [
      checklistPane(input, 'smoke.run', proof, 'not run yet; r runs the smoke'),
      {
        kind: 'text',
        id: 'measured',
        title: 'Measured',
        lines: proof === undefined ? ['Nothing measured yet.'] : measured(proof.payload),
      },
      detailPane(input, 'smoke.run', proof),
    ],
    columns: [
      { weight: 3, panes: [{ id: 'items', weight: 1 }] },
      {
        weight: 2,
        panes: [
          { id: 'measured', weight: 1 },
          { id: 'detail', weight: 1 },
        ],
      },
    ],
  }
}
