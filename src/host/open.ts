import { chooseTransport, type Transport, type TransportChoice, transportFacts } from './choose.ts'
import { HostError } from './errors.ts'
import type { Logins } from './link/types.ts'
import { createLocalHost } from './local.ts'
import { createOpensshHost } from './openssh/host.ts'
import { opensshQuestions } from './openssh/questions.ts'
import type { SeenKey } from './openssh/seen-key.ts'
import { expandContext, resolveTarget } from './ssh/config-resolve.ts'
import { planHops } from './ssh/hops.ts'
import { createSshHost } from './ssh/host.ts'
import { judgeMachine, judgePin, type PinKey, type PinTarget } from './ssh/pins.ts'
import { openPins, type PinsFile } from './ssh/pins-file.ts'
import { type HostKeyPolicy, judgeHostKey } from './ssh/trust.ts'
import type { SshStatus } from './ssh/types.ts'
import type { Host } from './types.ts'

export interface OpenHostOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where it is kept which machine answered under which name. */
  readonly stateFolder: string
  /** In place of the user's own ssh configuration. */
  readonly configFile?: string
  /** Of the user; null: whatever the host needs. */
  readonly transport?: Transport | null
  /** Who answers for passphrases and passwords; without it nobody does. */
  readonly logins?: Logins
  /** Who is asked about a host key that nothing accepts; without it such a key is refused. */
  readonly hostKeys?: HostKeyPolicy
  readonly onStatus?: (status: SshStatus) => void
  readonly nowMs?: () => number
}

export interface OpenedHost {
  readonly host: Host
  /** Null for this machine. */
  readonly choice: TransportChoice | null
  /** For a person, when something is not as they may expect. */
  readonly notes: readonly string[]
}

/**
 * A host by the name that a plan gives it: `local`, or whatever the user's `ssh` would take. Nothing is connected yet: the
 * first call does that, and refuses a machine that is not the one this name meant before.
 *
 * @throws HostError when the name or the user's ssh configuration cannot be used
 */
export async function openHost(name: string, options: OpenHostOptions): Promise<OpenedHost> {
  if (name === 'local') return { host: createLocalHost(), choice: null, notes: [] }
  const { env, stateFolder, configFile, nowMs = Date.now } = options
  const resolve = (written: string) =>
    resolveTarget(written, { env, ...(configFile === undefined ? {} : { configFile }) })
  const context = expandContext(env)
  const found = await resolve(name)
  const choice = chooseTransport(found.config, transportFacts(found, context), options.transport ?? null)
  if (choice.transport === 'openssh') {
    if (found.source === 'written')
      throw new HostError(`${name} needs the system's ssh, and there is none here: install an OpenSSH client.`)
    const { logins, hostKeys, onStatus } = options
    const questions = logins === undefined ? undefined : opensshQuestions(name, logins, hostKeys)
    const { alias, hostName, hostKeyAlias, port } = found.config
    const target = { alias, host: hostKeyAlias ?? hostName, port }
    const pins = openPins(stateFolder)
    const host = createOpensshHost({
      name,
      target: found.config.alias,
      user: found.config.user,
      port: found.config.port,
      env: { ...env },
      askpass: questions?.ask,
      refuseIdentity: ({ machineId }, key) => refuseMachine(pins, target, key, machineId, nowMs()),
      asksHostKeys: hostKeys !== undefined,
      onStatus: (status) => {
        if (status.state !== 'connecting') questions?.settled(status.state === 'up')
        onStatus?.(status)
      },
      ...(configFile === undefined ? {} : { configFile }),
    })
    return { host, choice, notes: found.notes }
  }
  const way = await planHops(found, context, resolve)
  const target = way.at(-1)
  if (target === undefined) throw new HostError(`There is no way to ${name}.`)
  const pins = openPins(stateFolder)
  const judge = { name, context, pins, nowMs, policy: options.hostKeys }
  /** Of the host itself, as it was trusted last: a machine is known by its key, and only then by what it says. */
  let trusted: PinKey | null = null
  const host = createSshHost({
    name,
    hops: way.map((each) => each.hop),
    // Files and pins are read at each connect: a person may have confirmed or given up a key meanwhile.
    verify: async (_host, _port, type, base64, hop, signal = new AbortController().signal) => {
      const planned = way.find((each) => each.hop === hop)
      if (planned === undefined)
        return { isAccepted: false, words: ['This machine is not on the way that was planned.'] }
      const answer = await judgeHostKey(judge, planned, { type, base64 }, signal)
      const { known } = answer.verdict
      if (planned === target && answer.isAccepted && known.fingerprint !== null)
        trusted = { type: known.keyType, fingerprint: known.fingerprint }
      return answer
    },
    refuseIdentity: ({ machineId }) => {
      if (trusted === null) return null
      return judgedAndNoted(pins, target.target, trusted, machineId, nowMs())
    },
    ...(options.logins === undefined ? {} : { logins: options.logins }),
    ...(options.onStatus === undefined ? {} : { onStatus: options.onStatus }),
  })
  const identity = async (signal?: AbortSignal) => {
    const told = await host.identity(signal)
    return trusted === null ? told : { ...told, hostKey: trusted.fingerprint }
  }
  return { host: { ...host, identity }, choice, notes: found.notes }
}

/**
 * The same for the system's `ssh`, which has checked the key by its own files: whether it is that of the machine which the
 * name meant before. A key that an authority vouches for may be a new one. Without a key, only what the machine says of itself counts.
 */
function refuseMachine(
  pins: PinsFile,
  target: PinTarget,
  key: SeenKey | null,
  machineId: string | null,
  atMs: number,
): string | null {
  if (key === null) {
    const judged = judgeMachine(pins.read(), target, { type: '', fingerprint: '' }, { machineId, instanceId: null })
    return judged.isSame === false ? judged.words : null
  }
  const pin = key.isCertified ? null : judgePin(pins.read(), target, key)
  return pin?.kind === 'other' ? pin.words : judgedAndNoted(pins, target, key, machineId, atMs)
}

/** Why the machine that answers is not the one that the name meant before; else it is noted that it was seen. */
function judgedAndNoted(
  pins: PinsFile,
  target: PinTarget,
  { type, fingerprint }: PinKey,
  machineId: string | null,
  atMs: number,
): string | null {
  const told = { machineId: machineId ?? null, instanceId: null }
  const judged = judgeMachine(pins.read(), target, { type, fingerprint }, told)
  if (judged.isSame === false) return judged.words
  const { alias, host, port } = target
  pins.note({ atMs, alias, host, port, keyType: type, fingerprint, ...told, learnt: 'known-hosts' })
  return null
}
