import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel } from '../workbench/model.ts'

export function reportModel(input: ScreenInput): ScreenModel {
  const lines = input.shelves.report
  return {
    id: 'report',
    title: 'Report',
    summary:
      input.run === null
        ? 'no run is open'
        : lines === null
          ? 'no report yet; w writes one from what is known now'
          : [{ text: `report.md in .kx/runs/${input.run.runId}; w writes it again`, token: 'text.muted' }],
    panes: [
      { kind: 'markdown', id: 'report', title: 'report.md', source: lines?.join('\n') ?? 'Nothing written yet.' },
    ],
  }
}
