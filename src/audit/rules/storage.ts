import { bytesUsedFraction, type DiskBytes, type DiskInodes, inodesUsedFraction } from '../../host/probe/df.ts'
import type { Mount } from '../../host/probe/mountinfo.ts'
import type { Reading } from '../../host/probe/value.ts'
import type { RealPath } from '../../host/probe/wide.ts'
import type { Profile, Tier } from '../../profile/schema.ts'
import { hasNoMeter, isKeptAfter, type LossEvent, survivalText } from '../../profile/tiers.ts'
import { formatBytes, formatCount, formatPercent } from '../../text/format.ts'
import type { Verdict } from '../../walk/verdict.ts'
import { fail, notApplicable, pass } from '../../walk/verdict.ts'
import { unsure, worst } from './verdict.ts'

/** Shares of a file system that may be used (handbook monitoring 5). */
export interface FillBands {
  readonly warn: number
  readonly error: number
}
export const fillBands: FillBands = { warn: 0.9, error: 0.95 }

export interface TierSpace {
  readonly tier: Tier
  readonly path: string | null
  readonly bytes: Reading<DiskBytes>
  readonly inodes: Reading<DiskInodes>
  /** Where it lies behind symlinks, and the mount of that. */
  readonly real?: Reading<RealPath>
  readonly mount?: Reading<Mount>
}

/** `data $HOME/x, which is /mnt/big/x on /mnt (nfs4)`: the place that the figures speak of. */
function placeText({ tier, path, real, mount }: TierSpace): string {
  const behind =
    real?.isKnown && path !== null && real.value.state === 'there' && real.value.path !== path
      ? `, really ${real.value.path},`
      : ''
  const on = mount?.isKnown ? ` on ${mount.value.point} (${mount.value.type})` : ''
  return `${`${tier.id} ${path ?? ''}`.trim()}${behind}${on}`
}

/** What makes the figures of a place worthless: a link into nothing, a mount that only reads. Null: nothing. */
function placeTrouble(space: TierSpace): Verdict | null {
  const { real, mount, tier } = space
  if (real?.isKnown && real.value.state === 'dangling')
    return fail(`${tier.id}: the link ${real.value.path} leads nowhere`, {
      severity: 'error',
      fix: 'Mount what the link points to, or make the link point to a place that is there.',
    })
  if (mount?.isKnown && mount.value.isReadOnly && tier.purpose !== 'system')
    return fail(`${placeText(space)} is mounted read-only`, { severity: 'error' })
  return null
}

function judgeFraction(space: TierSpace, usedFraction: number, left: string, bands: FillBands): Verdict {
  const summary = `${placeText(space)}: ${formatPercent(usedFraction)} used, ${left}`
  const value = { tier: space.tier.id, path: space.path, usedFraction }
  if (usedFraction >= bands.error) return fail(summary, { severity: 'error', value })
  if (usedFraction >= bands.warn) return fail(summary, { severity: 'warn', value })
  return pass(summary)
}

/** Bytes used on each tier's file system. */
export function judgeBytes(spaces: readonly TierSpace[], bands: FillBands = fillBands): Verdict {
  const verdicts = spaces.map(
    (space) =>
      placeTrouble(space) ??
      (space.bytes.isKnown
        ? judgeFraction(
            space,
            bytesUsedFraction(space.bytes.value),
            `${formatBytes(space.bytes.value.availableBytes)} free`,
            bands,
          )
        : unsure(`${space.tier.id}: ${space.bytes.reason}`)),
  )
  return summed(verdicts, 'error', 'no tier has a path on this host')
}

/** Inodes used on each tier's file system. One that has no inode table cannot run out of it: unknown, as a warning. */
export function judgeInodes(spaces: readonly TierSpace[], bands: FillBands = fillBands): Verdict {
  const verdicts = spaces.map((space) => {
    if (space.inodes.isKnown)
      return judgeFraction(
        space,
        inodesUsedFraction(space.inodes.value),
        `${formatCount(space.inodes.value.free)} inodes free`,
        bands,
      )
    const cap = space.tier.inodeCap
    const reason = `${space.tier.id}: ${space.inodes.reason}`
    return unsure(cap === undefined ? reason : `${reason}; the profile's cap is ${formatCount(cap)} files`, {
      severity: space.bytes.isKnown ? 'warn' : 'error',
    })
  })
  return summed(verdicts, 'error', 'no tier has a path on this host')
}

function summed(verdicts: readonly Verdict[], usual: 'error' | 'warn', none: string): Verdict {
  const hardest = worst(verdicts, usual)
  if (hardest === null) return unsure(none)
  return { ...hardest, detail: verdicts.map((verdict) => verdict.summary) }
}

export interface BudgetInput {
  readonly checkpointBytes: number
  readonly checkpointCount: number
  readonly scratchBytes: number
  readonly artifactBytes: number
  readonly inputBytes: number
  /** What the plan says it needs at least, if it says so. */
  readonly declaredBytes: number | null
  /** True when the size of a checkpoint comes from the smoke. */
  readonly isMeasured: boolean
  readonly files: number
}

