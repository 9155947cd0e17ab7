import { sanitiseLine } from '../../text/sanitise.ts'
import { HostError } from '../errors.ts'
import type { ConfirmHostKey, HostKeyQuestion } from '../link/types.ts'
import type { SshConfig } from './config.ts'
import { type ExpandContext, expandPath } from './config-expand.ts'
import { knownHostsOf } from './config-resolve.ts'
import type { PlannedHop } from './hops.ts'
import type { KnownKey, ShownKey } from './known-hosts.ts'
import { keysNamed } from './known-hosts.ts'
import { addHostKey, replaceHostKey } from './known-hosts-edit.ts'
import { readKnownHostsFile } from './known-hosts-file.ts'
import { knownHostsNames } from './known-hosts-match.ts'
import { type HostVerdict, hostVerifier } from './known-hosts-verifier.ts'
import type { PinsFile } from './pins-file.ts'
import { randomart } from './randomart.ts'
import type { HostKeyAnswer } from './types.ts'

/** How far a person may go who is asked about a host key. */
export interface HostKeyPolicy {
  readonly confirm: ConfirmHostKey
  /**
   * `unknown`: only keys of which nothing speaks otherwise, as in the middle of an act. `any`: changed ones too, by an act
   * that is about nothing else. A revoked key is never asked about.
   */
  readonly asks: 'unknown' | 'any'
  /** Name of the person, for the record. */
  readonly by: () => string
  /** Told of each key on the way that is trusted. */
  readonly onAccepted?: (key: AcceptedKey) => void
}

export interface AcceptedKey {
  readonly hop: string
  readonly keyType: string
  readonly fingerprint: string
  /** Confirmed just now. */
  readonly byPerson: boolean
}

export interface HostKeyJudge {
  readonly name: string
  readonly context: ExpandContext
  readonly pins: PinsFile
  readonly nowMs: () => number
  readonly policy: HostKeyPolicy | undefined
}

/** The verdict on a key by files and pins as they are now; where a person may say otherwise, that person is asked. */
export async function judgeHostKey(judge: HostKeyJudge, planned: PlannedHop, shown: ShownKey, signal: AbortSignal) {
  const answer = await judged(judge, planned, shown, signal)
  const { keyType, fingerprint } = answer.verdict.known
  if (answer.isAccepted && fingerprint !== null)
    judge.policy?.onAccepted?.({ hop: planned.target.alias, keyType, fingerprint, byPerson: answer.byPerson })
  return answer
}

async function judged(
  judge: HostKeyJudge,
  planned: PlannedHop,
  shown: ShownKey,
  signal: AbortSignal,
): Promise<HostKeyAnswer & { readonly verdict: HostVerdict; readonly byPerson: boolean }> {
  const look = () =>
    hostVerifier(
      planned.target,
      knownHostsOf(planned.config, judge.context),
      judge.pins.read(),
    )(shown.type, shown.base64)
  const verdict = look()
  const answer = (words: readonly string[]) => ({ isAccepted: false, words, verdict, byPerson: false })
  if (verdict.isAccepted) return { ...verdict, verdict, byPerson: false }
  const remedy = remedyFor(judge.name, verdict)
  const { policy } = judge
  if (policy === undefined || !isAskable(verdict, policy)) return answer([...verdict.words, ...remedy])
  const question = questionOf(judge.name, planned, verdict)
  if (!(await policy.confirm(question, signal))) return answer([...verdict.words, 'Nobody confirmed it.', ...remedy])
  try {
    keep(judge, planned, shown, verdict)
  } catch (error) {
    if (error instanceof HostError) return answer([...verdict.words, error.message])
    throw error
  }
  const after = look()
  return { isAccepted: after.isAccepted, words: after.words, verdict: after, byPerson: true }
}

function isAskable(verdict: HostVerdict, policy: HostKeyPolicy): boolean {
  if (verdict.canBeConfirmed) return true
  return policy.asks === 'any' && verdict.pin !== null && ['unknown', 'changed'].includes(verdict.kind)
}

