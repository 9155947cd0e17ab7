import { hasNoMeter } from '../tiers.ts'
import { type Found, type Rule, wrong } from './found.ts'

/** The verb that ends the meter is one of the verbs, and says of itself what the head of the profile says. */
export const meterStop: Rule = (profile) => {
  const { meterStopVerb, meterStopIrreversible } = profile
  const verb = profile.billing.verbs.find((each) => each.verb === meterStopVerb)
  if (verb === undefined)
    return [
      wrong(
        'meter-stop-verb',
        ['meterStopVerb'],
        `${meterStopVerb} is not among billing.verbs`,
        `Write one of ${profile.billing.verbs.map((v) => v.verb).join(', ')}`,
      ),
    ]
  const says = { true: false, false: true } as const
  if (
    (meterStopIrreversible === 'true' || meterStopIrreversible === 'false') &&
    verb.isReversible !== says[meterStopIrreversible]
  )
    return [
      wrong(
        'meter-stop-irreversible',
        ['meterStopIrreversible'],
        `says ${meterStopIrreversible}, and ${meterStopVerb} ${verb.isReversible ? 'can' : 'cannot'} be undone`,
        'Correct one of the two',
      ),
    ]
  if (meterStopIrreversible === 'not-applicable' && !hasNoMeter(profile))
    return [
      wrong(
        'meter-stop-irreversible',
        ['meterStopIrreversible'],
        'a platform with a meter has a verb that ends it',
        'Write "true", "false" or mixed',
      ),
    ]
  if (!hasNoMeter(profile) && (verb.ends === 'nothing' || verb.ends === 'storage'))
    return [
      wrong(
        'meter-stop-verb',
        ['meterStopVerb'],
        `${meterStopVerb} ends ${verb.ends}, not the meter`,
        'Name the verb that ends compute',
      ),
    ]
  return []
}

/** Only what is reversible and loses nothing that is needed may happen by itself (handbook platforms 12). */
export const park: Rule = ({ park: { verb: name, isAutomatic }, billing, storage }) => {
  const verb = billing.verbs.find((each) => each.verb === name)
  if (name === null)
    return isAutomatic
      ? [wrong('park', ['park', 'isAutomatic'], 'there is no verb to park with', 'Write `isAutomatic: false`')]
      : []
  if (verb === undefined)
    return [wrong('park', ['park', 'verb'], `${name} is not among billing.verbs`, 'Name one of them, or null')]
  if (!isAutomatic) return []
  if (!verb.isReversible)
    return [
      wrong(
        'park',
        ['park', 'isAutomatic'],
        `${name} cannot be undone, so kx never does it by itself`,
        'Write `isAutomatic: false`',
      ),
    ]
  const durable = storage.tiers.find((tier) => tier.purpose === 'durable' && (verb.loses ?? []).includes(tier.id))
  if (durable === undefined) return []
  return [
    wrong(
      'park',
      ['park', 'isAutomatic'],
      `${name} loses the durable tier ${durable.id}`,
      'Write `isAutomatic: false`',
    ),
  ]
}

export const money: Rule = (profile) => {
  const { currency, usdPerHour } = profile.billing
  const found: Found[] = []
  if (currency === 'none' && usdPerHour !== 0)
    found.push(
      wrong(
        'price',
        ['billing', 'usdPerHour'],
        'nobody bills here, and the price is not 0',
        'Write 0, or name the currency',
      ),
    )
  if (currency !== 'none' && usdPerHour === 0)
    found.push(
      wrong(
        'price',
        ['billing', 'usdPerHour'],
        `it is billed in ${currency === 'unknown' ? 'some currency' : currency}, and the price is 0`,
        'Write null when the price is not known, or `currency: none`',
      ),
    )
  if (!hasNoMeter(profile) && profile.dangerClocks.length === 0)
    found.push(
      wrong(
        'no-clock',
        ['dangerClocks'],
        'a meter runs here, and no danger clock is named',
        'Name at least what happens when it is forgotten',
      ),
    )
  profile.dangerClocks.forEach((clock, i) => {
    if (clock.afterHours !== null && clock.afterSeconds !== undefined)
      found.push(
        wrong(
          'clock',
          ['dangerClocks', i, 'afterSeconds'],
          'the clock has two durations',
          'Keep afterHours, or write `afterHours: null`',
        ),
      )
  })
  return found
}
