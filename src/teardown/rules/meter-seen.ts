import type { MeterVerb, Profile } from '../../profile/schema.ts'
import { hasNoMeter } from '../../profile/tiers.ts'
import { isSameMachine } from '../../walk/graph.ts'
import type { MachineSight, MeterStatement } from '../../walk/meter.ts'
import type { HostIdentity } from '../../walk/proof.ts'

/** What one look shows, and what it does not: both are told, so that nobody takes the one for the other. */
export interface SightMeaning {
  /** `up`: the machine of the run answers. `changed`: what was there is not there. `silent`: neither can be told. */
  readonly shows: 'up' | 'changed' | 'silent'
  readonly proves: string
  readonly provesNot: string
}

/** Two looks this far apart must agree (handbook lifecycle 6.7, `teardown.gone`). */
export const confirmGapMs = 30_000

/** The meaning of a look, against the machine as it was at the launch. */
export function meaningOf(sight: MachineSight, before: HostIdentity | null): SightMeaning {
  switch (sight.kind) {
    case 'answers':
      return answered(sight.identity, before)
    case 'no-entry':
      return {
        shows: 'silent',
        proves: 'something with the known host key is on',
        provesNot: 'which boot of it, or whether its meter runs',
      }
    case 'other-key':
      return {
        shows: 'changed',
        proves: 'whoever answers there shows another host key',
        provesNot: 'that the machine of the run was ended: it may have been set up anew, or moved',
      }
    case 'other-machine':
      return otherMachine
    case 'no-name':
      return {
        shows: 'changed',
        proves: 'its name is given to nobody now',
        provesNot: 'that the machine is off: a name is not a machine',
      }
    case 'refuses':
      return {
        shows: 'silent',
        proves: 'something at that address is on, and its SSH port is closed',
        provesNot: 'that the machine was ended: refused is not dead',
      }
    case 'unreachable':
      return { shows: 'silent', proves: 'nothing', provesNot: 'anything: the way there may be broken' }
  }
}

function answered(identity: HostIdentity | null, before: HostIdentity | null): SightMeaning {
  if (identity === null || before === null)
    return { shows: 'silent', proves: 'a machine answers', provesNot: 'whether it is the one of the run' }
  const isSame = isSameMachine(identity, before) && !isOtherInstance(identity, before)
  if (isSame)
    return {
      shows: 'up',
      proves:
        identity.bootId === before.bootId
          ? 'the machine of the run is on'
          : 'the machine of the run is on; it was started again since',
      provesNot: 'what it costs now',
    }
  return otherMachine
}

const otherMachine: SightMeaning = {
  shows: 'changed',
  proves: 'another machine answers at that address',
  provesNot: 'that the machine of the run was ended: it may be stopped, and its disk may bill',
}

const isOtherInstance = (a: HostIdentity, b: HostIdentity): boolean =>
  a.instanceId != null && b.instanceId != null && a.instanceId !== b.instanceId

export interface MeterFacts {
  readonly profile: Profile
  /** The machine as it was at the launch; null: no record of it. */
  readonly before: HostIdentity | null
  /** Oldest first. */
  readonly sights: readonly MachineSight[]
  readonly statements: readonly MeterStatement[]
}

/** `stated`: a person says so, and nobody has seen it. */
export type MeterStanding = 'none' | 'up' | 'unconfirmed' | 'confirmed' | 'stated'

export interface MeterJudgement {
  readonly standing: MeterStanding
  /** One line, with what it rests on. */
  readonly summary: string
  /** What goes on billing after the verb; null: nothing is known to. */
  readonly stillBills: string | null
}

/** The verb that ends the compute meter of this platform by its profile; null: it names none whose effect is known. */
function endingVerb(profile: Profile, named: string): MeterVerb | null {
  const verb = profile.billing.verbs.find((each) => each.verb === named)
  return verb !== undefined && (verb.ends === 'everything' || verb.ends === 'compute') ? verb : null
}

/**
 * Where a meter stands that kx cannot turn off itself. It is confirmed only when a person says that the verb was carried out,
 * the profile knows what that verb ends, and two looks half a minute apart, both after it was said, see that what was there
 * is gone. A changed host key counts only for a verb that cannot be undone: after the others the same machine may come back
 * under a new key. Everything else is still billing, unconfirmed.
 */
export function judgeMeter({ profile, before, sights, statements }: MeterFacts): MeterJudgement {
  const stillBills = (verb: string) => profile.billing.verbs.find((each) => each.verb === verb)?.stillBills ?? null
  if (hasNoMeter(profile))
    return { standing: 'none', summary: 'no meter runs on this machine by its profile', stillBills: null }
  const ended = statements.findLast((each) => each.what === 'ended')
  if (ended !== undefined)
    return {
      standing: 'stated',
      summary: `ended, as ${ended.by} says, not seen: ${ended.text}`,
      stillBills: stillBills(ended.verb),
    }
  const last = sights.at(-1)
  const open = { stillBills: stillBills(profile.meterStopVerb) }
  if (last === undefined)
    return { standing: 'unconfirmed', summary: 'still billing, unconfirmed: nobody has looked', ...open }
  const meaning = meaningOf(last, before)
  if (meaning.shows === 'up') return { standing: 'up', summary: `still billing: ${meaning.proves}`, ...open }
  const because = `${last.words}; it proves ${meaning.proves}, not ${meaning.provesNot}`
  const unconfirmed = (why: string): MeterJudgement => ({
    standing: 'unconfirmed',
    summary: `still billing, unconfirmed: ${because}. ${why}`,
    ...open,
  })
  if (meaning.shows === 'silent') return unconfirmed('Look at the console of whoever bills it.')
  const done = statements.findLast((each) => each.what === 'done')
  if (done === undefined) return unconfirmed('Nobody has said that the verb was carried out (--done).')
  const verb = endingVerb(profile, done.verb)
  if (verb === null) return unconfirmed(`The profile does not know what "${done.verb}" ends.`)
  if (last.kind === 'other-key' && verb.isReversible)
    return unconfirmed(`After "${verb.verb}" the same machine may come back under a new key.`)
  const since = sights.filter((sight) => sight.atMs >= done.atMs)
  const agreeing = since.slice(since.findLastIndex((sight) => sight.kind !== last.kind) + 1)
  const first = agreeing.find((sight) => meaningOf(sight, before).shows === 'changed')
  if (first === undefined || last.atMs - first.atMs < confirmGapMs)
    return unconfirmed(`It takes a second look, ${confirmGapMs / 1000} s after the first.`)
  return {
    standing: 'confirmed',
    summary: `${verb.verb} carried out as ${done.by} says, and seen twice: ${last.words}`,
    stillBills: verb.stillBills,
  }
}