const remedyFor = (name: string, { kind, pin }: HostVerdict): readonly string[] =>
  pin === null || kind === 'revoked' || kind === 'needs-openssh'
    ? []
    : [`When you have compared it by another way: kx host trust --host ${sanitiseLine(name, 128)}`]

function questionOf(host: string, { hop, target, config }: PlannedHop, verdict: HostVerdict): HostKeyQuestion {
  const { known, pin } = verdict
  const fingerprint = known.fingerprint ?? ''
  const others = known.known.filter((key) => key.marker === 'none').map(fromFile)
  const expected = pin?.expected ?? null
  return {
    host: sanitiseLine(host, 128),
    hop: sanitiseLine(target.alias, 128),
    address: sanitiseLine(`${hop.user}@${config.hostName}:${hop.port}`, 200),
    kind: verdict.canBeConfirmed ? 'unknown' : 'changed',
    keyType: known.keyType,
    fingerprint,
    randomart: randomart(fingerprint, shortType(known.keyType)),
    known:
      expected === null || others.some((key) => key.fingerprint === expected.fingerprint)
        ? others
        : [...others, { keyType: expected.keyType, fingerprint: expected.fingerprint, from: 'the machine of before' }],
    words: verdict.words,
  }
}

const fromFile = (key: KnownKey) => ({
  keyType: key.type,
  fingerprint: key.fingerprint,
  from: `${sanitiseLine(key.file, 200)}:${key.line}`,
})

/** `ED25519`, as ssh names it in its picture. */
const shortType = (type: string) => (/^(?:ssh-)?(ed25519|rsa|ecdsa)/.exec(type)?.[1] ?? type).toUpperCase().slice(0, 14)

/** Writes the key where ssh looks for it, in place of what stood there for this host and port, and pins the machine. */
function keep(judge: HostKeyJudge, planned: PlannedHop, shown: ShownKey, verdict: HostVerdict): void {
  const { config, target } = planned
  const { context, pins, policy } = judge
  const files = userFiles(config, context)
  const [first] = files
  if (first === undefined)
    throw new HostError(
      `Your ssh config names no known_hosts file of your own for ${sanitiseLine(target.alias)}, so the key cannot be kept. Set UserKnownHostsFile.`,
    )
  const options = { isHashed: config.hashKnownHosts }
  const name = knownHostsNames(target)[0] ?? ''
  const naming = (path: string) => keysNamed(readKnownHostsFile(path), name).filter((key) => key.marker === 'none')
  const holders = files.filter((path) => naming(path).length > 0)
  const foreign = verdict.known.known.find(
    (key) => key.marker === 'none' && !files.includes(key.file) && key.base64 !== shown.base64,
  )
  if (verdict.known.kind === 'changed' && foreign !== undefined)
    throw new HostError(
      `The old key stands in ${sanitiseLine(foreign.file)}:${foreign.line}, which is not a file of yours. Have that line removed first.`,
    )
  const atMs = judge.nowMs()
  if (verdict.known.kind === 'changed')
    for (const path of holders) replaceHostKey(path, target, path === holders[0] ? shown : null, { ...options, atMs })
  // Also where the files know it already: then only the machine was another one.
  if (verdict.known.kind === 'unknown') addHostKey(first, target, shown, options)
  const { alias, host, port } = target
  const by = policy?.by() ?? ''
  if (verdict.pin !== null && !['first', 'same', 'moved'].includes(verdict.pin.kind))
    pins.forget({ alias, by, why: 'another host key was confirmed', atMs })
  const { keyType, fingerprint } = verdict.known
  if (fingerprint !== null)
    pins.note({ atMs, alias, host, port, keyType, fingerprint, machineId: null, instanceId: null, learnt: 'person' })
}

/** Known_hosts files of the user, in the order in which ssh reads them. */
export function userFiles(config: SshConfig, context: ExpandContext): readonly string[] {
  return config.userKnownHostsFiles
    .filter((path) => path !== 'none' && path !== '/dev/null')
    .map((path) => expandPath(path, config, context))
}
