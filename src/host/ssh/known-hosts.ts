import { sanitiseLine } from '../../text/sanitise.ts'
import { type KnownHostsFile, linesNaming, type Marker } from './known-hosts-file.ts'
import { type PublicKey, readKeyBlob, readKeyText } from './known-hosts-key.ts'
import { type HostKeyTarget, knownHostsNames } from './known-hosts-match.ts'

/** One key that the files hold for a host. */
export interface KnownKey {
  readonly type: string
  readonly base64: string
  readonly fingerprint: string
  readonly marker: Marker
  readonly isCertificate: boolean
  readonly file: string
  readonly line: number
}

/**
 * `match`: this very key is known. `changed`: other keys are known, this one is not. `revoked`: a line forbids it.
 * `unknown`: nothing is known. `needs-openssh`: only the system's ssh can tell. Only `match` may be trusted.
 */
export type HostKeyKind = 'match' | 'changed' | 'revoked' | 'unknown' | 'needs-openssh'

export interface HostKeyVerdict {
  readonly kind: HostKeyKind
  /** Name as it was looked up: `host`, `[host]:port` or the alias. */
  readonly name: string
  readonly keyType: string
  /** Of the key that was shown; null when it is none that kx can read. */
  readonly fingerprint: string | null
  /** The line that decided; null when none did. */
  readonly file: string | null
  readonly line: number | null
  /** Every key that the files hold for this host. */
  readonly known: readonly KnownKey[]
  /** What it means and what to do next, for a person. Empty for `match`. */
  readonly advice: string
  /** Lines that look as if they were meant for this host or as a revocation, but are skipped by OpenSSH and so by kx. */
  readonly warnings: readonly string[]
}

export interface ShownKey {
  readonly type: string
  readonly base64: string
}

interface Lookup {
  readonly name: string
  readonly keys: readonly KnownKey[]
  readonly warnings: readonly string[]
}

/**
 * Judges a host key as OpenSSH with strict checking does: any line with this key accepts, a revoked one always forbids,
 * any other key means that it changed. With a port other than 22 the bare name counts when nothing is known for the
 * port, and then only with this very key. Anything that is not understood is no match.
 *
 * @param leastRsaBits `RequiredRSASize`
 */
export function checkHostKey(
  files: readonly KnownHostsFile[],
  target: HostKeyTarget,
  shown: ShownKey,
  leastRsaBits = 1024,
): HostKeyVerdict {
  const names = knownHostsNames(target)
  const lookups = names.map((name) => lookup(files, name))
  const [first] = lookups
  const name = names[0] ?? ''
  const known = lookups.flatMap((l) => l.keys)
  const blob = Buffer.from(shown.base64, 'base64')
  const key = readKeyBlob(blob)
  const base = {
    name,
    keyType: key?.type ?? shown.type,
    fingerprint: key?.fingerprint ?? null,
    known,
    warnings: [...new Set(lookups.flatMap((l) => l.warnings))],
  }
  const none = { file: null, line: null }
  const refuse = (kind: Exclude<HostKeyKind, 'match'>, advice: string, at: KnownKey | null = null): HostKeyVerdict => ({
    ...base,
    kind,
    advice,
    ...(at === null ? none : { file: at.file, line: at.line }),
  })
  if (key === null || key.isCertificate || readKeyText(shown.type, shown.base64)?.base64 !== key.base64)
    return refuse(
      'unknown',
      `${shownName(name)} shows a host key that kx cannot read. Use the system's ssh (transport openssh).`,
    )
  if (key.rsaBits !== null && key.rsaBits < leastRsaBits)
    return refuse(
      'unknown',
      `${shownName(name)} shows an RSA key of ${key.rsaBits} bits; ${leastRsaBits} are required. Give it a new host key.`,
    )

  for (const found of lookups) {
    const revoked = found.keys.find((k) => k.marker === 'revoked' && k.base64 === key.base64)
    if (revoked !== undefined) return refuse('revoked', words.revoked(found.name, key, revoked), revoked)
    const match = plainKeys(found).find((k) => !k.isCertificate && k.base64 === key.base64)
    if (match !== undefined) {
      const unread = files.find((f) => f.unread !== null)?.unread ?? null
      if (unread !== null) return refuse('needs-openssh', words.unread(found.name, unread), match)
      return { ...base, kind: 'match', advice: '', file: match.file, line: match.line }
    }
    const other = plainKeys(found).at(-1)
    // A bare name with other keys says nothing about this port.
    if (other !== undefined && found === first)
      return refuse('changed', words.changed(found, key, plainKeys(found), hasAuthority(lookups)), other)
    if (other !== undefined) break
  }
  const authority = known.find((k) => k.marker === 'cert-authority')
  if (authority !== undefined) return refuse('needs-openssh', words.authority(name, authority), authority)
  return refuse('unknown', words.unknown(name, key))
}

