import type { Manifest } from '../../artifact/manifest.ts'
import { meterStepLines, meterSteps } from '../../profile/meter-steps.ts'
import type { MeterVerb, Profile, Tier } from '../../profile/schema.ts'
import { hasNoMeter } from '../../profile/tiers.ts'
import type { RunState } from '../../run/types.ts'
import { formatBytes, plural } from '../../text/format.ts'
import { hostIdentityText, isVeryMachine } from '../../walk/graph.ts'
import type { CheckedItem, ItemSpec } from '../../walk/item.ts'
import type { HostIdentity, Proof } from '../../walk/proof.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { teardownItems } from '../items.ts'
import type { GoneFacts, PermitFacts, PermitPayload, RemovalFacts, VerifiedPayload } from '../types.ts'
import { checked } from './checked.ts'

/** A permit lives at most this long (handbook money 8.4). */
export const permitMinutes = 15

/** The profile's verb by which kx removes what a run left on the host; null: the profile names none. */
export function removalVerb(profile: Profile): MeterVerb | null {
  return profile.billing.verbs.find((verb) => verb.by === 'kx' && !verb.isReversible) ?? null
}

/** Items of the gate teardown/permit that are known when the permit is asked for. */
export function permitItems(facts: PermitFacts): readonly CheckedItem[] {
  const verb = removalVerb(facts.profile)
  const isTyped = facts.typedName === facts.expectedName
  const rules: readonly (readonly [ItemSpec, Verdict])[] = [
    [
      teardownItems.approval,
      {
        result: isTyped ? 'pass' : 'fail',
        summary: isTyped ? `${facts.approver} typed ${facts.expectedName}` : 'the typed name is not the one asked for',
      },
    ],
    [
      teardownItems['verb-effect'],
      verb === null
        ? { result: 'fail', summary: 'the profile names no act by which kx may remove anything' }
        : {
            result: 'pass',
            summary: `${verb.verb}: dies ${verb.dies}; still bills ${verb.stillBills}`,
            detail: [`stops: ${verb.stops}`, `how: ${verb.how}`, `checked against its source in ${verb.verified}`],
          },
    ],
    [
      teardownItems.order,
      { result: 'not-applicable', reason: 'nothing durable is rented here', summary: 'no storage' },
    ],
    [
      teardownItems['no-log-proof'],
      {
        result: facts.of > 0 ? 'pass' : 'fail',
        summary: `rests on manifest ${facts.manifestSha256.slice(0, 12)}, verified ${facts.verified} of ${facts.of}`,
      },
    ],
  ]
  return rules.map(([spec, verdict]) => checked(spec, verdict, facts))
}

/** Items that are known when everything is over. */
export function goneItems(facts: GoneFacts): readonly CheckedItem[] {
  const { stopped, meter = [] } = facts
  const isSeenTwice = stopped.seenGoneAtMs.length >= 2
  const own = 'nothing was rented on this host'
  const rules: readonly (readonly [ItemSpec, Verdict])[] = [
    [
      teardownItems.gone,
      {
        result: isSeenTwice ? 'pass' : 'unknown',
        ...(!isSeenTwice && { reason: 'it was not seen gone twice' }),
        summary: stopped.lastAnswer,
        value: { seenGoneAtMs: stopped.seenGoneAtMs },
      },
    ],
    [
      teardownItems.instance,
      meter.length === 0
        ? { result: 'not-applicable', reason: own, summary: 'no instance' }
        : {
            result: 'unknown',
            reason: 'nobody has seen the meter end',
            summary: 'still billing, unconfirmed',
            detail: meter,
          },
    ],
    [teardownItems.volumes, { result: 'not-applicable', reason: own, summary: 'no volume' }],
    [
      teardownItems.receipt,
      {
        result: 'pass',
        summary: `${stopped.verb}, manifest ${stopped.manifestSha256.slice(0, 12)}, verified ${stopped.verified} of ${stopped.of}`,
        value: { hours: stopped.hours, usd: stopped.usd, permitId: stopped.permitId },
      },
    ],
  ]
  return rules.map(([spec, verdict]) => checked(spec, verdict, facts))
}

/** What tells the machine of a permit from any other, for people: what is not known of it is said to be so. */
export function boundText({ host, bootId, hostKey, instanceId, machineId }: HostIdentity): string {
  const key = host === 'local' ? null : `host key ${hostKey ?? 'not known: another machine with these ids would pass'}`
  return [
    `machine ${machineId?.slice(0, 12) ?? 'not known'}`,
    `boot ${bootId?.slice(0, 8) ?? 'not known'}`,
    ...(key === null ? [] : [key]),
    ...((instanceId ?? null) === null ? [] : [`instance ${instanceId}`]),
  ].join(', ')
}

