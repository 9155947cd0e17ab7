import type { MeterVerb, Profile } from './schema.ts'

/** What the guard of a lease may do on the machine itself, beyond saving and raising an alarm. */
export type ParkOnBox =
  | {
      readonly kind: 'command'
      readonly verb: string
      readonly command: readonly string[]
      /** What goes on billing afterwards: shown with the approval. */
      readonly stillBills: string
    }
  | { readonly kind: 'none'; readonly why: string }

/**
 * The one act that may happen by itself at the end of a lease (handbook platforms 12): the profile parks by it, it can be
 * undone, it ends the meter of the machine, it loses neither the data tier nor a durable one, and somebody has seen it done
 * from the machine itself. Where one of these does not hold there is none, with the reason.
 */
export function parkOnBox(profile: Profile): ParkOnBox {
  const none = (why: string): ParkOnBox => ({ kind: 'none', why })
  const { park, billing } = profile
  if (park.verb === null) return none(park.note)
  const verb = billing.verbs.find((each) => each.verb === park.verb)
  if (verb === undefined) return none(`the profile has no verb ${park.verb}`)
  if (!park.isAutomatic) return none(`${verb.verb} is left to a person: ${park.note}`)
  if (!verb.isReversible) return none(`${verb.verb} cannot be undone`)
  if (verb.ends !== 'compute' && verb.ends !== 'everything') return none(`${verb.verb} does not end the meter`)
  const lost = tiersLost(profile, verb)
  if (lost.length > 0) return none(`${verb.verb} loses ${lost.join(', ')}, where the run keeps its work`)
  if (verb.onBox === 'never') return none(`${verb.verb} cannot be done from the machine itself`)
  if (verb.onBox === 'unknown') return none(`whether ${verb.verb} can be done from the machine itself is not known`)
  const { command, condition, isConfirmed } = verb.onBox
  if (!isConfirmed)
    return none(
      `${verb.verb} from the machine itself is not confirmed${condition === undefined ? '' : `; it takes that ${condition}`}`,
    )
  return { kind: 'command', verb: verb.verb, command, stillBills: verb.stillBills }
}

/** Tiers with work on them that a verb would lose; what is not known counts as lost. */
function tiersLost({ storage }: Profile, verb: MeterVerb): readonly string[] {
  const { event } = verb
  return storage.tiers
    .filter(({ purpose }) => purpose === 'data' || purpose === 'durable')
    .filter(({ id, survives }) => {
      if (verb.loses?.includes(id) === true) return true
      return event !== undefined && survives[event] !== 'survives' && survives[event] !== 'bills'
    })
    .map(({ id }) => id)
}

/** What happens at the end of a lease on a machine of this platform, in words for a person who is to approve it. */
export function guardActText(profile: Profile): string {
  const park = parkOnBox(profile)
  return park.kind === 'command'
    ? `save, end the units, and ${park.verb}; ${park.stillBills} bills on`
    : `save and raise an alarm, and let the work go on (${park.why})`
}
