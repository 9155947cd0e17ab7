import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { loadProfiles } from '../../../src/profile/load.ts'
import { profileSchema } from '../../../src/profile/schema.ts'
import { staleFacts } from '../../../src/profile/staleness.ts'
import { withStatedPrice } from '../../../src/profile/stated-price.ts'
import { planSchema } from '../../../src/spec/schema.ts'
import { smallPlan } from '../audit/support.ts'

const { profiles } = await loadProfiles({ builtIn: resolve(import.meta.dirname, '../../../profiles'), user: null })
const generic = profiles.get('generic-ssh')?.profile
if (generic === undefined) throw new Error('no generic-ssh')
const price = { usdPerHour: 0.4, statedOn: '2026-11-22', source: 'the invoice' }

it('gives a host that no profile prices the price of the plan, as the word of its user', () => {
  const priced = withStatedPrice(generic, price)
  expect(priced.billing).toMatchObject({
    usdPerHour: 0.4,
    currency: 'USD',
    priceSource: 'stated by the user on 2026-11-22: the invoice',
    verified: '2026-11',
  })
  expect(() => profileSchema.parse(priced)).not.toThrow()
  expect(withStatedPrice(generic, undefined)).toBe(generic)
  // A zero that is stated is no proof that nothing bills there.
  expect(withStatedPrice(generic, { ...price, usdPerHour: 0 }).billing.currency).toBe('USD')
})

it('goes stale after six months like any other price', () => {
  const stale = (month: number) =>
    staleFacts(withStatedPrice(generic, price), Date.UTC(2026, month, 15)).some(
      ({ path }) => path[0] === 'billing' && path.length === 1,
    )
  expect([stale(10), stale(15), stale(16)]).toEqual([false, false, true])
})

it('stands in the plan by the name of the host, and only so', () => {
  const parse = (prices: unknown) => planSchema.safeParse({ ...smallPlan, prices }).success
  expect(parse({ box: price })).toBe(true)
  expect(parse({ box: { usdPerHour: 0.4 } })).toBe(false)
  expect(parse({ box: { ...price, usdPerHour: -1 } })).toBe(false)
  expect(parse({ box: { ...price, statedOn: 'yesterday' } })).toBe(false)
  expect(planSchema.parse(smallPlan).prices).toBeUndefined()
})
