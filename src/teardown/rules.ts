import type { Manifest, ManifestFile } from '../artifact/manifest.ts'
import type { MeterVerb, Profile } from '../profile/schema.ts'
import type { RunState } from '../run/types.ts'
import { hostIdentityText, isVeryMachine } from '../walk/graph.ts'
import type { CheckedItem, ItemSpec, Override, Result } from '../walk/item.ts'
import type { HostIdentity, Proof } from '../walk/proof.ts'
import { teardownItems, waivable } from './items.ts'
import type { GoneFacts, PermitFacts, PermitPayload, RemovalFacts, VerifiedPayload, VerifyFacts } from './types.ts'

/** A permit lives at most this long (handbook money 8.4). */
export const permitMinutes = 15
const detailLimit = 50

interface Verdict {
  readonly result: Result
  readonly summary: string
  readonly reason?: string
  readonly detail?: readonly string[]
  readonly value?: Readonly<Record<string, unknown>>
}

const naming = (files: readonly { readonly path: string; readonly text: string }[]): readonly string[] =>
  files.length <= detailLimit
    ? files.map((f) => `${f.path}: ${f.text}`)
    : [...files.slice(0, detailLimit).map((f) => `${f.path}: ${f.text}`), `and ${files.length - detailLimit} more`]

function checked(
  spec: ItemSpec,
  verdict: Verdict,
  facts: { readonly atMs: number; readonly host: string },
  override?: Override,
): CheckedItem {
  const isBad = spec.severity === 'error' && (verdict.result === 'fail' || verdict.result === 'unknown')
  const isWaived = isBad && override !== undefined && override.reason.trim() !== '' && waivable.includes(spec.id)
  return {
    ...spec,
    // A waiver is part of the manifest's proof, so it weighs less here; the permit itself has no override.
    ...(isWaived && { severity: 'warn' as const, override }),
    result: verdict.result,
    ...(verdict.reason !== undefined && { reason: verdict.reason }),
    evidence: {
      summary: isWaived ? `${verdict.summary} (waived by ${override.by}: ${override.reason})` : verdict.summary,
      host: facts.host,
      atMs: facts.atMs,
      ...(verdict.value && { value: verdict.value }),
      ...(verdict.detail && verdict.detail.length > 0 && { detail: verdict.detail }),
    },
  }
}

function aggregate({ after }: VerifyFacts): Verdict {
  if (after.length === 0)
    return { result: 'not-applicable', reason: 'the plan has no steps after the units', summary: 'no steps' }
  const bad = after.filter((step) => step.exitCode !== 0)
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: `${after.length - bad.length} of ${after.length} steps ended with 0`,
    detail: after.map((s) => `${s.name}: ${s.exitCode === null ? 'did not run to its end' : `exit ${s.exitCode}`}`),
  }
}

function count({ manifest }: VerifyFacts): Verdict {
  const { expected, found } = manifest.totals
  const bad = manifest.problems.filter((p) => ['missing', 'too-small', 'too-many'].includes(p.kind))
  return {
    result: bad.length === 0 && found === expected && found > 0 ? 'pass' : 'fail',
    summary: found === 0 ? 'nothing was found' : `${found} found, ${expected} expected`,
    detail: [...naming(bad), ...manifest.missing.slice(0, detailLimit).map((path) => `${path}: not there`)],
    value: { found, expected, missing: manifest.missing.length },
  }
}

function pull({ manifest }: VerifyFacts): Verdict {
  const refused = manifest.problems.filter((p) =>
    ['unsafe-name', 'collision', 'symlink', 'not-a-file'].includes(p.kind),
  )
  const failed = manifest.files
    .filter((f) => f.sha256Local === null || f.level === 'V0' || f.level === 'V1')
    .map((f) => ({ path: f.path, text: f.problem ?? 'not copied' }))
  const bad = [...refused, ...failed]
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: `${manifest.files.length - failed.length} of ${manifest.files.length} files, ${manifest.totals.bytes} bytes`,
    detail: naming(bad),
  }
}

