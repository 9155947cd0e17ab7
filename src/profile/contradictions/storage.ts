import { type Found, type Rule, wrong } from './found.ts'

export const storage: Rule = (profile) => {
  const { tiers } = profile.storage
  const found: Found[] = []
  for (const purpose of ['data', 'durable'] as const)
    if (!tiers.some((tier) => tier.purpose === purpose))
      found.push(
        wrong('no-tier', ['storage', 'tiers'], `no tier is for ${purpose}`, `Add a tier with \`purpose: ${purpose}\``),
      )
  tiers.forEach((tier, i) => {
    if (tier.purpose === 'durable' && tier.survives.destroy === 'lost')
      found.push(
        wrong(
          'not-durable',
          ['storage', 'tiers', i, 'survives', 'destroy'],
          `${tier.id} is called durable and dies with the machine`,
          'Call it data, or correct the survival',
        ),
      )
    const { stop, destroy } = tier.survives
    if (stop === 'lost' && (destroy === 'survives' || destroy === 'bills'))
      found.push(
        wrong(
          'survival-order',
          ['storage', 'tiers', i, 'survives'],
          `${tier.id} is lost at a stop and outlives the end of the machine`,
          'Correct one of the two',
        ),
      )
  })
  const { path, regionLocked } = profile.sharedFileSystem
  const shared = tiers.find((tier) => tier.path === path)
  if (path !== null && shared === undefined)
    found.push(
      wrong('shared', ['sharedFileSystem', 'path'], `${path} is no path of a tier`, 'Add the tier, or write null'),
    )
  if (shared !== undefined && shared.regionLocked !== regionLocked)
    found.push(
      wrong(
        'shared',
        ['sharedFileSystem', 'regionLocked'],
        `says ${regionLocked}, and tier ${shared.id} says ${shared.regionLocked}`,
        'Correct one of the two',
      ),
    )
  if (typeof profile.inodeCap === 'number' && !tiers.some((tier) => tier.inodeCap === profile.inodeCap))
    found.push(
      wrong(
        'inode-cap',
        ['inodeCap'],
        `no tier has the cap of ${profile.inodeCap}`,
        'Write `inodeCap` at the tier that it holds for',
      ),
    )
  if (
    profile.localNvme === 'ephemeral' &&
    !tiers.some(({ survives }) => survives.stop === 'lost' || survives.destroy === 'lost')
  )
    found.push(
      wrong(
        'nvme',
        ['localNvme'],
        'the NVMe is ephemeral, and no tier is lost',
        'Say at its tier what it does not survive',
      ),
    )
  for (const [name, purposes] of [
    ['DATA_DIR', ['data', 'durable']],
    ['DURABLE_DIR', ['durable']],
  ] as const) {
    const value = profile.overrides[name]
    if (
      value === undefined ||
      value === '' ||
      tiers.some((tier) => tier.path === value && (purposes as readonly string[]).includes(tier.purpose))
    )
      continue
    found.push(
      wrong(
        'override-path',
        ['overrides', name],
        `${value} is the path of no ${purposes.join(' or ')} tier`,
        'Write the path of the tier',
      ),
    )
  }
  return found
}

/** Entries are told apart by their names, in `extends` too. */
export const twice: Rule = (profile) => {
  const lists = [
    [['storage', 'tiers'], 'id', profile.storage.tiers.map((t) => t.id)],
    [['billing', 'verbs'], 'verb', profile.billing.verbs.map((v) => v.verb)],
    [['billing', 'rates'], 'id', profile.billing.rates.map((r) => r.id)],
    [['dangerClocks'], 'id', profile.dangerClocks.map((c) => c.id)],
    [['gotchas'], 'id', profile.gotchas.map((g) => g.id)],
  ] as const
  return lists.flatMap(([path, key, names]) =>
    (names as readonly string[]).flatMap((name, i) =>
      (names as readonly string[]).indexOf(name) === i
        ? []
        : [wrong('twice', [...path, i, key], `${name} stands twice`, 'Give each its own name')],
    ),
  )
}