const plainKeys = (found: Lookup) => found.keys.filter((k) => k.marker === 'none')
const hasAuthority = (lookups: readonly Lookup[]) =>
  lookups.some((l) => l.keys.some((k) => k.marker === 'cert-authority'))

function lookup(files: readonly KnownHostsFile[], name: string): Lookup {
  const keys: KnownKey[] = []
  const warnings: string[] = []
  for (const file of files) {
    const warn = (line: number, why: string) =>
      warnings.push(`${sanitiseLine(file.path)}:${line} is skipped, as ssh skips it: ${sanitiseLine(why, 120)}.`)
    for (const line of linesNaming(file, name)) {
      const [type = '', base64 = ''] = line.rest.split(/[ \t]+/)
      const key = readKeyText(type, base64)
      if (key === null) warn(line.number, `it names ${name}, but its key cannot be read`)
      else keys.push({ ...key, marker: line.marker, file: file.path, line: line.number })
    }
    for (const broken of file.broken) if (broken.isMarked) warn(broken.number, broken.why)
  }
  return { name, keys, warnings }
}

/** Keys that the files hold for a host, whatever their markers. */
export function knownKeys(files: readonly KnownHostsFile[], target: HostKeyTarget): readonly KnownKey[] {
  return knownHostsNames(target).flatMap((name) => lookup(files, name).keys)
}

/** Lines of one file that name a host and whose key can be read, as `ssh-keygen -F name -l` lists them. */
export function keysNamed(file: KnownHostsFile, name: string): readonly KnownKey[] {
  return lookup([file], name).keys
}

const shownName = (name: string) => sanitiseLine(name, 256)
const at = (key: KnownKey) => `${sanitiseLine(key.file)}:${key.line}`
const shownKey = (key: Pick<PublicKey, 'type' | 'fingerprint'>) => `${key.type} ${key.fingerprint}`

const words = {
  revoked: (name: string, key: PublicKey, by: KnownKey) =>
    `The host key of ${shownName(name)} (${shownKey(key)}) is revoked by ${at(by)}. Someone may have stolen it: do not connect. Ask who runs the host for a new key.`,
  unread: (name: string, why: string) =>
    `The host key of ${shownName(name)} is known, but ${sanitiseLine(why)}, and a revocation could stand there. Repair that file, or use the system's ssh (transport openssh).`,
  changed: (found: Lookup, key: PublicKey, others: readonly KnownKey[], isSigned: boolean) => {
    const list = others.slice(0, 4).map((k) => `${shownKey(k)} (${at(k)})`)
    const isOtherType = others.every((k) => k.type !== key.type)
    const why = isOtherType
      ? 'Only keys of other types are known: the host may have got a new type of key, or another machine answers.'
      : 'Another machine answers there, the host was set up anew, or someone sits in between.'
    const next = isSigned
      ? 'A certificate authority is known for it too, which only the system’s ssh can check (transport openssh).'
      : 'Compare the fingerprint with the console of the machine before you replace the line; kx never does it by itself.'
    return `The host key of ${shownName(found.name)} is not the known one. It shows ${shownKey(key)}; known: ${list.join(', ')}. ${why} ${next}`
  },
  authority: (name: string, by: KnownKey) =>
    `${shownName(name)} is trusted through a certificate authority (${at(by)}). kx cannot check host certificates by itself: use the system's ssh for this host (transport openssh).`,
  unknown: (name: string, key: PublicKey) =>
    `No key is known for ${shownName(name)}. It shows ${shownKey(key)}. Compare this with the console of the machine, or with what its provider says, then confirm.`,
}

/** Names of algorithms that ssh2 has, in the order in which they are asked for when nothing is known. SHA-1 is not among them. */
export const hostKeyAlgorithms = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const

/** Key type that an algorithm of signatures belongs to. */
const keyTypeOf = (algorithm: string) => (algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm)

/**
 * Algorithms to ask the host for, those with a known key first, as OpenSSH orders them (handbook ssh T2): a server has
 * several keys, and without this a host known by its ECDSA key would look unknown.
 *
 * @param allowed `HostKeyAlgorithms` as `ssh -G` prints it; kx takes of it what ssh2 can do
 */
export function preferredHostKeyAlgorithms(
  files: readonly KnownHostsFile[],
  target: HostKeyTarget,
  allowed: readonly string[] = hostKeyAlgorithms,
): readonly string[] {
  const can: readonly string[] = hostKeyAlgorithms
  const usable = allowed.filter((algorithm, i) => can.includes(algorithm) && allowed.indexOf(algorithm) === i)
  for (const name of knownHostsNames(target)) {
    const types = new Set(
      lookup(files, name)
        .keys.filter((k) => k.marker === 'none')
        .map((k) => k.type),
    )
    const isKnown = (algorithm: string) => types.has(keyTypeOf(algorithm))
    if (usable.some(isKnown)) return [...usable.filter(isKnown), ...usable.filter((a) => !isKnown(a))]
  }
  return usable
}
