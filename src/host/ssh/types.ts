import type { SFTPWrapper } from 'ssh2'
import type { HostIdentity } from '../../walk/proof.ts'
import type { Logins } from '../link/types.ts'
import type { Host, HostProcess, SpawnOptions } from '../types.ts'
import type { HostVerdict } from './known-hosts-verifier.ts'
import type { SshTiming } from './timing.ts'

/** One machine on the way: jump hosts first, the host itself last. */
export interface SshHop {
  /** Name or address that is connected to. */
  readonly address: string
  readonly port: number
  readonly user: string
  /** Absolute paths, in the order in which they are offered. */
  readonly identityFiles: readonly string[]
  /** Only keys of `identityFiles` are offered, also from the agent (handbook ssh T14). */
  readonly identitiesOnly: boolean
  /** Socket of the agent; null: none is asked. */
  readonly agentSocket: string | null
  /** Host key algorithms to ask for, best known first (`preferredHostKeyAlgorithms`). Default: all but SHA-1. */
  readonly hostKeyAlgorithms?: readonly string[]
  /** Ways in on which a person is asked, after the keys, in this order. Default none. */
  readonly asking?: readonly AskingMethod[]
}

export type AskingMethod = 'keyboard-interactive' | 'password'

/** What decides on a host key; only a literal `true` is trusted. `words` say why not. */
export type HostKeyAnswer = Pick<HostVerdict, 'isAccepted' | 'words'>

/** `hostVerifier` with its files and pins, or a person who was shown the fingerprint. A throw or a silence refuses. */
export type VerifyHostKey = (
  host: string,
  port: number,
  keyType: string,
  keyBase64: string,
  hop: SshHop,
  /** Aborted when nobody waits for the answer any more. */
  signal?: AbortSignal,
) => HostKeyAnswer | Promise<HostKeyAnswer>

/**
 * Why a link is not tried again by itself. `authentication`, `host-key` and `identity` would be the same next time, or
 * lock the person out; `shell`: the account there runs no sh; `unreachable` was tried often enough.
 */
export type SshProblem = 'authentication' | 'host-key' | 'identity' | 'shell' | 'unreachable'

/**
 * `stale`: nothing was heard for some seconds, what is shown may be old. `down`: another try comes by itself. `paused`:
 * only `resume()` tries again.
 */
export type SshState = 'idle' | 'connecting' | 'up' | 'stale' | 'down' | 'paused' | 'closed'

export interface SshStatus {
  readonly state: SshState
  readonly sinceMs: number
  /** For a person; empty when there is nothing to say. */
  readonly reason: string
  readonly problem: SshProblem | null
  /** When anything came from the host last; null before the first time. */
  readonly heardAtMs: number | null
  /** Tries since the link was up. */
  readonly tries: number
  readonly nextTryAtMs: number | null
  /** Key exchange that was agreed, such as `curve25519-sha256`; null while there is none. */
  readonly keyExchange: string | null
  /** A person was asked to get in, or a password that was typed before was sent: nobody does that alone. */
  readonly isAsked?: boolean
}

export interface SshHostOptions {
  /** Name as the plan knows it. */
  readonly name: string
  readonly hops: readonly SshHop[]
  readonly verify: VerifyHostKey
  /** Without it, a key with a passphrase is not used unless the agent holds it, and no password is given. */
  readonly logins?: Logins
  /** Told each change of state. Must not throw. */
  readonly onStatus?: (status: SshStatus) => void
  /**
   * Looks at the machine that answered, after every connect and before any command; a text refuses it, and says why.
   * Another machine id than at the first connect is refused without asking.
   */
  readonly refuseIdentity?: (identity: HostIdentity) => string | null
  /** Text that the server shows before authentication. Foreign bytes: the caller sanitises. */
  readonly onBanner?: (text: string) => void
  readonly timing?: SshTiming
}

export interface SshSpawnOptions extends SpawnOptions {
  /** The connection it runs over; bulk data must not hold up control (handbook ssh T11). Default `control`. */
  readonly over?: 'control' | 'bulk'
  /** Output that may be on its way at once: what a far link brings in a round trip (default 2 MiB, which is also the least). */
  readonly windowBytes?: number
}

/** A host over ssh2. */
export interface SshHost extends Host {
  readonly kind: 'ssh'
  status(): SshStatus
  /** Connects if that was not done yet; resolves when up, rejects with the reason when it cannot be. */
  connect(signal?: AbortSignal): Promise<void>
  /** Tries again after a pause, at once. */
  resume(): void
  spawn(argv: readonly string[], options: SshSpawnOptions): Promise<HostProcess>
  /** An SFTP session over the bulk connection; the caller ends it. Its calls need deadlines of their own (T6). */
  sftp(seconds?: number): Promise<SFTPWrapper>
}
