import type { ReceiptPayload } from '../../src/launch/types.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel, StyledLine } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

function receiptLines(input: ScreenInput, receipt: ReceiptPayload | undefined): StyledLine[] {
  const lines: StyledLine[] = [heading('What starting needs')]
  for (const [kind, name] of [
    ['AuditReport', 'audit'],
    ['SmokeProof', 'smoke'],
    ['Approval', 'approval'],
  ] as const) {
    const proof = proofOf(input, kind)
    const stale = staleText(input, proof)
    if (proof === undefined) lines.push(fact(name, 'missing', 'state.fail'))
    else if (stale !== null) lines.push(fact(name, `stale: ${stale}`, 'state.stale'))
    else lines.push(fact(name, `there, ${ageText(input.nowMs - proof.atMs)}`, 'state.pass'))
  }
  lines.push('', heading('Receipt'))
  if (receipt === undefined) lines.push([{ text: 'nothing launched yet', token: 'text.muted' }])
  else {
    lines.push(
      fact('token', receipt.token),
      fact('folder', receipt.handle.folder),
      fact('runner', receipt.handle.runner),
      fact('detached by', `${receipt.handle.detach} ${receipt.handle.label}`),
    )
    lines.push(
      fact('process', `pid ${receipt.handle.process.pid}, start tick ${receipt.handle.process.startTicks}`),
      fact('workers', `${receipt.workers}`),
    )
    lines.push(
      '',
      'It outlives kx, the terminal and the login. recovery.md in the run folder says how to take over without kx.',
    )
  }
  const open = (input.run?.intents ?? []).filter((i) => i.act === 'launch' && i.closed === null)
  for (const intent of open)
    lines.push('', [
      {
        text: `A launch was begun ${ageText(input.nowMs - intent.atMs)} and its end was not seen (${intent.token}). r looks for it before anything is started.`,
        token: 'severity.warn',
      },
    ])
  return lines
}

export function launchModel(input: ScreenInput): ScreenModel {
  const proof = proofOf<ReceiptPayload>(input, 'Receipt')
  const next =
    proof === undefined
      ? 'r starts the units on the box'
      : `launched ${ageText(input.nowMs - proof.atMs)}; 6 watches it`
  return {
    id: 'launch',
    title: 'Launch',
    summary: phaseSummary(input, 'launch', next),
    panes: [
      checklistPane(input, 'launch.start', proof, 'not launched yet; r launches'),
      { kind: 'text', id: 'receipt', title: 'Gate and receipt', lines: receiptLines(input, proof?.payload) },
      detailPane(input, 'launch.start', proof),
    ],
    columns: [
      { weight: 1, panes: [{ id: 'items', weight: 1 }] },
      {
        weight: 1,
        panes: [
          { id: 'receipt', weight: 3 },
          { id: 'detail', weight: 2 },
        ],
      },
    ],
  }
}
