import type { Profile } from '../schema.ts'
import { meterStop, money, park } from './billing.ts'
import type { Found, Rule } from './found.ts'
import { onBox } from './on-box.ts'
import { detach, mirrors, network, spot } from './reach.ts'
import { storage, twice } from './storage.ts'
import { survival, verbs } from './verbs.ts'

const rules: readonly Rule[] = [
  survival,
  verbs,
  meterStop,
  park,
  onBox,
  spot,
  detach,
  network,
  storage,
  money,
  mirrors,
  twice,
]

/** Facts of one profile that cannot all be true. Pure. */
export function contradictions(profile: Profile): readonly Found[] {
  return rules.flatMap((rule) => rule(profile))
}
