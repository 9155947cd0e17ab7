/** Units that one host is to do, as one record of the journal gives them. */
export interface Share {
  readonly host: string
  readonly units: readonly string[]
}

/**
 * Who does what from now on. One record is one generation: it moves the units that it names and no others, and a later one
 * goes before an earlier one.
 */
export interface Assignment {
  readonly generation: number
  readonly shares: readonly Share[]
  /** Host that gave them back; null: nobody had them before. */
  readonly from: string | null
  readonly why: string
}

export interface Holder {
  readonly host: string
  readonly generation: number
}

/** Every host that a unit was ever given to, oldest first. */
export function holdersOf(assignments: readonly Assignment[]): ReadonlyMap<string, readonly Holder[]> {
  const holders = new Map<string, Holder[]>()
  for (const { generation, shares } of [...assignments].sort((a, b) => a.generation - b.generation))
    for (const { host, units } of shares)
      for (const unit of units) {
        const list = holders.get(unit)
        if (list === undefined) holders.set(unit, [{ host, generation }])
        else list.push({ host, generation })
      }
  return holders
}

/** The one host that is to do each unit now: that of its newest assignment. */
export function ownersOf(assignments: readonly Assignment[]): ReadonlyMap<string, Holder> {
  const owners = new Map<string, Holder>()
  for (const [unit, holders] of holdersOf(assignments)) {
    const last = holders.at(-1)
    if (last !== undefined) owners.set(unit, last)
  }
  return owners
}

/** Units that a host is to do now, in the order of `units`. */
export function shareOf(assignments: readonly Assignment[], host: string, units: readonly string[]): readonly string[] {
  const owners = ownersOf(assignments)
  return units.filter((unit) => owners.get(unit)?.host === host)
}

export interface Aside {
  readonly unit: string
  readonly host: string
  readonly why: string
}

export interface Counted {
  /** Unit to the host whose result counts. */
  readonly from: ReadonlyMap<string, Holder>
  /** Results that are there and do not count, each with the reason. */
  readonly aside: readonly Aside[]
}

/**
 * Whose result of a unit counts. A unit counts once: among the hosts that it was given to and that have it complete, the one
 * of the newest assignment; so the host that it belongs to now, and while that has not finished, whoever had it before and
 * turns out to have finished it. What is complete on a host that it was never given to counts nowhere.
 */
export function countedOf(
  assignments: readonly Assignment[],
  complete: ReadonlyMap<string, ReadonlySet<string>>,
): Counted {
  const from = new Map<string, Holder>()
  const holders = holdersOf(assignments)
  for (const [unit, list] of holders) {
    const best = list.findLast(({ host }) => complete.get(host)?.has(unit) === true)
    if (best !== undefined) from.set(unit, best)
  }
  const aside = [...complete].flatMap(([host, units]) =>
    [...units].flatMap((unit): Aside[] => {
      const best = from.get(unit)
      if (best === undefined) return [{ unit, host, why: `it was never given to ${host}` }]
      if (best.host === host) return []
      const hadIt = holders.get(unit)?.some((holder) => holder.host === host) === true
      const why = hadIt
        ? `it counts from ${best.host}, which got it later (generation ${best.generation})`
        : `it was never given to ${host}`
      return [{ unit, host, why }]
    }),
  )
  return { from, aside }
}

/** What a host can take. */
export interface Capacity {
  readonly host: string
  /** Units that run there at once. */
  readonly workers: number
  /** Measured seconds of one unit there; null: nobody has measured it. */
  readonly unitSeconds: number | null
  /** Units that it has and has not finished. */
  readonly pending: number
}

export interface Spread {
  readonly shares: readonly Share[]
  /** What the split rests on, in words. */
  readonly basis: string
}

/**
 * Spreads units so that all hosts end at about the same time: each unit goes to the host that would finish it first. For
 * units of one length that is the shortest time there is. Where one host has no measured seconds, all count as equally fast
 * a worker, and the basis says so. A sequential plan goes to one host whole.
 */
export function spread(
  units: readonly string[],
  hosts: readonly Capacity[],
  options: { readonly isSequential?: boolean } = {},
): Spread {
  const able = hosts.filter((host) => host.workers > 0)
  if (able.length === 0 || units.length === 0) return { shares: [], basis: 'there is nothing to spread' }
  const unmeasured = able.filter(({ unitSeconds }) => unitSeconds === null || !(unitSeconds > 0))
  const secondsOf = (host: Capacity) => (unmeasured.length > 0 ? 1 : (host.unitSeconds ?? 1))
  const given = new Map<string, string[]>(able.map(({ host }) => [host, []]))
  const endOf = (host: Capacity) => {
    const before = host.pending + (given.get(host.host)?.length ?? 0)
    return (Math.floor(before / host.workers) + 1) * secondsOf(host)
  }
  const first = () => able.reduce((best, host) => (endOf(host) < endOf(best) ? host : best))
  const one = options.isSequential === true ? first() : null
  for (const unit of units) given.get((one ?? first()).host)?.push(unit)
  const basis =
    one !== null
      ? `each unit needs the one before it: all on ${one.host}`
      : unmeasured.length > 0
        ? `equal by workers: no measured seconds of a unit on ${unmeasured.map(({ host }) => host).join(', ')}`
        : `by measured seconds of a unit: ${able.map((host) => `${host.host} ${figure(secondsOf(host))} s on ${host.workers}`).join(', ')}`
  return {
    shares: able.flatMap(({ host }) => {
      const list = given.get(host) ?? []
      return list.length === 0 ? [] : [{ host, units: list }]
    }),
    basis,
  }
}

const figure = (seconds: number) => (seconds >= 10 ? seconds.toFixed(0) : seconds.toFixed(2))

/** Hosts that have given back what they had not finished and got nothing since: they hold nothing up any more. */
export function releasedOf(assignments: readonly Assignment[]): ReadonlySet<string> {
  const released = new Set<string>()
  for (const { from, shares } of [...assignments].sort((a, b) => a.generation - b.generation)) {
    if (from !== null) released.add(from)
    for (const { host, units } of shares) if (units.length > 0) released.delete(host)
  }
  return released
}

export function nextGeneration(assignments: readonly Assignment[]): number {
  return assignments.reduce((most, { generation }) => Math.max(most, generation), 0) + 1
}
