import { HostError } from './errors.ts'
import type { ConfirmHostKey, Logins } from './link/types.ts'
import { openHost } from './open.ts'
import { expandContext, knownHostsOf, resolveTarget } from './ssh/config-resolve.ts'
import { planHops } from './ssh/hops.ts'
import { knownKeys } from './ssh/known-hosts.ts'
import { replaceHostKey } from './ssh/known-hosts-edit.ts'
import { readKnownHostsFile } from './ssh/known-hosts-file.ts'
import type { Sighting } from './ssh/pins.ts'
import { openPins } from './ssh/pins-file.ts'
import { type AcceptedKey, userFiles } from './ssh/trust.ts'
import type { SshHost } from './ssh/types.ts'

export interface KnownOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stateFolder: string
  readonly configFile?: string
}

/** One machine on the way to a host, and by what it is known. */
export interface KnownHop {
  readonly name: string
  readonly user: string
  readonly address: string
  readonly port: number
  /** Lines of known_hosts files that name it. */
  readonly keys: readonly {
    readonly keyType: string
    readonly fingerprint: string
    readonly marker: 'none' | 'revoked' | 'cert-authority'
    readonly file: string
    readonly line: number
  }[]
  /** Machines that were seen under this name, the newest last, one a key. */
  readonly machines: readonly KnownMachine[]
}

export interface KnownMachine {
  readonly keyType: string
  readonly fingerprint: string
  readonly machineId: string | null
  readonly instanceId: string | null
  /** How the key came to be trusted first. */
  readonly learnt: Sighting['learnt']
  readonly learntAtMs: number
  readonly seenAtMs: number
  readonly seenAt: string
}

/** Every machine on the way to a host, jump hosts first. Connects to nothing. @throws HostError */
export async function knownWay(name: string, options: KnownOptions): Promise<readonly KnownHop[]> {
  const { way, context, pins } = await wayTo(name, options)
  const { sightings } = pins.read()
  return way.map(({ hop, target, config }) => ({
    name: target.alias,
    user: hop.user,
    address: hop.address,
    port: hop.port,
    keys: knownKeys(knownHostsOf(config, context), target).map(({ type, fingerprint, marker, file, line }) => ({
      keyType: type,
      fingerprint,
      marker,
      file,
      line,
    })),
    machines: machinesIn(sightings.filter((seen) => seen.alias === target.alias)),
  }))
}

/** Names under which machines were seen, with the newest machine of each. Reads one file. */
export function knownNames(stateFolder: string): ReadonlyMap<string, KnownMachine> {
  const { sightings } = openPins(stateFolder).read()
  const names = new Map<string, KnownMachine>()
  for (const alias of new Set(sightings.map((seen) => seen.alias))) {
    const newest = machinesIn(sightings.filter((seen) => seen.alias === alias)).at(-1)
    if (newest !== undefined) names.set(alias, newest)
  }
  return names
}

function machinesIn(sightings: readonly Sighting[]): readonly KnownMachine[] {
  const machines = new Map<string, KnownMachine>()
  for (const seen of sightings) {
    const before = machines.get(seen.fingerprint)
    machines.delete(seen.fingerprint)
    machines.set(seen.fingerprint, {
      keyType: seen.keyType,
      fingerprint: seen.fingerprint,
      machineId: seen.machineId ?? before?.machineId ?? null,
      instanceId: seen.instanceId ?? before?.instanceId ?? null,
      learnt: before?.learnt ?? seen.learnt,
      learntAtMs: before?.learntAtMs ?? seen.atMs,
      seenAtMs: seen.atMs,
      seenAt: `${seen.host}:${seen.port}`,
    })
  }
  return [...machines.values()]
}

export interface TrustRequest extends KnownOptions {
  readonly confirm: ConfirmHostKey
  /** Name of the person, for the record. */
  readonly by: string
  /** For jump hosts, which must let somebody in before the next key can be seen. */
  readonly logins?: Logins
  readonly signal: AbortSignal
}

/**
 * Connects to a host to see the keys on the way to it, and asks about each that is not trusted; what is confirmed is
 * written down. Nothing is run there. Whether the login at the host itself works does not matter.
 *
 * @returns keys that are trusted now, and why the host's own is not among them; null when it is
 * @throws HostError when the name or the configuration cannot be used
 */
export async function trustWay(
  name: string,
  { confirm, by, signal, logins, ...known }: TrustRequest,
): Promise<{ readonly trusted: readonly AcceptedKey[]; readonly why: string | null }> {
  const { way } = await wayTo(name, known)
  const trusted: AcceptedKey[] = []
  const over = new AbortController()
  let reason = 'The connection was given up.'
  const { host } = await openHost(name, {
    ...known,
    transport: 'ssh',
    ...(logins === undefined ? {} : { logins }),
    hostKeys: { confirm, asks: 'any', by: () => by, onAccepted: (key) => trusted.push(key) },
    onStatus: (status) => {
      if (status.state !== 'down' && status.state !== 'paused') return
      reason = status.reason
      // One try: who cannot be reached now shows no key.
      over.abort()
    },
  })
  try {
    if (host.kind === 'ssh') await (host as SshHost).connect(AbortSignal.any([signal, over.signal]))
  } catch {
    // Told by the status.
  } finally {
    await host.close()
  }
  const isTrusted = trusted.some((key) => key.hop === way.at(-1)?.target.alias)
  return { trusted, why: isTrusted ? null : reason }
}

/**
 * Takes what is known of one machine out of the user's known_hosts files, and gives up what was pinned to its name.
 *
 * @returns lines that were taken out, and where they are kept
 * @throws HostError also when the key stands in a file that is not the user's
 */
export async function forgetHost(
  name: string,
  options: KnownOptions & { readonly by: string; readonly why: string; readonly atMs: number },
): Promise<{ readonly removed: readonly string[]; readonly backups: readonly string[] }> {
  const { way, context, pins } = await wayTo(name, options)
  const target = way.at(-1)
  if (target === undefined) throw new HostError(`There is no way to ${name}.`)
  const removed: string[] = []
  const backups: string[] = []
  for (const path of userFiles(target.config, context)) {
    if (knownKeys([readKnownHostsFile(path)], target.target).length === 0) continue
    const done = replaceHostKey(path, target.target, null, { isHashed: false, atMs: options.atMs })
    removed.push(...done.removed)
    if (done.backup !== null) backups.push(done.backup)
  }
  pins.forget({ alias: target.target.alias, by: options.by, why: options.why, atMs: options.atMs })
  return { removed, backups }
}

async function wayTo(name: string, { env, stateFolder, configFile }: KnownOptions) {
  const context = expandContext(env)
  const resolve = (written: string) =>
    resolveTarget(written, { env, ...(configFile === undefined ? {} : { configFile }) })
  const way = await planHops(await resolve(name), context, resolve)
  return { way, context, pins: openPins(stateFolder) }
}
