import type { ApprovalPayload, PricedPayload } from '../../src/cost/types.ts'
import { formatBytes, formatHours } from '../../src/text/format.ts'
import { ageText } from '../workbench/ages.ts'
import type { ScreenInput } from '../workbench/input.ts'
import type { PaneModel, ScreenModel, StyledLine } from '../workbench/model.ts'
import { column } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'

const usd = (value: number | null) => (value === null ? 'unknown' : `$${value.toFixed(2)}`)

function priced(p: PricedPayload, approval: ApprovalPayload | undefined, input: ScreenInput): StyledLine[] {
  const lines: StyledLine[] = [
    heading('Estimate'),
    fact('time p50', formatHours(p.hoursP50)),
    fact('time p90', formatHours(p.hoursP90)),
    fact('from', p.basis),
    ...(p.extrapolation == null
      ? []
      : [
          fact(
            'extrapolated',
            `${p.extrapolation.from} to ${p.extrapolation.to}, times ${Number(p.extrapolation.factor.toPrecision(3))}: ${p.extrapolation.source}`,
            'severity.warn',
          ),
        ]),
    fact('money p50', usd(p.usdP50)),
    fact('money p90', usd(p.usdP90)),
    fact(
      'price',
      `${p.usdPerHour === null ? 'unknown' : `${usd(p.usdPerHour)}/h`}, ${p.priceSource}, ${ageText(input.nowMs - p.priceAtMs)}`,
    ),
    fact('cap', `${usd(p.capUsd)}, ${formatHours(p.capHours)}`),
    ...p.meters.map((m) =>
      fact('meter', `${m.what}: ${m.usdPerHour === null ? 'unknown' : `${usd(m.usdPerHour)}/h`}, ${m.note}`),
    ),
    fact('parking', p.park),
    ...(p.leaseEnd === undefined ? [] : [fact('lease end', p.leaseEnd)]),
    fact('disk', `${formatBytes(p.disk.needBytes)}${p.disk.isMeasured ? '' : ' (assumed)'}`),
    '',
    heading('Approval'),
  ]
  if (approval === undefined) lines.push([{ text: 'not approved yet; a asks for it', token: 'text.muted' }])
  else
    lines.push(
      fact('by', approval.by),
      fact(
        'lease',
        approval.leaseHours === null
          ? 'none: no meter runs here'
          : `${formatHours(approval.leaseHours)} from the launch`,
      ),
    )
  return lines
}

/** What each verb does to the meter: asked before money is spent, not when it has been. */
function meterPane(p: PricedPayload | undefined): PaneModel {
  return {
    kind: 'static',
    id: 'meters',
    title: 'What ends the meter',
    columns: [
      column(0, 'verb'),
      column(1, 'stops'),
      column(2, 'still bills'),
      column(3, 'dies'),
      column(4, 'can be undone'),
    ],
    rows: (p?.verbs ?? []).map((v) => ({
      id: v.verb,
      cells: [v.verb, v.stops, v.stillBills, v.dies, v.isReversible ? 'yes' : 'no'],
      token: v.isReversible ? 'text.normal' : 'severity.warn',
    })),
    empty: p === undefined ? 'not priced yet' : 'the profile names no verb',
  }
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
      meterPane(proof?.payload),
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
    bottom: { id: 'meters', weight: 1, columnsWeight: 3 },
  }
}