const hasSameHash = (file: ManifestFile) => file.sha256Remote !== null && file.sha256Remote === file.sha256Local
const isCopied = (file: ManifestFile) => hasSameHash(file) && (file.level === 'V3' || file.level === 'V4')
const isWhole = (file: ManifestFile) => file.level === 'V4' && file.problem === null
const isDeclaredOpaque = (file: ManifestFile) => file.kind === 'other' && file.level === 'V3' && file.problem === null

function hash({ manifest }: VerifyFacts): Verdict {
  const bad = manifest.files.filter((f) => !hasSameHash(f))
  return {
    result: bad.length === 0 && manifest.files.length > 0 ? 'pass' : 'fail',
    summary: `${manifest.files.length - bad.length} of ${manifest.files.length} files hash the same at both ends`,
    detail: naming(bad.map((f) => ({ path: f.path, text: f.problem ?? 'no hash' }))),
  }
}

function structure({ manifest }: VerifyFacts): Verdict {
  const opaque = manifest.files.filter(isDeclaredOpaque).length
  const rest = manifest.files.filter((f) => !isDeclaredOpaque(f) && !isWhole(f))
  const isOnlyUnknown = rest.every((f) => f.structure?.level === 'not-checkable' && f.problem === null)
  const noted = opaque > 0 ? `, ${opaque} of kind "other" by size and hash only` : ''
  const detail = naming(
    rest.map((f) => ({ path: f.path, text: `${f.problem ?? f.structure?.reason ?? 'not judged'}, ${f.bytes} bytes` })),
  )
  const summary = `${manifest.files.filter(isWhole).length} of ${manifest.files.length - opaque} files whole by format${noted}`
  if (rest.length === 0) return { result: manifest.files.length > 0 ? 'pass' : 'fail', summary, detail }
  return isOnlyUnknown
    ? { result: 'unknown', reason: `${rest.length} files cannot be judged by their format`, summary, detail }
    : { result: 'fail', summary, detail }
}

function load({ profile }: VerifyFacts): Verdict {
  return profile.verification === 'V5'
    ? { result: 'unknown', reason: 'kx does not load checkpoints yet', summary: 'the profile asks for a load (V5)' }
    : { result: 'not-applicable', reason: 'the profile asks for level V4', summary: 'not asked for' }
}

/** Files that count as verified: copied, and whole, of kind "other", or under a written waiver of the structure check. */
export function acceptedCount({ manifest, overrides }: Pick<VerifyFacts, 'manifest' | 'overrides'>): number {
  const given = overrides[teardownItems.structure.id]
  const isStructureWaived = given !== undefined && given.reason.trim() !== ''
  return manifest.files.filter((f) => isCopied(f) && (isWhole(f) || isDeclaredOpaque(f) || isStructureWaived)).length
}

function allOk(facts: VerifyFacts): Verdict {
  const { manifest } = facts
  const ok = acceptedCount(facts)
  const errors = manifest.files.length - ok
  return {
    result: errors === 0 && manifest.files.length > 0 ? 'pass' : 'fail',
    summary:
      manifest.files.length === 0
        ? 'nothing was verified: an empty list is an error'
        : `verified ${ok} of ${manifest.files.length}, ${errors} errors`,
    value: { verified: ok, of: manifest.files.length },
  }
}

function nothingNewer({ newer }: VerifyFacts): Verdict {
  const writing = newer.writers.kind === 'known' ? newer.writers.paths : []
  const detail = naming([
    ...newer.changed,
    ...newer.newer.map((path) => ({ path, text: 'was written after the manifest' })),
    ...writing.map((path) => ({ path, text: 'is open for writing' })),
  ])
  if (detail.length > 0) return { result: 'fail', summary: `${detail.length} files moved or are open`, detail }
  if (newer.incomplete !== null)
    return { result: 'unknown', reason: newer.incomplete, summary: 'the look is not complete' }
  const open = newer.writers.kind === 'unknown' ? ` (open files: ${newer.writers.reason})` : ', none open for writing'
  return { result: 'pass', summary: `nothing moved since the manifest${open}` }
}

function targetNeutral({ manifest }: VerifyFacts): Verdict {
  const personal = /^(\/home\/[^/]|\/Users\/[^/]|\/root(\/|$)|[A-Za-z]:)/
  const bad = [manifest.folder, ...manifest.files.map((f) => f.path)].filter((path) => personal.test(path))
  return {
    result: bad.length === 0 ? 'pass' : 'fail',
    summary: bad.length === 0 ? 'paths in the manifest are relative or neutral' : `${bad.length} personal paths`,
  }
}

