import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel } from '../workbench/model.ts'
import { phaseSummary } from '../workbench/phase-model.ts'

export function patrolModel(input: ScreenInput): ScreenModel {
  return {
    id: 'patrol',
    title: 'Patrol',
    summary: phaseSummary(input, 'patrol', ''),
    panes: [{ kind: 'text', id: 'x', title: 'Patrol', lines: [] }],
  }
}
