import type { ApprovalPayload, PricedPayload } from '../../src/cost/types.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { ScreenModel, StyledLine } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

const hours = (value: number | null) =>
  value === null ? 'unknown' : value < 1 ? `${(value * 60).toFixed(1)} min` : `${value.toFixed(2)} h`
const usd = (value: number | null) => (value === null ? 'unknown' : `$${value.toFixed(2)}`)

function priced(p: PricedPayload, approval: ApprovalPayload | undefined, input: ScreenInput): StyledLine[] {
  const lines: StyledLine[] = [
    heading('Estimate'),
    fact('time p50', hours(p.hoursP50)),
    fact('time p90', hours(p.hoursP90)),
    fact('from', p.basis),
    fact('money p50', usd(p.usdP50)),
    fact('money p90', usd(p.usdP90)),
    fact(
      'price',
      `${p.usdPerHour === null ? 'unknown' : `${usd(p.usdPerHour)}/h`}, ${p.priceSource}, ${ageText(input.nowMs - p.priceAtMs)}`,
    ),
    fact('cap', `${usd(p.capUsd)}, ${hours(p.capHours)}`),
    '',
    heading('Approval'),
  ]
  if (approval === undefined) lines.push([{ text: 'not approved yet; a asks for it', token: 'text.muted' }])
  else
    lines.push(
      fact('by', approval.by),
      fact(
        'lease',
        approval.leaseHours === null ? 'none: no meter runs here' : `${hours(approval.leaseHours)} from the launch`,
      ),
    )
  return lines
}

export function costModel(input: ScreenInput): ScreenModel {
  const proof = proofOf<PricedPayload>(input, 'PricedPlan')
  const approval = proofOf<ApprovalPayload>(input, 'Approval')
  const stale = staleText(input, proof)
  const next =
    proof === undefined
      ? 'r prices the plan'
      : stale !== null
        ? 'r prices it again'
        : approval === undefined || staleText(input, approval) !== null
          ? 'a approves'
          : `approved by ${approval.payload.by}; 5 goes on to the launch`
  return {
    id: 'cost',
    title: 'Cost',
    summary: phaseSummary(input, 'cost', next),
    panes: [
      checklistPane(input, 'cost.price', proof, 'not priced yet; r prices the plan'),
      {
        kind: 'text',
        id: 'estimate',
        title: 'Hours and money',
        lines: proof === undefined ? ['Nothing estimated yet.'] : priced(proof.payload, approval?.payload, input),
      },
      detailPane(input, 'cost.price', proof),
    ],
    columns: [
      { weight: 3, panes: [{ id: 'items', weight: 1 }] },
      {
        weight: 2,
        panes: [
          { id: 'estimate', weight: 1 },
          { id: 'detail', weight: 1 },
        ],
      },
    ],
  }
}