/** Bytes that the run needs at once. */
export function budgetBytes(input: BudgetInput): number {
  const counted =
    input.checkpointBytes * input.checkpointCount + input.scratchBytes + input.artifactBytes + input.inputBytes
  return Math.max(counted, input.declaredBytes ?? 0)
}

/** Checkpoints x size + scratch against what is free on the data tier, in bytes and in inodes: it stops the walk. */
export function judgeCheckpointBudget(
  input: BudgetInput,
  bytes: Reading<DiskBytes>,
  inodes: Reading<DiskInodes>,
): Verdict {
  const needBytes = budgetBytes(input)
  const arithmetic =
    `${formatCount(input.checkpointCount)} checkpoints x ${formatBytes(input.checkpointBytes)}` +
    `${input.isMeasured ? ' (measured)' : ' (as planned)'} + scratch ${formatBytes(input.scratchBytes)}` +
    ` + artifacts ${formatBytes(input.artifactBytes)} + inputs ${formatBytes(input.inputBytes)}`
  const value = { needBytes, needInodes: input.files }
  if (!bytes.isKnown) return unsure(bytes.reason, { detail: [arithmetic], value })
  const free = bytes.value.availableBytes
  const more = { detail: [arithmetic], value: { ...value, freeBytes: free } }
  if (needBytes > free)
    return fail(`needs ${formatBytes(needBytes)}, ${formatBytes(free)} free`, {
      ...more,
      fix: `Free ${formatBytes(needBytes - free)}, keep fewer checkpoints, or ask for a larger disk; do not shrink the experiment silently.`,
    })
  if (inodes.isKnown && input.files > inodes.value.free)
    return fail(`needs ${formatCount(input.files)} inodes, ${formatCount(inodes.value.free)} free`, more)
  return pass(`needs ${formatBytes(needBytes)}, ${formatBytes(free)} free`, more)
}

/** Small files that the plan will make against the inodes that are free. */
export function judgeInodeBudget(files: number, inodes: Reading<DiskInodes>, cap: number | null): Verdict {
  const value = { needInodes: files }
  if (!inodes.isKnown) {
    if (cap === null) return unsure(inodes.reason, { value })
    return files > cap
      ? fail(`about ${formatCount(files)} files, the profile's cap is ${formatCount(cap)}`, { value })
      : pass(`about ${formatCount(files)} files, within the profile's cap of ${formatCount(cap)}`, { value })
  }
  const text = `about ${formatCount(files)} files, ${formatCount(inodes.value.free)} inodes free`
  return files > inodes.value.free ? fail(text, { value }) : pass(text, { value })
}

/** Whether the profile says what each tier survives; shown beside each path. */
export function judgeSurvivalMatrix(profile: Profile, paths: ReadonlyMap<string, string | null>): Verdict {
  const detail = profile.storage.tiers.map((tier) => {
    const says = (event: LossEvent) => `${event}: ${survivalText(tier.survives[event])}`
    return `${tier.id} (${tier.purpose}) ${paths.get(tier.id) ?? tier.path}: ${says('reboot')}; ${says('stop')}; ${says('destroy')}`
  })
  const missing = (['data', 'durable'] as const).filter(
    (purpose) => !profile.storage.tiers.some((tier) => tier.purpose === purpose),
  )
  if (missing.length > 0) return fail(`the profile names no ${missing.join(' and no ')} tier`, { detail })
  const unresolved = profile.storage.tiers.filter((tier) => (paths.get(tier.id) ?? null) === null)
  if (unresolved.length > 0)
    return unsure(`the path of ${unresolved.map((tier) => tier.id).join(', ')} is not known on this host`, { detail })
  return pass(`${profile.storage.tiers.length} tiers, each with what it survives`, { detail })
}

/** The event that a checkpoint must outlive: the verb by which this platform's meter ends. */
export function intendedEvent(profile: Profile): LossEvent {
  const verb = profile.billing.verbs.find((each) => each.verb === profile.meterStopVerb)
  if (verb?.event !== undefined) return verb.event
  // The owner's act, outside kx (handbook platforms 5): what a run sees coming there is a reboot.
  if (profile.meterStopVerb === 'manual') return 'reboot'
  if (hasNoMeter(profile) || profile.meterStopIrreversible === 'not-applicable') return 'reboot'
  return profile.meterStopIrreversible === 'false' ? 'stop' : 'destroy'
}

/** Where checkpoints really lie, behind links. */
export interface CheckpointPlace {
  readonly path: string
  /** The tier that this belongs to; null: none that the profile names. */
  readonly tier: Tier | null
  readonly mountType: string | null
}

/**
 * Whether checkpoints outlive the act by which this machine's meter ends; beside it, what becomes of them under every verb of
 * the profile. Behind a link, another tier's survival may hold.
 */
