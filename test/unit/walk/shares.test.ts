import { describe, expect, it } from 'vitest'
import {
  type Assignment,
  type Capacity,
  countedOf,
  holdersOf,
  nextGeneration,
  ownersOf,
  releasedOf,
  shareOf,
  spread,
} from '../../../src/walk/shares.ts'

/** Small, fast and the same every time for a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const capacity = (host: string, workers: number, unitSeconds: number | null, pending = 0): Capacity => ({
  host,
  workers,
  unitSeconds,
  pending,
})
const names = (count: number) => Array.from({ length: count }, (_, i) => `unit-${i}`)
const sizes = (units: number, hosts: readonly Capacity[], isSequential = false) =>
  Object.fromEntries(spread(names(units), hosts, { isSequential }).shares.map((s) => [s.host, s.units.length]))

describe('the spread of units over hosts', () => {
  it('goes by measured seconds and workers', () => {
    expect(sizes(30, [capacity('a', 1, 10), capacity('b', 2, 10)])).toEqual({ a: 10, b: 20 })
    expect(sizes(30, [capacity('a', 1, 20), capacity('b', 1, 10)])).toEqual({ a: 10, b: 20 })
    expect(spread(names(2), [capacity('a', 1, 20), capacity('b', 1, 10)]).basis).toBe(
      'by measured seconds of a unit: a 20 s on 1, b 10 s on 1',
    )
  })

  it('is equal by workers, and says so, where one host was not measured', () => {
    expect(sizes(30, [capacity('a', 1, 20), capacity('b', 1, null)])).toEqual({ a: 15, b: 15 })
    expect(spread(names(2), [capacity('a', 1, 20), capacity('b', 1, null)]).basis).toContain(
      'equal by workers: no measured seconds of a unit on b',
    )
  })

  it('counts what a host has to do already, and keeps a sequential plan together', () => {
    expect(sizes(4, [capacity('a', 1, 10, 4), capacity('b', 1, 10)])).toEqual({ b: 4 })
    expect(sizes(4, [capacity('a', 1, 20), capacity('b', 1, 10)], true)).toEqual({ b: 4 })
    expect(sizes(4, [capacity('a', 0, 10)])).toEqual({})
  })

  it('gives every unit to exactly one host and ends no later than any other split of equal units', () => {
    for (let seed = 0; seed < 500; seed += 1) {
      const random = randomFrom(seed)
      const hosts = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, i) =>
        capacity(`h${i}`, 1 + Math.floor(random() * 3), 1 + Math.floor(random() * 20)),
      )
      const units = names(Math.floor(random() * 12))
      const { shares } = spread(units, hosts)
      expect(shares.flatMap((share) => share.units).sort()).toEqual([...units].sort())
      const endOf = (counts: readonly number[]) =>
        Math.max(0, ...hosts.map((h, i) => Math.ceil((counts[i] ?? 0) / h.workers) * (h.unitSeconds ?? 1)))
      const given = hosts.map((h) => shares.find((share) => share.host === h.host)?.units.length ?? 0)
      let best = Number.POSITIVE_INFINITY
      const all = (left: number, counts: readonly number[]): void => {
        if (counts.length === hosts.length - 1) best = Math.min(best, endOf([...counts, left]))
        else for (let n = 0; n <= left; n += 1) all(left - n, [...counts, n])
      }
      all(units.length, [])
      expect([seed, endOf(given)]).toEqual([seed, best])
    }
  })
})

interface World {
  readonly assignments: Assignment[]
  /** What lies complete on each host, as the disks there have it. */
  readonly disk: Map<string, Set<string>>
  readonly reachable: Set<string>
}