/** A permit for removing one folder of one machine. Time and id come in; it is not stored here. */
export function makePermit(input: {
  readonly id: string
  readonly payload: Omit<PermitPayload, 'issuedAtMs' | 'expiresAtMs'>
  readonly host: HostIdentity
  readonly manifestProofId: string
  readonly items: readonly CheckedItem[]
  readonly nowMs: number
}): Proof<PermitPayload> {
  const expiresAtMs = input.nowMs + permitMinutes * 60_000
  return {
    id: input.id,
    kind: 'Permit',
    phase: 'teardown',
    atMs: input.nowMs,
    expiresAtMs,
    host: input.host,
    boundTo: {
      ...(input.payload.planSha256 !== null && { plan: input.payload.planSha256 }),
      host: hostIdentityText(input.host),
      manifest: input.payload.manifestSha256,
    },
    needs: [input.manifestProofId],
    items: input.items,
    payload: { ...input.payload, issuedAtMs: input.nowMs, expiresAtMs },
  }
}

/**
 * Everything for which this permit must be refused now; empty: it holds (handbook money 8.4, reliability 5). Checked
 * again immediately before the destroying call, in addition to the gate.
 */
export function permitRefusals(permit: Proof<PermitPayload>, facts: RemovalFacts): readonly string[] {
  const { payload } = permit
  const refusals: string[] = []
  const refuse = (isWrong: boolean, text: string) => {
    if (isWrong) refusals.push(text)
  }
  const expiresAtMs = Math.min(payload.expiresAtMs, permit.expiresAtMs ?? 0, permit.atMs + permitMinutes * 60_000)
  refuse(permit.kind !== 'Permit', 'it is not a permit')
  refuse(facts.isUsed, 'it has been used; each permit is good for one act')
  refuse(!(facts.nowMs < expiresAtMs), 'it has expired')
  refuse(!(permit.atMs <= facts.nowMs), 'it is dated ahead of this clock')
  refuse(payload.runId !== facts.runId, 'it is for another run')
  refuse(payload.folder !== facts.folder, 'it is for another folder')
  refuse(
    permit.host === undefined || !isVeryMachine(permit.host, facts.identity),
    'another machine, or another boot of it, answers now',
  )
  refuse(payload.planSha256 !== facts.planSha256, 'the plan has changed since')
  refuse(payload.manifestSha256 !== facts.manifestSha256, 'the manifest has changed since')
  refuse(!(payload.verified === payload.of && payload.of > 0), 'not everything was verified')
  refuse(!(payload.sequence <= facts.sequence), 'the journal is shorter than when it was issued')
  refuse(payload.typedName === '' || payload.approver === '', 'nobody is named as its approver')
  return refusals
}

/** What dies, what survives and what goes on billing, in lines for the question before the permit. */
export function consequences(
  profile: Profile,
  folder: string,
  manifest: Manifest,
  box: { readonly files: number; readonly bytes: number } | null,
  pathOf: (tier: Tier) => string | null = () => null,
  lostLogs: readonly string[] = [],
): readonly string[] {
  const verb = removalVerb(profile)
  const lies = box === null ? 'not counted' : `${box.files} files, ${formatBytes(box.bytes)}`
  const kept = manifest.totals
  return [
    `Removes ${folder} (${lies}).`,
    `Dies: ${verb?.dies ?? 'everything in that folder'}.`,
    ...(lostLogs.length === 0
      ? []
      : [
          `Lost for good: what a tracker logged and no artifact brought home, ${plural(lostLogs.length, 'file')}, the first ${lostLogs[0]}.`,
        ]),
    `Survives: ${kept.copied} pulled files, ${formatBytes(kept.bytes)}, hashed at both ends, in the run's artifacts folder.`,
    ...profile.storage.tiers
      .filter((tier) => tier.purpose !== 'data')
      .map((tier) => {
        const path = pathOf(tier)
        // The folder may lie in that tier too: then the rest of it is what stays.
        const isInside = path !== null && folder.startsWith(path.endsWith('/') ? path : `${path}/`)
        const where = path ?? `${tier.path}, which is not known on this host`
        return `Untouched: ${isInside ? 'everything else in ' : ''}tier ${tier.id} (${where}).`
      }),
    ...manifest.missing.slice(0, 20).map((path) => `Never written, and lost for good: ${path}.`),
    `Still bills: ${verb?.stillBills ?? 'not known'}.`,
    verb?.isReversible === true ? 'Can be undone.' : 'Cannot be undone.',
    ...meterLines(profile),
  ]
}

/**
 * What a person has still to do where removing a folder ends no meter: the profile's own verb and its steps, in words. Empty
 * where nothing bills.
 */
export function meterLines(profile: Profile): readonly string[] {
  if (hasNoMeter(profile)) return []
  const steps = meterSteps(profile)
  if (steps === null) return ['The meter goes on, and the profile names no verb that ends it.']
  return ['The meter goes on until this is done and seen:', ...meterStepLines(steps)]
}

/** The name that has to be typed, and what the person is shown with it. Null: nothing is verified yet. */
export function removalText(
  state: Pick<RunState, 'latest'>,
): { readonly name: string; readonly detail: readonly string[] } | null {
  const payload = state.latest.VerifiedManifest?.payload as Partial<VerifiedPayload> | undefined
  if (typeof payload?.folder !== 'string' || !Array.isArray(payload.consequences)) return null
  return { name: payload.folder.split('/').at(-1) ?? '', detail: payload.consequences }
}
