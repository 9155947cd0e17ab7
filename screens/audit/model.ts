import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel } from '../workbench/model.ts'
import { checklistPane, detailPane, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

export function auditModel(input: ScreenInput): ScreenModel {
  const proof = proofOf(input, 'AuditReport')
  const stale = staleText(input, proof)
  const next =
    proof === undefined
      ? 'r looks at this machine'
      : stale !== null
        ? 'r looks again'
        : `${proof.host?.hostname ?? 'host'} looked at ${ageText(input.nowMs - proof.atMs)}; 3 goes on to the smoke`
  return {
    id: 'audit',
    title: 'Environment audit',
    summary: phaseSummary(input, 'audit', next),
    panes: [
      checklistPane(input, 'audit.run', proof, 'not audited yet; r audits the host'),
      detailPane(input, 'audit.run', proof),
    ],
    columns: [
      { weight: 3, panes: [{ id: 'items', weight: 1 }] },
      { weight: 2, panes: [{ id: 'detail', weight: 1 }] },
    ],
  }
}
