import { sanitiseLine } from '../../text/sanitise.ts'

/** One look at a machine whose host key was trusted, by a person, by known_hosts, or by what was read at its creation. */
export interface Sighting {
  readonly atMs: number
  /** Name as the plan or the ssh config knows it. */
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly keyType: string
  /** `SHA256:…` */
  readonly fingerprint: string
  /** `/etc/machine-id` there; null when it was not read. */
  readonly machineId: string | null
  /** What the provider calls the machine; null where nobody does. */
  readonly instanceId: string | null
  readonly learnt: 'known-hosts' | 'person' | 'creation'
}

/** Everything that was seen, oldest first, and what in the store cannot be believed. */
export interface Pins {
  readonly sightings: readonly Sighting[]
  readonly suspects: readonly string[]
}

/** Where one goes, and what the provider said must be there. */
export interface PinTarget {
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly instanceId?: string | null
}

export interface PinKey {
  readonly type: string
  readonly fingerprint: string
}

/**
 * `first`: nothing is known of the alias or the address. `same`: the machine that was there before. `moved`: the alias's machine at
 * another address. `renamed`: a new alias, a known machine. `new-type`: only keys of other types are known. `readdressed`: a
 * new alias at an address where another machine was. `other`: not the alias's machine, or it has a new key. `shared`:
 * several machines show this key, so it proves nothing.
 */
export type PinKind = 'first' | 'same' | 'moved' | 'renamed' | 'new-type' | 'readdressed' | 'other' | 'shared'

export interface PinVerdict {
  readonly kind: PinKind
  /** The machine that shows this key, as it was last seen; null when the key was never seen. */
  readonly seen: Sighting | null
  /** The machine that was expected, as it was last seen; null when there is none. */
  readonly expected: Sighting | null
  /** For a person; empty for `first` and `same`. */
  readonly words: string
}

const isAt = (s: Sighting, target: PinTarget) =>
  s.port === target.port && s.host.toLowerCase() === target.host.toLowerCase()

/**
 * Whose key this is. A machine is what holds a key, whatever address it has: rented addresses go to other machines
 * (handbook ssh 4). The instance id, then the alias say which machine is meant; the address only when neither was seen.
 */
export function judgePin(pins: Pins, target: PinTarget, key: PinKey): PinVerdict {
  const withKey = pins.sightings.filter((s) => s.fingerprint === key.fingerprint)
  const seen = withKey.at(-1) ?? null
  const mine = pins.sightings.filter((s) => isMeant(s, target))
  const there = pins.sightings.filter((s) => isAt(s, target) && isPossible(s, target))
  const ofType = mine.findLast((s) => s.keyType === key.type) ?? null
  const verdict = (kind: PinKind, words: string, expected: Sighting | null): PinVerdict => ({
    kind,
    seen,
    expected,
    words,
  })

  if (isShared(withKey)) return verdict('shared', sayShared(withKey, key), mine.at(-1) ?? null)
  if (ofType !== null) {
    if (ofType.fingerprint !== key.fingerprint) return verdict('other', sayOther(target, key, ofType, seen), ofType)
    const isHere = mine.some((s) => s.fingerprint === key.fingerprint && isAt(s, target))
    return isHere ? verdict('same', '', ofType) : verdict('moved', sayMoved(target, ofType), ofType)
  }
  const expected = mine.at(-1) ?? null
  if (expected !== null)
    return seen === null
      ? verdict('new-type', sayNewType(target, key, expected), expected)
      : verdict('other', sayOther(target, key, expected, seen), expected)
  // An instance that was never seen cannot show a key that another instance has.
  if (seen !== null && !isPossible(seen, target)) return verdict('other', sayOther(target, key, null, seen), null)
  const tenant = there.findLast((s) => s.keyType === key.type) ?? null
  if (tenant !== null && tenant.fingerprint !== key.fingerprint)
    return verdict('readdressed', sayReaddressed(target, key, tenant, seen), tenant)
  return seen === null ? verdict('first', '', null) : verdict('renamed', sayRenamed(target, seen), null)
}

/** Whether this sighting is of the machine that is meant. */
function isMeant(s: Sighting, target: PinTarget): boolean {
  const id = target.instanceId ?? null
  if (id !== null && s.instanceId !== null) return s.instanceId === id
  return s.alias === target.alias
}