/** Deaths, returns, doubles and give-backs in any order; hosts go on with what they had, as machines do. */
function life(seed: number): { readonly world: World; readonly units: readonly string[] } {
  const random = randomFrom(seed)
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)]
  const hosts = Array.from({ length: 2 + Math.floor(random() * 3) }, (_, i) => `h${i}`)
  const units = names(1 + Math.floor(random() * 20))
  const capacities = (of: readonly string[]) =>
    of.map((host) => capacity(host, 1 + Math.floor(random() * 2), random() < 0.3 ? null : 1 + random() * 9))
  const world: World = {
    assignments: [{ generation: 1, shares: spread(units, capacities(hosts)).shares, from: null, why: 'launch' }],
    disk: new Map(hosts.map((host) => [host, new Set<string>()])),
    reachable: new Set(hosts),
  }
  for (let step = 0; step < 60; step += 1) {
    const host = pick(hosts) ?? ''
    const dice = random()
    if (dice < 0.6) {
      // It works on something that it was ever given, whether or not anybody can see it or has taken it away since.
      const had = [...holdersOf(world.assignments)].flatMap(([unit, list]) =>
        list.some((holder) => holder.host === host) ? [unit] : [],
      )
      const unit = pick(had)
      if (unit !== undefined) world.disk.get(host)?.add(unit)
    } else if (dice < 0.75) world.reachable.delete(host)
    else if (dice < 0.9) world.reachable.add(host)
    else {
      const others = hosts.filter((other) => other !== host)
      const mine = shareOf(world.assignments, host, units).filter((unit) => !world.disk.get(host)?.has(unit))
      const { shares } = spread(mine, capacities(others))
      if (shares.length > 0)
        world.assignments.push({
          generation: nextGeneration(world.assignments),
          shares,
          from: host,
          why: 'given back',
        })
    }
  }
  return { world, units }
}

describe('what counts over deaths, returns and doubles', () => {
  it('counts every unit that is complete anywhere exactly once, from a host that it was given to', () => {
    let doubles = 0
    let returned = 0
    for (let seed = 0; seed < 800; seed += 1) {
      const { world, units } = life(seed)
      const owners = ownersOf(world.assignments)
      // No unit is without an owner, and none has two.
      expect([...owners.keys()].sort()).toEqual([...units].sort())
      expect([...world.disk.keys()].flatMap((host) => shareOf(world.assignments, host, units)).sort()).toEqual(
        [...units].sort(),
      )
      // What those who can be reached show; in the end all that is on any disk.
      for (const seen of [world.reachable, new Set(world.disk.keys())]) {
        const complete = new Map([...world.disk].filter(([host]) => seen.has(host)))
        const { from, aside } = countedOf(world.assignments, complete)
        const anywhere = new Set([...complete.values()].flatMap((set) => [...set]))
        expect([seed, [...from.keys()].sort()]).toEqual([seed, [...anywhere].sort()])
        for (const [unit, { host }] of from) {
          expect(complete.get(host)?.has(unit)).toBe(true)
          // The owner goes before all others; only while it has not finished another may stand in.
          const owner = owners.get(unit)?.host ?? ''
          if (complete.get(owner)?.has(unit)) expect(host).toBe(owner)
          else returned += 1
        }
        // All that is complete is either counted or named as left aside: nothing vanishes, nothing is there twice.
        const total = [...complete.values()].reduce((sum, set) => sum + set.size, 0)
        expect(from.size + aside.length).toBe(total)
        doubles += aside.length
      }
    }
    expect(doubles).toBeGreaterThan(100)
    expect(returned).toBeGreaterThan(100)
  })

  it('does not take what a host has that was never asked for it', () => {
    const assignments = [{ generation: 1, shares: [{ host: 'a', units: ['x'] }], from: null, why: '' }]
    const { from, aside } = countedOf(assignments, new Map([['b', new Set(['x', 'y'])]]))
    expect(from.size).toBe(0)
    expect(aside.map(({ unit, host, why }) => `${unit} ${host} ${why}`)).toEqual([
      'x b it was never given to b',
      'y b it was never given to b',
    ])
  })

  it('lets a host go that gave all back, until it gets something again', () => {
    const first: Assignment = { generation: 1, shares: [{ host: 'a', units: ['x'] }], from: null, why: '' }
    const back: Assignment = { generation: 2, shares: [{ host: 'b', units: ['x'] }], from: 'a', why: '' }
    const again: Assignment = { generation: 3, shares: [{ host: 'a', units: ['x'] }], from: 'b', why: '' }
    expect([...releasedOf([first])]).toEqual([])
    expect([...releasedOf([first, back])]).toEqual(['a'])
    expect([...releasedOf([again, back, first])]).toEqual(['b'])
  })
})
