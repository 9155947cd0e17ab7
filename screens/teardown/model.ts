import type { Meter } from '../../src/run/types.ts'
import type { StoppedPayload, VerifiedPayload } from '../../src/teardown/types.ts'
import { formatAge, formatBytes, formatHours, formatUsd, formatUsdPerHour } from '../../src/text/format.ts'
import { type WrittenOff, writtenOffIn } from '../../src/walk/end.ts'
import type { Proof } from '../../src/walk/proof.ts'
import { ageText } from '../workbench/ages.ts'
import { actOf, type ScreenInput } from '../workbench/input.ts'
import type { ScreenModel, Span, StyledLine } from '../workbench/model.ts'
import { checklistPane, detailPane, fact, heading, phaseSummary, proofOf, staleText } from '../workbench/phase-model.ts'
import { artifactsPane } from './artifacts.ts'
import { hostsNext, hostsPane } from './hosts.ts'

function writtenOffLines(writtenOff: WrittenOff): StyledLine[] {
  const { by, reason, unverified } = writtenOff
  return [
    heading('Written off'),
    [{ text: 'the meter was closed in writing; nobody has seen it stop', token: 'severity.warn' }],
    fact('by', by),
    fact('reason', reason),
    fact('never verified', unverified.length === 0 ? 'nothing: all was safe before' : `${unverified.length}`),
    ...unverified.slice(0, 20).map((name): StyledLine => [{ text: name, token: 'state.fail' }]),
    '',
  ]
}

function lines(
  verified: VerifiedPayload | undefined,
  stopped: StoppedPayload | undefined,
  writtenOff: WrittenOff | null,
  isOfHosts: boolean,
): StyledLine[] {
  if (writtenOff !== null) return [...writtenOffLines(writtenOff), ...(verified === undefined ? [] : kept(verified))]
  if (verified === undefined)
    return [
      'Nothing pulled yet.',
      '',
      'r pulls every declared artifact into .kx/runs/<id>/artifacts, hashes both ends, and checks the structure of each by its kind.',
    ]
  const out = kept(verified)
  out.push('', heading('What removing the box folder means'))
  for (const line of verified.consequences) out.push(line)
  out.push('', heading('Teardown'))
  // The newest proof is of one host and says nothing of the others.
  if (isOfHosts) out.push([{ text: 'each host has a folder of its own: see Hosts', token: 'text.muted' }])
  else if (stopped === undefined)
    out.push([{ text: 'the box folder is still there; D removes it with a typed permit', token: 'text.muted' }])
  else {
    out.push(
      fact('seen gone', `${stopped.seenGoneAtMs.length} times`, 'state.pass'),
      fact('last answer', stopped.lastAnswer),
    )
    out.push(fact('hours', formatHours(stopped.hours)), fact('money', formatUsd(stopped.usd)))
  }
  return out
}

/** What was verified and is safe here, with what is missing from it. */
function kept(verified: VerifiedPayload): StyledLine[] {
  const out: StyledLine[] = [
    heading('Verified manifest'),
    fact('box folder', verified.folder),
    fact(
      'verified',
      `${verified.accepted} of ${verified.totals.expected}`,
      verified.accepted === verified.totals.expected && verified.missing.length === 0 ? 'state.pass' : 'state.fail',
    ),
    fact('bytes', formatBytes(verified.totals.bytes)),
    fact('manifest', verified.manifestSha256.slice(0, 16)),
  ]
  // Records of before the patterns were kept name what is missing here only.
  const missing = verified.patterns === undefined ? verified.missing.slice(0, 20) : []
  for (const path of missing) out.push([{ text: `missing: ${path}`, token: 'state.fail' }])
  for (const w of verified.waived)
    out.push([{ text: `waived ${w.itemId} by ${w.by}: ${w.reason}`, token: 'severity.warn' }])
  return out
}

const openMeters = (input: ScreenInput): readonly Meter[] =>
  (input.run?.meters ?? []).filter((meter) => meter.closedAtMs === null && meter.usdPerHour !== 0)