/** Whether this sighting could be of the machine that is meant: it is not when both are named and differ. */
function isPossible(s: Sighting, target: PinTarget): boolean {
  const id = target.instanceId ?? null
  return id === null || s.instanceId === null || s.instanceId === id
}

/** One key on instances, or aliases, that name themselves differently: an image was cloned with its keys in it. */
function isShared(withKey: readonly Sighting[]): boolean {
  const instances = new Set(withKey.flatMap((s) => s.instanceId ?? []))
  if (instances.size > 1) return true
  return withKey.some((a) =>
    withKey.some(
      (b) => a.alias !== b.alias && a.machineId !== null && b.machineId !== null && a.machineId !== b.machineId,
    ),
  )
}

/**
 * What the machine says of itself once the connection stands, against what was seen of it before. It tells its ids itself, so
 * they can only break trust and never make it. Ask this at every reconnect, before any command that counts.
 */
export function judgeMachine(
  pins: Pins,
  target: PinTarget,
  key: PinKey,
  told: { readonly machineId: string | null; readonly instanceId: string | null },
): { readonly isSame: boolean | 'unknown'; readonly words: string } {
  const mine = pins.sightings.filter((s) => isMeant(s, target))
  const before = mine.length > 0 ? mine : pins.sightings.filter((s) => s.fingerprint === key.fingerprint)
  for (const [of, called] of ids) {
    const last = before.findLast((s) => s[of] !== null)
    const [was, is] = [last?.[of] ?? null, told[of]]
    if (last === undefined || was === null || is === null) continue
    if (was !== is)
      return {
        isSame: false,
        words: `This is not the machine that ${shown(target.alias)} was: its ${called} is ${shown(is)}, and that of ${place(last)} is ${shown(was)}. Images that are cloned with their keys do this, and so does a stolen key. Look at its console before you go on.`,
      }
    return { isSame: true, words: '' }
  }
  return { isSame: 'unknown', words: '' }
}

const ids = [
  ['instanceId', 'instance id'],
  ['machineId', 'machine id'],
] as const

const shown = (text: string) => sanitiseLine(text, 128)
const day = (atMs: number) => `${new Date(atMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
const address = (at: { readonly host: string; readonly port: number }) => {
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return shown(at.port === 22 ? host : `${host}:${at.port}`)
}
const named = (s: Sighting) => `${shown(s.alias)}${s.instanceId === null ? '' : ` (${shown(s.instanceId)})`}`
const place = (s: Sighting) => `${named(s)}, last seen at ${address(s)} on ${day(s.atMs)}`

const sayMoved = (target: PinTarget, from: Sighting) =>
  `${shown(target.alias)} has moved from ${address(from)} to ${address(target)}: it shows the key it had before, so it is the same machine.`

const sayNewType = (target: PinTarget, key: PinKey, expected: Sighting) =>
  `${shown(target.alias)} shows a key of a type that was not seen before (${key.type} ${key.fingerprint}); known is ${expected.keyType} ${expected.fingerprint} of ${place(expected)}.`

const sayShared = (withKey: readonly Sighting[], key: PinKey) => {
  const latest = new Map(withKey.map((s) => [s.instanceId ?? s.machineId ?? s.alias, s]))
  const list = [...latest.values()].slice(-3).map(place)
  return `The host key ${key.fingerprint} was seen on several machines (${list.join('; ')}), so it does not tell which one answers. Have the machine make new host keys (ssh-keygen -A after removing the old ones).`
}

const sayRenamed = (target: PinTarget, seen: Sighting) =>
  `The key that ${shown(target.alias)} shows is that of a machine known by another name: ${place(seen)}.`

const whose = (seen: Sighting | null) =>
  seen === null ? 'its key was never seen' : `its key is that of ${place(seen)}`

const sayReaddressed = (target: PinTarget, key: PinKey, tenant: Sighting, seen: Sighting | null) =>
  `Another machine than before is at ${address(target)}: ${whose(seen)} (${key.type} ${key.fingerprint}). Before, this was ${place(tenant)}.`

const sayOther = (target: PinTarget, key: PinKey, expected: Sighting | null, seen: Sighting | null) => {
  const was =
    expected === null ? '' : ` Expected was ${place(expected)}, with ${expected.keyType} ${expected.fingerprint}.`
  return `Another machine answers at ${address(target)}: ${whose(seen)} (${key.type} ${key.fingerprint}).${was} Rented addresses go to other machines. If ${shown(target.alias)} was made anew, compare the fingerprint with its console, forget the old machine and confirm the new one.`
}