export function judgeCheckpointTier(
  profile: Profile,
  tier: Tier | null,
  path: string | null,
  place: CheckpointPlace | null = null,
): Verdict {
  if (tier === null) return fail('the profile names no data tier for checkpoints')
  if (path === null) return unsure(`the path of tier ${tier.id} is not known on this host`)
  const event = intendedEvent(profile)
  const isBehind = place !== null && place.path !== path
  const holds = isBehind ? (place.tier ?? tier) : tier
  const behind = !isBehind
    ? ''
    : `, really ${place.path}${place.tier === null ? ' (no tier of the profile; taken for this one)' : place.tier === tier ? '' : ` on tier ${holds.id}`}`
  const text = `checkpoints lie on ${tier.id} (${path}${behind}); after ${event}: ${survivalText(holds.survives[event])}`
  const value = { tier: holds.id, path, real: place?.path ?? null, event, survival: holds.survives[event] }
  const detail = [
    `after reboot: ${survivalText(holds.survives.reboot)}`,
    ...profile.billing.verbs.map((verb) => `${verb.verb}: ${underVerb(holds, verb)}`),
  ]
  const mountType = place?.mountType ?? null
  if (mountType !== null && inMemory.test(mountType))
    return fail(
      `checkpoints lie on ${tier.id} (${path}${behind}), which is memory (${mountType}): nothing outlives it`,
      {
        value,
        detail,
      },
    )
  return isKeptAfter(holds, event) ? pass(text, { value, detail }) : fail(text, { value, detail })
}

const inMemory = /^(tmpfs|ramfs|devtmpfs)$/

/** What one verb of the meter table does to a tier: what it names itself goes before the column that it goes by. */
function underVerb(tier: Tier, verb: Profile['billing']['verbs'][number]): string {
  if (verb.loses?.includes(tier.id)) return survivalText('lost')
  if (verb.bills?.includes(tier.id)) return survivalText('bills')
  if (verb.event !== undefined) return survivalText(tier.survives[verb.event])
  return verb.ends === 'nothing' ? `goes on; dies: ${verb.dies}` : `not said by the profile; dies: ${verb.dies}`
}

/**
 * The tier whose path lies deepest above a place; null: none. A mount of its own below a tier is another disk, and nothing is
 * known of that from the tier.
 */
export function tierAt(tiers: readonly TierPath[], place: string, mountPoint: string | null): Tier | null {
  let best: { tier: Tier; path: string } | null = null
  for (const { tier, path } of tiers) {
    if (path === null || !isAt(path, place)) continue
    if (best === null || path.length > best.path.length) best = { tier, path }
  }
  if (best === null) return null
  const isOtherDisk = mountPoint !== null && mountPoint !== best.path && isAt(best.path, mountPoint)
  return isOtherDisk ? null : best.tier
}

interface TierPath {
  readonly tier: Tier
  readonly path: string | null
}

const isAt = (above: string, place: string) => above === '/' || place === above || place.startsWith(`${above}/`)

/** File systems that come over the network, so that they can only be mounted where they are. */
const networkType = /^(nfs|ceph|lustre|glusterfs|beegfs|gpfs|cifs|smb|9p|fuse\.(?!snap|portal|gvfs|lxcfs))/

/** A shared place of one region is seen to be in the region of the machine when it is mounted there, over the network. */
export function judgeRegionLock(
  profile: Pick<Profile, 'platform' | 'sharedFileSystem'>,
  space: Pick<TierSpace, 'path' | 'real' | 'mount'> | null,
): Verdict {
  const shared = profile.sharedFileSystem
  if (shared.path === null) return notApplicable(`${profile.platform} has no shared or network volume by its profile`)
  if (!shared.regionLocked) return notApplicable(`${shared.path} is not bound to a region by the profile`)
  if (space === null || space.path === null) return unsure(`where ${shared.path} lies on this host`)
  if (space.real?.isKnown && space.real.value.state !== 'there')
    return fail(`${space.path} is not there: no shared storage is mounted on this machine`)
  if (space.mount === undefined || !space.mount.isKnown) return unsure(`which mount ${space.path} lies on`)
  const { point, type, source } = space.mount.value
  const value = { path: space.path, point, type, source }
  if (point === '/') return fail(`${space.path} lies on the disk of the machine, not on shared storage`, { value })
  return networkType.test(type)
    ? pass(`${space.path} is mounted here (${type} from ${source}), so both are in one region`, { value })
    : unsure(`${space.path} is a mount of its own (${type}), whose region cannot be read from here`, { value })
}

/** Files on the top level of a durable place whose names look like credentials. */
const keyLike =
  /^(id_(rsa|dsa|ecdsa|ed25519)|.*\.(pem|key|p12|pfx|kdbx)|\.env(\..*)?|credentials(\.json)?|\.netrc|.*_token|kaggle\.json|\.?aws|service-account.*\.json)$/i

export function judgeSharedSecrets(names: readonly string[], path: string): Verdict {
  const found = names.filter((name) => keyLike.test(name) && !/\.pub$/i.test(name))
  return found.length === 0
    ? pass(`no key-like file on the top level of ${path}`, { value: { looked: names.length } })
    : fail(`${formatCount(found.length)} key-like on ${path}: ${found.slice(0, 5).join(', ')}`, { detail: found })
}