/** A meter that kx cannot turn off: what was seen of its machine, and what was said. */
function meterLines(input: ScreenInput): StyledLine[] {
  // While the run goes on its meter is meant to run.
  const isAfter = (meter: Meter) => input.run?.latest.MeterStopped !== undefined || meter.sights !== undefined
  const open = openMeters(input).filter(isAfter)
  return open.flatMap((meter): StyledLine[] => [
    '',
    heading(`Meter of ${meter.host}`),
    [
      {
        text: `still billing, unconfirmed: ${formatUsdPerHour(meter.usdPerHour)}, for ${formatAge(input.nowMs - meter.openedAtMs)}`,
        token: 'severity.warn',
      },
    ],
    ...(meter.statements ?? []).map((said) =>
      fact('said', `${said.what === 'done' ? `${said.verb} carried out` : said.text} (${said.by})`),
    ),
    ...(meter.sights ?? [])
      .slice(-5)
      .map((sight) => fact('seen', `${sight.words}, ${ageText(input.nowMs - sight.atMs)}`)),
    [{ text: 'E prints the verb that ends it and looks whether its machine is gone', token: 'text.muted' }],
  ])
}

/** Between the verification and the removal the phase is not done, but what is safe already is the thing to know. */
function summary(input: ScreenInput, proof: Proof<VerifiedPayload> | undefined, next: string): Span[] {
  const spans = phaseSummary(input, 'teardown', next)
  if (proof === undefined || staleText(input, proof) !== null || input.phases.teardown.state !== 'todo') return spans
  const { accepted, totals, missing } = proof.payload
  const isWhole = accepted === totals.expected && missing.length === 0
  return [
    { text: `verified ${accepted} of ${totals.expected}`, token: isWhole ? 'state.pass' : 'state.fail' },
    ...spans.slice(1),
  ]
}

export function teardownModel(input: ScreenInput): ScreenModel {
  const proof = proofOf<VerifiedPayload>(input, 'VerifiedManifest')
  const stopped = proofOf<StoppedPayload>(input, 'MeterStopped')
  const stale = staleText(input, proof)
  const writtenOff = input.run === null ? null : writtenOffIn(input.run)
  const ofHosts = hostsPane(input)
  const nextOfHosts = hostsNext(input)
  const next =
    writtenOff !== null
      ? 'w writes the report, g r shows it'
      : stopped !== undefined && nextOfHosts !== null
        ? nextOfHosts
        : stopped !== undefined
          ? `torn down ${ageText(input.nowMs - stopped.atMs)}; ${openMeters(input).length > 0 ? 'E looks at the meter, ' : ''}w writes the report, g r shows it`
          : proof === undefined
            ? 'r pulls and verifies'
            : stale !== null
              ? 'r verifies again'
              : input.phases.teardown.state === 'blocked'
                ? 'mend what failed, then r; o gives up in writing what may be given up; w writes the report'
                : 'w writes the report, D removes the box folder'
  const shown = actOf(input.live) === 'teardown.remove' ? 'teardown.remove' : 'teardown.verify'
  return {
    id: 'teardown',
    title: 'Teardown',
    summary: summary(input, proof, next),
    panes: [
      checklistPane(input, shown, stopped ?? proof, 'nothing verified yet; r pulls and verifies'),
      ...(ofHosts === null ? [] : [ofHosts]),
      artifactsPane(proof?.payload, input.plan.status === 'ok' ? input.plan.loaded.plan : null),
      {
        kind: 'text',
        id: 'manifest',
        title: 'Manifest and removal',
        lines: [...lines(proof?.payload, stopped?.payload, writtenOff, ofHosts !== null), ...meterLines(input)],
      },
      detailPane(input, shown, stopped ?? proof),
    ],
    columns: [
      { weight: 1, panes: [{ id: 'items', weight: 1 }] },
      {
        weight: 1,
        panes: [
          ...(ofHosts === null ? [] : [{ id: 'hosts', weight: 3 }]),
          { id: 'artifacts', weight: 2 },
          { id: 'manifest', weight: 3 },
          { id: 'detail', weight: 2 },
        ],
      },
    ],
  }
}
