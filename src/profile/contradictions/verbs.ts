import type { MeterVerb, Tier } from '../schema.ts'
import { type Found, type Rule, wrong } from './found.ts'

const verbAt = (i: number, key: keyof MeterVerb): Found['path'] => ['billing', 'verbs', i, key]

/** The survival matrix and the meter table say the same of what dies and what bills (handbook platforms 4 and 5). */
export const survival: Rule = (profile) =>
  profile.billing.verbs.flatMap((verb, i) => {
    const { event } = verb
    const ids = profile.storage.tiers.map((tier) => tier.id)
    const found: Found[] = []
    for (const key of ['loses', 'bills'] as const)
      for (const id of verb[key] ?? [])
        if (!ids.includes(id))
          found.push(
            wrong(
              'no-such-tier',
              verbAt(i, key),
              `names the tier ${id}, which is not there`,
              `Name one of ${ids.join(', ')}`,
            ),
          )
    if (event === undefined) return found
    for (const tier of profile.storage.tiers) found.push(...againstTier(verb, i, tier, tier.survives[event]))
    return found
  })

function againstTier(verb: MeterVerb, i: number, tier: Tier, says: Tier['survives']['stop']): Found[] {
  const { event = 'stop' } = verb
  const isLost = (verb.loses ?? []).includes(tier.id)
  const isBilled = (verb.bills ?? []).includes(tier.id)
  const what = `tier ${tier.id}`
  if (isLost && isBilled)
    return [
      wrong(
        'verb-bills',
        verbAt(i, 'bills'),
        `${what} cannot die and bill on after ${verb.verb}`,
        'Take it out of one list',
      ),
    ]
  if (says === 'not-applicable')
    return [
      wrong(
        'no-such-act',
        verbAt(i, 'verb'),
        `${what} says that there is no ${event} here, and ${verb.verb} is one`,
        `Say what the tier survives, or take \`event\` out`,
      ),
    ]
  if (isLost && (says === 'survives' || says === 'bills'))
    return [
      wrong(
        'verb-loses',
        verbAt(i, 'loses'),
        `${what} dies with ${verb.verb}, and its own line says that it survives a ${event}`,
        'Correct one of the two',
      ),
    ]
  if (!isLost && says === 'lost')
    return [
      wrong(
        'verb-loses',
        verbAt(i, 'loses'),
        `${what} is lost at a ${event}, and ${verb.verb} does not say so`,
        `Add ${tier.id} to \`loses\``,
      ),
    ]
  if (!isBilled && says === 'bills')
    return [
      wrong(
        'verb-bills',
        verbAt(i, 'bills'),
        `${what} bills on after a ${event}, and ${verb.verb} does not say so`,
        `Add ${tier.id} to \`bills\``,
      ),
    ]
  if (isBilled && says === 'survives')
    return [
      wrong(
        'verb-bills',
        verbAt(i, 'bills'),
        `${what} bills on after ${verb.verb}, and its own line says only that it survives`,
        `Write \`${event}: bills\` there`,
      ),
    ]
  return []
}

/** What a verb says of itself. */
export const verbs: Rule = (profile) =>
  profile.billing.verbs.flatMap((verb, i): Found[] => {
    const found: Found[] = []
    const billing = verb.bills ?? []
    if (verb.ends === 'everything' && billing.length > 0)
      found.push(
        wrong(
          'verb-ends',
          verbAt(i, 'ends'),
          `ends everything, and ${billing.join(', ')} bill on`,
          'Write `ends: compute`',
        ),
      )
    if (/^nothing[.]?$/i.test(verb.stillBills.trim()) && billing.length > 0)
      found.push(
        wrong(
          'still-bills',
          verbAt(i, 'stillBills'),
          `says nothing, and ${billing.join(', ')} bill on`,
          'Say what still bills',
        ),
      )
    if (/^nothing[.]?$/i.test(verb.dies.trim()) && (verb.loses ?? []).length > 0)
      found.push(
        wrong(
          'dies',
          verbAt(i, 'dies'),
          `says nothing, and ${(verb.loses ?? []).join(', ')} are lost`,
          'Say what dies',
        ),
      )
    if (
      !verb.isReversible &&
      verb.warning === undefined &&
      !profile.dangerClocks.some((clock) => clock.what.includes(verb.verb))
    )
      found.push(
        wrong(
          'no-warning',
          verbAt(i, 'verb'),
          `${verb.verb} cannot be undone, and neither a warning nor a danger clock speaks of it`,
          'Add `warning:` to the verb',
        ),
      )
    return found
  })