function paperFacts({ manifest }: VerifyFacts): Verdict {
  const has = manifest.files.some((f) => f.path.split('/').at(-1) === 'env_fingerprint.json' && isCopied(f))
  return {
    result: has ? 'pass' : 'fail',
    summary: has ? 'env_fingerprint.json is among the artifacts' : 'no env_fingerprint.json among the artifacts',
  }
}

function trackerSurvives({ manifest, plan }: VerifyFacts): Verdict {
  const { kind } = plan.tracking
  if (kind === 'none') return { result: 'not-applicable', reason: 'tracking is off', summary: 'no tracker' }
  if (kind === 'wandb')
    return {
      result: 'unknown',
      reason: 'kx has not asked the tracker',
      summary: 'a hosted tracker keeps its own records',
    }
  const wanted = { plain: /(^|\/)metrics\.jsonl$/, tensorboard: /tfevents/, mlflow: /(^|\/)mlruns\/|\.db$/ }[kind]
  const files = manifest.files.filter((f) => wanted.test(f.path) && isCopied(f)).length
  return {
    result: files > 0 ? 'pass' : 'fail',
    summary: files > 0 ? `${files} files of the tracker are pulled` : `no files of the tracker (${kind}) are pulled`,
  }
}

const noStore: Verdict = {
  result: 'not-applicable',
  reason: 'the artifacts lie beside the run, in no object store',
  summary: 'no object store',
}

/** Items of the gate teardown/verify, in order (handbook lifecycle 6.7). */
export function verifyItems(facts: VerifyFacts): readonly CheckedItem[] {
  const rules: readonly (readonly [ItemSpec, Verdict])[] = [
    [teardownItems.aggregate, aggregate(facts)],
    [teardownItems.count, count(facts)],
    [teardownItems.pull, pull(facts)],
    [teardownItems.hash, hash(facts)],
    [teardownItems.structure, structure(facts)],
    [teardownItems.load, load(facts)],
    [teardownItems['all-ok'], allOk(facts)],
    [teardownItems['nothing-newer'], nothingNewer(facts)],
    [teardownItems.facts, paperFacts(facts)],
    [teardownItems['tracker-survives'], trackerSurvives(facts)],
    [teardownItems['target-neutral'], targetNeutral(facts)],
    [teardownItems['artifact-uris'], noStore],
  ]
  return rules.map(([spec, verdict]) => checked(spec, verdict, facts, facts.overrides[spec.id]))
}

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
  const { stopped } = facts
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
    [teardownItems.instance, { result: 'not-applicable', reason: own, summary: 'no instance' }],
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
): readonly string[] {
  const verb = removalVerb(profile)
  const lies = box === null ? 'not counted' : `${box.files} files, ${box.bytes} bytes`
  const kept = manifest.totals
  return [
    `Removes ${folder} (${lies}).`,
    `Dies: ${verb?.dies ?? 'everything in that folder'}.`,
    `Survives: ${kept.copied} pulled files, ${kept.bytes} bytes, hashed at both ends, in the run's artifacts folder.`,
    ...profile.storage.tiers
      .filter((tier) => tier.purpose !== 'data')
      .map((tier) => `Untouched: tier ${tier.id} (${tier.path}).`),
    ...manifest.missing.slice(0, 20).map((path) => `Never written, and lost for good: ${path}.`),
    `Still bills: ${verb?.stillBills ?? 'not known'}.`,
    verb?.isReversible === true ? 'Can be undone.' : 'Cannot be undone.',
  ]
}

/** The name that has to be typed, and what the person is shown with it. Null: nothing is verified yet. */
export function removalText(
  state: Pick<RunState, 'latest'>,
): { readonly name: string; readonly detail: readonly string[] } | null {
  const payload = state.latest.VerifiedManifest?.payload as Partial<VerifiedPayload> | undefined
  if (typeof payload?.folder !== 'string' || !Array.isArray(payload.consequences)) return null
  return { name: payload.folder.split('/').at(-1) ?? '', detail: payload.consequences }
}
